//! The dashboard, as a person meets it.

mod forms;
mod links;
mod pages;
mod sessions;
mod settings;
mod sign_in;
mod view_as;
