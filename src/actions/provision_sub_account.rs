//! A client made ready in one go: its account, its domain and its first key, in one transaction. A form that was
//! sent twice makes one client.

use super::create_api_key::{CreatedApiKey, NewApiKey, create_api_key};
use super::create_domain::{NewDomain, create_domain};
use super::create_sub_account::{NewSubAccount, create_sub_account};
use super::key_grant::KeyHolder;
use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::accounts::{self, Account};
use crate::models::{AnyConnection, idempotency};

/// How long a form that was sent once is known.
const ONCE: chrono::TimeDelta = chrono::TimeDelta::hours(24);

/// What the steps asked for.
pub struct Provision {
    /// Of the form: the same one sent again makes nothing.
    pub once: Id,
    pub account: NewSubAccount,
    pub domain: Option<NewDomain>,
    pub key: Option<NewApiKey>,
}

/// What was made. The only sight of the key's secret is in it.
pub struct Provisioned {
    pub account: Account,
    pub key: Option<CreatedApiKey>,
}

/// Provisions a sub account of `parent`; `None` when the form was sent before.
///
/// # Errors
/// As the actions it is made of; `Invalid` for an external id that is taken. Then nothing was made.
pub fn provision_sub_account(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    wanted: Provision,
) -> ActionResult<Option<Provisioned>> {
    if !first_time(conn, cx, parent, wanted.once)? {
        return Ok(None);
    }
    if let Some(external_id) = &wanted.account.external_id
        && !accounts::external_ids_taken(conn, parent, &[external_id.as_str().to_owned()])?.is_empty()
    {
        return Err(ActionError::invalid("external_id", "Another sub account has this number."));
    }
    let account = create_sub_account(conn, cx, parent, &wanted.account)?;
    if let Some(domain) = wanted.domain {
        create_domain(conn, cx, account.id, domain)?;
    }
    let holder = KeyHolder::Child { parent, child: account.id };
    let key = match wanted.key {
        Some(key) => Some(create_api_key(conn, cx, holder, &key)?),
        None => None,
    };
    Ok(Some(Provisioned { account, key }))
}

/// Whether this form was not sent before; from now on it was. Undone with the transaction.
fn first_time(conn: &mut AnyConnection, cx: &Cx, parent: Id, once: Id) -> ActionResult<bool> {
    let lease = idempotency::Lease {
        account_id: parent,
        key: &format!("dashboard:create:{once}"),
        fingerprint: once.as_bytes(),
        owner: once,
        until: (cx.now + ONCE).naive_utc(),
    };
    Ok(idempotency::take(conn, &lease, cx.at())?)
}
