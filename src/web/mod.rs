//! The dashboard: HTML pages for people. Handlers fill page structs; templates draw them.

pub mod chart;
pub mod filters;
pub mod format;
pub mod layout;
