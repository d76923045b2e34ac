//! The dashboard, as a person meets it.

mod account;
mod activity;
mod domains;
mod forms;
mod links;
mod pages;
mod sessions;
mod settings;
mod settings_agency;
mod sign_in;
mod usage;
mod view_as;
