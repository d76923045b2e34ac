//! The one test binary.

mod accepting;
mod api;
mod architecture;
mod models;
mod sub_account_list;
mod delivery;
mod support;
mod support_works;
