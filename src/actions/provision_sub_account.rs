//! A client made ready in one go: its account, its domain and its first key, in one transaction. A form that was
//! sent twice makes one client.

use super::create_api_key::{CreatedApiKey, NewApiKey, create_api_key};
use super::create_domain::{NewDomain, create_domain};
use super::create_sub_account::{NewSubAccount, create_sub_account};
use super::form_once::first_time;
use super::key_grant::KeyHolder;
use super::{ActionResult, Cx};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::Account;

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
/// As the actions it is made of. Then nothing was made.
pub fn provision_sub_account(
    conn: &mut AnyConnection,
    cx: &Cx,
    parent: Id,
    wanted: Provision,
) -> ActionResult<Option<Provisioned>> {
    if !first_time(conn, cx, parent, "create", wanted.once)? {
        return Ok(None);
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
