//! The contract's APIKey.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::domain::ids::Id;
use crate::models::api_keys;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = APIKey)]
pub struct ApiKey {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// May lag by up to five minutes.
    #[schema(format = DateTime, required)]
    last_used_at: Option<String>,
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
    label: String,
    /// Names the key; not a secret.
    public_key: String,
    scopes: Vec<ApiKeyScope>,
    /// The sources that may use the key, as canonical CIDR blocks. Empty: any source.
    ip_allow_list: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    ApiKey,
}

/// One scope of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = APIKeyScope)]
pub struct ApiKeyScope {
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(value_type = uuid::Uuid)]
    api_key_id: Id,
    scope: String,
    /// The domain that the scope is limited to; null for the others.
    #[schema(value_type = Option<uuid::Uuid>, required)]
    domain_id: Option<Id>,
}

/// A key just created: the only answer that holds its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedAPIKey)]
pub struct CreatedApiKey {
    #[serde(flatten)]
    key: ApiKey,
    /// Shown once. It cannot be read again later.
    #[schema(read_only)]
    secret_key: String,
}

impl ApiKey {
    #[must_use]
    pub fn new(key: &api_keys::ApiKey, scopes: &[api_keys::KeyScope]) -> Self {
        Self {
            object: Kind::ApiKey,
            id: key.id,
            created_at: time(key.created_at),
            updated_at: time(key.updated_at),
            last_used_at: key.last_used_at.map(time),
            account_id: key.account_id,
            label: key.label.clone(),
            public_key: key.public_key.clone(),
            scopes: scopes.iter().filter(|row| row.api_key_id == key.id).map(ApiKeyScope::new).collect(),
            ip_allow_list: key.allowed(),
        }
    }

    #[must_use]
    pub fn with_secret(self, secret: &SecretString) -> CreatedApiKey {
        CreatedApiKey { key: self, secret_key: secret.expose_secret().to_owned() }
    }
}

impl ApiKeyScope {
    fn new(row: &api_keys::KeyScope) -> Self {
        Self {
            id: row.id,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            api_key_id: row.api_key_id,
            scope: row.scope.clone(),
            domain_id: row.domain_id,
        }
    }
}
