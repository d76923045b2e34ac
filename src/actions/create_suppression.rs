//! An address that an account must not mail any more: from one of its domains, or from all, later ones included.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::audit::{self, Record};
use super::{ActionError, ActionResult, Cx};
use crate::domain::domain_name::DomainName;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::text::ShortText;
use crate::models::suppressions::{self, EVERY_DOMAIN, Suppression};
use crate::models::{AnyConnection, accounts, domains};

/// What is to be suppressed.
#[derive(Clone, Debug)]
pub struct NewSuppression {
    pub email: EmailAddress,
    /// `None` is every domain of the account, those it adds later included.
    pub domain: Option<DomainName>,
    pub reason: Option<ShortText>,
    pub expires_at: DateTime<Utc>,
}

/// Suppresses an address for `account`. Answers a row for each domain; the row for later domains alone when there is
/// none yet. For every domain, one that is suppressed already keeps its row and gets the later end.
///
/// # Errors
/// `Invalid` for an end that is not in the future or a domain the account lacks, `Conflict` when it is there already.
pub fn create_suppression(
    conn: &mut AnyConnection,
    cx: &Cx,
    account: Id,
    new: &NewSuppression,
) -> ActionResult<Vec<Suppression>> {
    if new.expires_at <= cx.now {
        return Err(ActionError::invalid("expires_at", "The end must be in the future."));
    }
    accounts::lock(conn, &[], &[account])?;
    let account = accounts::find(conn, account)?.ok_or(ActionError::NotFound("account"))?;
    let email = new.email.lower();
    let own: Vec<String> = domains::names(conn, account.id)?.into_iter().map(|(_, name)| name).collect();
    let wanted = new.domain.as_ref().map_or(EVERY_DOMAIN, DomainName::as_str);
    if new.domain.is_some() && !own.iter().any(|name| name == wanted) {
        return Err(ActionError::invalid("domain", format!("{wanted} is not a domain of this account.")));
    }
    suppressions::delete_expired(conn, account.id, &email, cx.at())?;
    if suppressions::of_email(conn, account.id, &email, cx.at())?.iter().any(|row| row.domain == wanted) {
        return Err(ActionError::Conflict(format!("{} is suppressed already", new.email)));
    }
    let rows: Vec<&str> = match new.domain {
        Some(_) => vec![wanted],
        None => own.iter().map(String::as_str).chain([EVERY_DOMAIN]).collect(),
    };
    for domain in &rows {
        suppressions::upsert(conn, &row(cx, account.id, new, domain))?;
    }
    let shown = if own.is_empty() { rows } else { rows.into_iter().filter(|name| *name != EVERY_DOMAIN).collect() };
    let after = json!({ "domain": wanted, "reason": reason(new), "expires_at": new.expires_at });
    let record =
        Record { action: "suppression.create", target: new.email.to_string(), before: None, after: Some(after) };
    audit::record(conn, cx, &account, record)?;
    let stored = suppressions::of_email(conn, account.id, &email, cx.at())?;
    Ok(stored.into_iter().filter(|row| shown.contains(&row.domain.as_str())).collect())
}

fn row(cx: &Cx, account_id: Id, new: &NewSuppression, domain: &str) -> Suppression {
    Suppression {
        id: Id::new(cx.now),
        account_id,
        email: new.email.to_string(),
        email_lower: new.email.lower(),
        domain: domain.to_owned(),
        reason: reason(new).to_owned(),
        created_at: cx.at(),
        expires_at: new.expires_at.naive_utc(),
    }
}

fn reason(new: &NewSuppression) -> &str {
    new.reason.as_ref().map_or("", ShortText::as_str)
}
