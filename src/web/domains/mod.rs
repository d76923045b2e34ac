//! The domains of an account: the list, one domain with its records, and the page for people without an account here.

mod changes;
mod list;
mod open_page;
mod records;
pub mod routes;
mod show;
