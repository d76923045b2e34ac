//! Stopping a client. The hold is a row; from its commit the client's keys are refused and nothing of its queue leaves.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::audit::{self, Record};
use super::refresh_summary::refresh_summary;
use super::{ActionError, ActionResult, Cx, Services, notify};
use crate::domain::hold::HoldKind;
use crate::domain::ids::Id;
use crate::domain::role::Permission;
use crate::domain::text::SuspendReason;
use crate::emails::{Action, Notice};
use crate::models::AnyConnection;
use crate::models::accounts::{self, Account};
use crate::models::suspensions::{self, Suspension};

/// Why, for how long, and who is told.
pub struct Hold {
    pub kind: HoldKind,
    pub reason: SuspendReason,
    /// What the client reads; empty says only that the account is on hold.
    pub customer_text: String,
    pub until: Option<DateTime<Utc>>,
    pub tell_client: bool,
    pub tell_members: bool,
}

impl Hold {
    /// A hold without an end, of which nobody is told.
    #[must_use]
    pub fn manual(reason: SuspendReason) -> Self {
        Self {
            kind: HoldKind::Manual,
            reason,
            customer_text: String::new(),
            until: None,
            tell_client: false,
            tell_members: false,
        }
    }
}

/// Suspends a sub account of `parent`. One that is on hold already keeps its first hold.
///
/// # Errors
/// `NotFound` for another's account, `Invalid` for an end that is not in the future.
pub fn suspend_account(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    parent: Id,
    child: Id,
    hold: &Hold,
) -> ActionResult<Account> {
    accounts::lock(conn, &[], &[child])?;
    let account = accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))?;
    if hold.until.is_some_and(|until| until <= cx.now) {
        return Err(ActionError::invalid("until", "The end must be in the future, or left out."));
    }
    if !suspensions::open(conn, child, cx.at())?.is_empty() {
        return Ok(account);
    }
    suspensions::insert(
        conn,
        &Suspension {
            id: Id::new(cx.now),
            account_id: child,
            kind: hold.kind.as_str().into(),
            reason: hold.reason.as_str().into(),
            customer_text: hold.customer_text.clone(),
            created_by: cx.actor.label.clone(),
            created_at: cx.at(),
            until_at: hold.until.map(|until| until.naive_utc()),
            lifted_by: None,
            lifted_at: None,
        },
    )?;
    refresh_summary(conn, child, cx.now)?;
    let after = json!({ "kind": hold.kind.as_str(), "reason": hold.reason.as_str(), "until": hold.until });
    let record =
        Record { action: "sub_account.suspend", target: account.name.clone(), before: None, after: Some(after) };
    audit::record(conn, cx, &account, record)?;
    tell(conn, cx, services, parent, &account, hold)?;
    Ok(account)
}

fn tell(
    conn: &mut AnyConnection,
    cx: &Cx,
    services: &Services,
    parent: Id,
    account: &Account,
    hold: &Hold,
) -> ActionResult<()> {
    let agency =
        accounts::find(conn, parent)?.map_or_else(|| "Canopy".into(), |row| row.brand_name.unwrap_or(row.name));
    let url = |path: String| Action { label: "Open the account".into(), url: format!("{}{path}", services.public_url) };
    if hold.tell_client {
        let mut paragraphs =
            vec!["Its API keys are refused and queued messages wait until the hold is lifted.".to_owned()];
        paragraphs.extend(Some(hold.customer_text.clone()).filter(|text| !text.is_empty()));
        let subject = format!("Sending from {} is on hold", account.name);
        let notice = Notice {
            brand: agency,
            heading: subject.clone(),
            subject,
            paragraphs,
            action: Some(url("/".into())),
            footer: "You get this because you are a member of this account.".into(),
        };
        for recipient in notify::members_who_may(conn, account.id, Permission::ViewOverview)? {
            notify::send(conn, cx.now, services, Some(account.id), "suspended", &recipient, &notice)?;
        }
    }
    if hold.tell_members {
        let subject = format!("{} was suspended ({})", account.name, hold.kind.label());
        let notice = Notice {
            brand: "Canopy".into(),
            heading: subject.clone(),
            subject,
            paragraphs: vec![format!("By {}: {}", cx.actor.label, hold.reason.as_str())],
            action: Some(url(format!("/sub-accounts/{}", account.id))),
            footer: "You get this because you may suspend this account's clients.".into(),
        };
        for recipient in notify::members_who_may(conn, parent, Permission::Suspend)? {
            notify::send(conn, cx.now, services, Some(account.id), "suspended", &recipient, &notice)?;
        }
    }
    Ok(())
}
