//! A parent edits a client: name, website, cap, external id, tags. Something must change.

use serde_json::json;

use super::accept_message::limits_of;
use super::audit::{self, Record};
use super::ensure_period::ensure_period;
use super::external_id::refuse_second;
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx};
use crate::domain::cap::MonthlyCap;
use crate::domain::ids::Id;
use crate::domain::text::{AccountName, ExternalId, Tag};
use crate::domain::website::Website;
use crate::models::accounts::{self, Account};
use crate::models::{AnyConnection, account_tags, counters, limits};

/// What to change; `None` keeps.
#[derive(Default)]
pub struct Changes {
    pub name: Option<AccountName>,
    pub website: Option<Website>,
    pub cap: Option<MonthlyCap>,
    /// `Some(None)` clears it.
    pub external_id: Option<Option<ExternalId>>,
    /// The whole set of tags.
    pub tags: Option<Vec<Tag>>,
}

/// Applies `changes` to a sub account of `parent`. The new cap decides from this transaction's commit.
///
/// # Errors
/// `NotFound` for another's account, `Invalid` when nothing changes and for an external ID that another client has.
pub fn update_sub_account(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    child: Id,
    changes: &Changes,
) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let before = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    let mut after = before.clone();
    if let Some(name) = &changes.name {
        after.name = name.as_str().to_owned();
        after.name_lower = after.name.to_lowercase();
    }
    if let Some(website) = &changes.website {
        after.website = website.host().to_owned();
    }
    if let Some(cap) = changes.cap {
        after.monthly_credit = cap.value();
    }
    if let Some(external_id) = &changes.external_id {
        after.external_id = external_id.as_ref().map(|id| id.as_str().to_owned());
    }
    let tags_changed = replace_tags(conn, parent, child, changes.tags.as_deref())?;
    let shown = |account: &Account| {
        json!({ "name": account.name, "website": account.website, "monthly_credit": account.monthly_credit,
                "external_id": account.external_id })
    };
    if shown(&before) == shown(&after) && tags_changed.is_none() {
        return Err(ActionError::invalid("body", "nothing would change: send at least one value that differs"));
    }
    after.updated_at = cx.at();
    accounts::save(conn, &after)?;
    accounts::refresh_search_text(conn, child)?;
    if before.monthly_credit != after.monthly_credit {
        rearm_alerts(conn, cx, &after)?;
    }
    refresh_summary(conn, child, cx.now)?;
    let (mut old, mut new) = (shown(&before), shown(&after));
    if let Some((old_tags, new_tags)) = tags_changed {
        old["tags"] = json!(old_tags);
        new["tags"] = json!(new_tags);
    }
    let action =
        if before.monthly_credit == after.monthly_credit { "sub_account.update" } else { "sub_account.set_cap" };
    audit::record(
        conn,
        cx,
        &after,
        Record { action, target: after.name.clone(), before: Some(old), after: Some(new) },
    )?;

    if before.external_id != after.external_id {
        refuse_second(conn, &after)?;
    }
    Ok(after)
}

type TagChange = Option<(Vec<String>, Vec<String>)>;

fn replace_tags(conn: &mut AnyConnection, parent: Id, child: Id, wanted: Option<&[Tag]>) -> ActionResult<TagChange> {
    let Some(wanted) = wanted else { return Ok(None) };
    let old: Vec<String> = account_tags::of_many(conn, &[child])?.into_iter().map(|(_, tag)| tag).collect();
    let mut new: Vec<String> = wanted.iter().map(|tag| tag.as_str().to_owned()).collect();
    new.sort_unstable();
    new.dedup();
    if old == new {
        return Ok(None);
    }
    for gone in old.iter().filter(|tag| !new.contains(tag)) {
        account_tags::remove(conn, child, gone)?;
    }
    for added in new.iter().filter(|tag| !old.contains(tag)) {
        account_tags::add(conn, child, parent, added)?;
    }
    Ok(Some((old, new)))
}

/// A share that the new cap no longer reaches is told again at its next crossing.
fn rearm_alerts(conn: &mut AnyConnection, cx: &Cx, account: &Account) -> ActionResult<()> {
    let period = ensure_period(conn, account.root_id(), cx.now)?;
    let used = counters::used(conn, account.id, period.id)?;
    let alerts = limits_of(limits::find(conn, account.id)?.as_ref())?.alerts;
    let cap = period.part().cap(account.monthly_credit);
    Ok(limits::rearm(conn, account.id, period.id, &alerts.reached(cap, used))?)
}
