//! The one test binary.

mod accepting;
mod api;
mod architecture;
mod models;
mod support;
mod support_works;
