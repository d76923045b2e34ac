//! What the product does: one verb per file. An action takes the open transaction, the circumstances and what is
//! wanted; dashboard, API and command line call the same one.

pub mod accept_invitation;
pub mod accept_message;
pub mod audit;
pub mod build_message;
pub mod cancel_message;
pub mod change_role;
pub mod claim_deliveries;
pub mod context;
pub mod create_api_key;
pub mod create_sub_account;
pub mod create_suppression;
pub mod delete_api_key;
pub mod delete_sub_account;
pub mod delete_suppressions;
pub mod ensure_period;
pub mod error;
pub mod finish_deliveries;
pub mod housekeeping;
pub mod idempotency;
pub mod invite_member;
pub mod key_grant;
pub mod lift_suspension;
pub mod notify;
pub mod outbox;
pub mod prepare_message;
pub mod refresh_summary;
pub mod remove_member;
pub mod roll_periods;
pub mod services;
pub mod set_plan;
pub mod sign_in;
pub mod suspend_account;
mod tally;
pub mod undelete_sub_account;
pub mod update_account;
pub mod update_api_key;
pub mod update_sub_account;
pub mod usage_report;

pub use context::{Actor, ActorKind, Cx};
pub use error::{ActionError, ActionResult, FieldError};
pub use services::Services;
