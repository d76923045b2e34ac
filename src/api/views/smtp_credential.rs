//! The contract's SMTPCredential.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time;
use crate::domain::ids::Id;
use crate::models::smtp_credentials::{self, CredentialDomain};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SMTPCredential)]
pub struct SmtpCredential {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    pub id: Id,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    name: String,
    /// Not a secret.
    username: String,
    /// Everything sent by them stays in the sandbox.
    sandbox: bool,
    #[schema(inline)]
    scope: CredentialScope,
    /// The domains that they may send from; empty for `global`.
    pub domains: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    CredentialSmtp,
}

/// Whether credentials are for every domain of the account, later ones included, or for some.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialScope {
    Global,
    Scoped,
}

/// Credentials just created: the only answer that holds their password.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedSMTPCredential)]
pub struct CreatedSmtpCredential {
    #[serde(flatten)]
    credential: SmtpCredential,
    /// Shown once. It cannot be read again later.
    #[schema(read_only)]
    password: String,
}

impl SmtpCredential {
    #[must_use]
    pub fn new(row: &smtp_credentials::SmtpCredential, domains: &[CredentialDomain]) -> Self {
        let of_row = domains.iter().filter(|domain| domain.credential_id == row.id);
        Self {
            object: Kind::CredentialSmtp,
            id: row.id,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            name: row.name.clone(),
            username: row.username.clone(),
            sandbox: row.sandbox,
            scope: if row.is_global { CredentialScope::Global } else { CredentialScope::Scoped },
            domains: of_row.map(|domain| domain.domain.clone()).collect(),
        }
    }

    #[must_use]
    pub fn with_password(self, password: &SecretString) -> CreatedSmtpCredential {
        CreatedSmtpCredential { credential: self, password: password.expose_secret().to_owned() }
    }
}
