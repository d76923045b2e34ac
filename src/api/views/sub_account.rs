//! The contract's SubAccount.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::domain::hold::AccountState;
use crate::domain::ids::Id;
use crate::models::accounts::Account;
use crate::models::summaries::Summary;

#[derive(Debug, Serialize, ToSchema)]
pub struct SubAccount {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    #[schema(value_type = uuid::Uuid)]
    parent_account_id: Id,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    name: String,
    /// The bare host.
    website: String,
    /// `active`, `suspended`, `parent-suspended` or `deleted`.
    #[schema(inline)]
    status: &'static str,
    /// The monthly cap in messages; 0 is no cap.
    #[schema(minimum = 0)]
    monthly_credit: i64,
    #[schema(minimum = 0)]
    domain_count: i64,
    #[schema(minimum = 0)]
    member_count: i64,
    #[schema(format = DateTime, required)]
    last_activity_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    SubAccount,
}

impl SubAccount {
    #[must_use]
    pub fn new(account: &Account, summary: &Summary, held: bool, parent_held: bool) -> Self {
        let state = AccountState::derive(account.deleted_at.is_some(), held, parent_held);
        Self {
            object: Kind::SubAccount,
            id: account.id,
            parent_account_id: account.root_id(),
            created_at: time(account.created_at),
            name: account.name.clone(),
            website: account.website.clone(),
            status: state.as_str(),
            monthly_credit: account.monthly_credit,
            domain_count: summary.domain_count,
            member_count: summary.member_count,
            last_activity_at: summary.last_activity_at.map(time),
        }
    }
}
