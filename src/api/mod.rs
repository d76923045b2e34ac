//! The JSON API v2. One readable route table; every answer is an envelope of the contract.

mod account;
mod api_keys;
mod auth;
mod body;
mod domains;
mod edge;
mod error;
mod idempotent;
mod limits;
mod members;
mod messages;
pub mod openapi;
mod pagination;
mod ping;
mod query;
pub mod routes;
mod smtp_credentials;
mod sub_account_keys;
mod sub_accounts;
mod suppressions;
mod transports;
mod unpack;
mod usage;
mod views;

pub use limits::Limits;
