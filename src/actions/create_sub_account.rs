//! A parent provisions a client: an account of its own, with its summary and its first audit entry.

use serde_json::json;

use super::audit::{self, Record};
use super::external_id::refuse_second;
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx};
use crate::domain::cap::MonthlyCap;
use crate::domain::ids::Id;
use crate::domain::text::{AccountName, ExternalId, Tag};
use crate::domain::website::Website;
use crate::models::accounts::{self, Account};
use crate::models::{AnyConnection, account_tags};

/// What a new sub account is.
pub struct NewSubAccount {
    pub name: AccountName,
    pub website: Website,
    pub cap: MonthlyCap,
    pub external_id: Option<ExternalId>,
    pub tags: Vec<Tag>,
}

/// Creates a sub account under `parent`.
///
/// # Errors
/// `NotFound` when `parent` is no live parent account; `Invalid` for an external ID that another client has.
pub fn create_sub_account(conn: &mut AnyConnection, cx: &Cx, parent: Id, new: &NewSubAccount) -> ActionResult<Account> {
    let parent_row = accounts::find(conn, parent)?
        .filter(|account| account.parent_id.is_none())
        .ok_or(ActionError::NotFound("parent account"))?;
    let mut account = Account::new(Id::new(cx.now), Some(parent), new.name.as_str(), new.website.host(), cx.at());
    account.monthly_credit = new.cap.value();
    account.external_id = new.external_id.as_ref().map(|id| id.as_str().to_owned());
    account.metadata_retention = parent_row.metadata_retention;
    account.data_retention = parent_row.data_retention;
    accounts::insert(conn, &account)?;
    accounts::refresh_search_text(conn, account.id)?;
    for tag in &new.tags {
        account_tags::add(conn, account.id, parent, tag.as_str())?;
    }
    refresh_summary(conn, account.id, cx.now)?;
    let after = json!({ "name": account.name, "website": account.website, "monthly_credit": account.monthly_credit });
    let record =
        Record { action: "sub_account.create", target: account.name.clone(), before: None, after: Some(after) };
    audit::record(conn, cx, &account, record)?;
    refuse_second(conn, &account)?;
    Ok(account)
}
