//! The commands that decide something, one a file.

pub mod auth;
pub mod data;
pub mod helo;
pub mod mail;
pub mod rcpt;
pub mod starttls;
