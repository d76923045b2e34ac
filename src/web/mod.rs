//! The dashboard: HTML pages for people. Handlers fill page structs; templates draw them.

pub mod chart;
pub mod components_page;
pub mod error_page;
pub mod filters;
pub mod format;
pub mod layout;

#[cfg(test)]
mod style_tests;
