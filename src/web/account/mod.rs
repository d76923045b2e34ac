//! The pages of one account. Each is served at `/sub-accounts/{id}/...` to its agency and at `/account/...` to its
//! own members (or whoever views as one), through `AccountScope`. `frame` is what they share: name, state, tabs.

pub mod activity;
pub mod credentials;
mod doers;
pub mod frame;
pub mod key_form;
mod key_scopes;
mod locked;
pub mod members;
pub mod message;
mod message_story;
pub mod messages;
pub mod overview;
mod overview_facts;
pub mod overview_now;
pub mod paging;
pub mod routes;
pub mod settings;
pub mod smtp_credentials;
pub mod span;
pub mod suppression_changes;
pub mod suppressions;
pub mod test_message;
pub mod transport;
pub mod usage;
mod usage_csv;
mod usage_sheet;
