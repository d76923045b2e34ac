//! The dashboard over HTTP.

mod account;
mod domains;
