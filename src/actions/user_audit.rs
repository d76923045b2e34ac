//! What a person changed about themselves, written into the audit of every account they belong to.

use super::audit::{self, Record};
use super::{ActionResult, Actor, ActorKind, Cx};
use crate::models::users::User;
use crate::models::{AnyConnection, accounts, memberships};

/// Appends `action` about `user` to the chain of each of their accounts' parents, in the order all chains are locked.
///
/// # Errors
/// Only the database's.
pub fn record(conn: &mut AnyConnection, cx: &Cx, user: &User, action: &'static str) -> ActionResult<()> {
    let ids: Vec<_> = memberships::of_user(conn, user.id)?.iter().map(|row| row.account_id).collect();
    let mut accounts = accounts::find_many(conn, &ids)?;
    accounts.sort_by_key(|account| (account.root_id(), account.id));
    for account in accounts {
        let record = Record { action, target: user.email.clone(), before: None, after: None };
        audit::record(conn, cx, &account, record)?;
    }
    Ok(())
}

/// The circumstances of somebody who acts without being signed in: by a link, or about to be.
#[must_use]
pub fn as_user(cx: &Cx, user: &User) -> Cx {
    let actor = Actor { kind: ActorKind::User, id: Some(user.id), label: user.email.clone(), ..cx.actor.clone() };
    cx.acting(actor)
}
