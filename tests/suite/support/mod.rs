//! What the tests stand on: real peers on loopback, each started by the test that needs it and gone with it.
//!
//! A peer that this machine lacks makes the test say so and pass, or fail under `CANOPY_TEST_STRICT=1`, which
//! `bin/test` sets after installing everything.

pub mod app;
pub mod browser;
pub mod certificates;
pub mod cluster;
pub mod dkim_verify;
pub mod dns_server;
pub mod dump;
pub mod environment;
pub mod faulty_disk;
pub mod mail_program;
pub mod mailer;
pub mod many;
pub mod node;
pub mod odd_dns;
pub mod odd_server;
pub mod policy_server;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod rows;
pub mod smtp_sink;
pub mod spreadsheet;
pub mod temp_dir;
pub mod visitor;
