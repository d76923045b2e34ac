//! The contract's Account and its members.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::domain::ids::Id;
use crate::domain::role::Role;
use crate::models::{accounts, memberships};

#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    #[schema(inline)]
    object: Kind,
    #[schema(value_type = uuid::Uuid)]
    id: Id,
    /// Null for a parent account.
    #[schema(value_type = Option<uuid::Uuid>, required)]
    parent_account_id: Option<Id>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    name: String,
    /// With its scheme, as in `https://example.com`.
    #[schema(format = "uri")]
    website: String,
    about: String,
    track_opens: bool,
    track_clicks: bool,
    reject_bad_recipients: bool,
    reject_mistyped_recipients: bool,
    /// Days.
    #[schema(minimum = 1, maximum = 30)]
    message_metadata_retention: i32,
    /// Days.
    #[schema(minimum = 0, maximum = 30)]
    message_data_retention: i32,
    /// The user who owns the account: the parent's owner where a sub account has none of its own.
    #[schema(value_type = uuid::Uuid)]
    owner_id: Id,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Account,
}

impl Account {
    #[must_use]
    pub fn new(account: &accounts::Account, owner_id: Id) -> Self {
        Self {
            object: Kind::Account,
            id: account.id,
            parent_account_id: account.parent_id,
            created_at: time(account.created_at),
            updated_at: time(account.updated_at),
            name: account.name.clone(),
            website: format!("https://{}", account.website),
            about: account.about.clone(),
            track_opens: account.track_opens,
            track_clicks: account.track_clicks,
            reject_bad_recipients: account.reject_bad_recipients,
            reject_mistyped_recipients: account.reject_mistyped_recipients,
            message_metadata_retention: account.metadata_retention,
            message_data_retention: account.data_retention,
            owner_id,
        }
    }
}

/// A member of an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserAccount)]
pub struct Member {
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    #[schema(value_type = uuid::Uuid)]
    user_id: Id,
    #[schema(value_type = uuid::Uuid)]
    account_id: Id,
    /// `Administrator`, `Developer`, `Analyst` or `Billing Manager`.
    role: &'static str,
}

impl Member {
    #[must_use]
    pub fn new(row: &memberships::Membership) -> Self {
        Self {
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
            user_id: row.user_id,
            account_id: row.account_id,
            // What cannot be read can do nothing either: it shows as the role that may do least.
            role: Role::parse(&row.role).unwrap_or(Role::Analyst).api_name(),
        }
    }
}
