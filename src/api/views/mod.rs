//! What the API shows: one serialisable view per object of the contract.

mod account;
mod api_key;
mod domain;
mod message;
mod smtp_credential;
mod sub_account;
mod suppression;
mod transport;
mod usage;

use chrono::NaiveDateTime;
use serde::Serialize;
use utoipa::ToSchema;

pub use account::{Account, Member};
pub use api_key::{ApiKey, CreatedApiKey};
pub use domain::Domain;
pub use message::{CreateMessageResponse, Message, MessageSummary};
pub use smtp_credential::{CreatedSmtpCredential, CredentialScope, SmtpCredential};
pub use sub_account::SubAccount;
pub use suppression::{CreateSuppressionResponse, Suppression};
pub use transport::{SubAccountTransport, Transport};
pub use usage::Usage;

#[derive(Serialize, ToSchema)]
pub struct SuccessResponse {
    pub message: String,
}

impl SuccessResponse {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A time of a row, as RFC 3339 in UTC.
#[must_use]
pub fn time(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
