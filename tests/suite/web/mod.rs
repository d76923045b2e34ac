//! The dashboard, as a person meets it.

mod account;
mod account_changes;
mod activity;
mod bulk_list;
mod domains;
mod external_ids;
mod forms;
mod guessing;
pub mod links;
mod now;
mod numbers;
mod once;
mod pages;
mod plan_dates;
mod queue;
mod saved_views;
mod sessions;
mod settings;
mod settings_agency;
mod sign_in;
mod spreadsheet;
mod sub_accounts;
mod transports;
mod usage;
mod view_as;
