//! The one test binary.

mod accepting;
mod api;
mod architecture;
mod browser;
mod cli;
mod delivery;
mod demo;
mod disk;
mod domains;
mod flow;
mod fuzz;
mod hostile;
mod isolation;
mod models;
mod nodes;
mod parsers;
mod proofs;
mod readme;
mod returning;
mod soak;
mod sub_account_list;
mod submission;
mod support;
mod support_works;
mod watching;
mod web;
