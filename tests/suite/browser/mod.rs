//! The dashboard in a real Chromium, over a demo's data.

mod journeys;
mod list;
mod pages;
mod phone;
mod world;
