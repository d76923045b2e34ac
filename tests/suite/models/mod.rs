//! The database layer on both databases.

mod audit_chain;
mod bounded;
mod migrations;
mod opening;
mod partitions;
mod reading;
mod vacuum;
