//! What benchmarks share with the tests: the same rows, the same way to start and end programs and databases.
#![allow(dead_code, reason = "the tests use more of it")]

#[path = "../../tests/suite/support/environment.rs"]
pub mod environment;
#[path = "../../tests/suite/support/many.rs"]
pub mod many;
#[path = "../../tests/suite/support/postgres.rs"]
pub mod postgres;
#[path = "../../tests/suite/support/process.rs"]
pub mod process;
#[path = "../../tests/suite/support/rows.rs"]
pub mod rows;
#[path = "../../tests/suite/support/smtp_sink.rs"]
pub mod smtp_sink;
#[path = "../../tests/suite/support/temp_dir.rs"]
pub mod temp_dir;
