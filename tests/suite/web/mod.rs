//! The dashboard over HTTP.

mod account;
