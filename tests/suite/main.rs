//! The one test binary.

mod accepting;
mod api;
mod architecture;
mod browser;
mod delivery;
mod demo;
mod domains;
mod fuzz;
mod isolation;
mod models;
mod readme;
mod returning;
mod sub_account_list;
mod support;
mod support_works;
mod web;
