//! Settings: one tab per file. A tab's page has fields `shell: Shell` and `tabs: Vec<Tab>` (`navigation::settings`),
//! and its template begins `{% extends "settings/frame.html" %}` and fills `{% block tab %}`.

pub mod account;
mod billing_change;
pub mod health;
pub mod plan;
pub mod pool;
pub mod profile;
pub mod sessions;
pub mod transports;
