//! The contract's Suppression.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::api::pagination::ListObject;
use crate::domain::ids::Id;
use crate::models::suppressions;

#[derive(Debug, Serialize, ToSchema)]
pub struct Suppression {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = Email)]
    email: String,
    /// `*` stands for domains that the account does not have yet.
    domain: String,
    /// Empty when none was given.
    reason: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Suppression,
}

impl Suppression {
    #[must_use]
    pub fn new(row: &suppressions::Suppression) -> Self {
        Self {
            object: Kind::Suppression,
            id: row.id,
            created_at: time(row.created_at),
            email: row.email.clone(),
            domain: row.domain.clone(),
            reason: row.reason.clone(),
            expires_at: time(row.expires_at),
        }
    }
}

/// One row for each domain.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateSuppressionResponse {
    #[schema(inline)]
    object: ListObject,
    data: Vec<Suppression>,
}

impl CreateSuppressionResponse {
    #[must_use]
    pub fn new(rows: &[suppressions::Suppression]) -> Self {
        Self { object: ListObject::List, data: rows.iter().map(Suppression::new).collect() }
    }
}
