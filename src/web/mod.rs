//! The dashboard: HTML pages for people. Handlers fill page structs; templates draw them.

pub mod account;
pub mod acting;
pub mod activity;
pub mod assets;
pub mod auth;
pub mod chart;
pub mod components_page;
pub mod csv;
pub mod domains;
pub mod error;
pub mod error_page;
pub mod fields;
mod files;
pub mod filters;
pub mod format;
pub mod forms;
pub mod frame;
pub mod glance;
pub mod guard;
pub mod headers;
pub mod health;
pub mod home;
mod inside;
pub mod jobs;
pub mod layout;
pub mod metrics;
pub mod navigation;
mod numbers;
pub mod overview;
pub mod page;
pub mod queue;
pub mod resend;
pub mod routes;
pub mod scope;
pub mod search;
pub mod session;
mod session_keys;
pub mod settings;
pub mod sub_accounts;
pub mod usage;
pub mod view_as;

#[cfg(test)]
mod macro_tests;
#[cfg(test)]
mod style_tests;
