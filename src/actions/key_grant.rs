//! Whose key it is, and which scopes may be put into it: shared by creating and updating keys.

use serde_json::{Value, json};

use super::{ActionError, ActionResult, Cx};
use crate::domain::ids::Id;
use crate::domain::scopes::{self, Scope, ScopeSet};
use crate::models::accounts::{self, Account};
use crate::models::api_keys::{ApiKey, KeyScope};
use crate::models::{AnyConnection, domains};

/// The account that a key belongs to, and who looks after it.
#[derive(Clone, Copy, Debug)]
pub enum KeyHolder {
    /// The actor's own account.
    Own(Id),
    /// A sub account, managed by its parent. It may be on hold.
    Child { parent: Id, child: Id },
}

impl KeyHolder {
    /// The live account.
    ///
    /// # Errors
    /// `NotFound` for a deleted account, and for a sub account of another parent.
    pub fn account(self, conn: &mut AnyConnection) -> ActionResult<Account> {
        match self {
            Self::Own(id) => accounts::find(conn, id)?.ok_or(ActionError::NotFound("account")),
            Self::Child { parent, child } => {
                accounts::find_child(conn, parent, child)?.ok_or(ActionError::NotFound("sub account"))
            }
        }
    }

    #[must_use]
    pub fn id(self) -> Id {
        match self {
            Self::Own(id) => id,
            Self::Child { child, .. } => child,
        }
    }
}

/// How far the one who gives may go.
#[derive(Clone, Debug)]
pub enum Ceiling {
    /// Not beyond these: the scopes of the key that gives to its own account.
    Held(ScopeSet),
    /// Whatever the account can have: a member who may manage keys, or a parent's key giving to a child.
    WhateverFits,
}

/// The scopes to store in a key of `account`, out of what was asked for. `current` are those that it has:
/// what a key keeps is not given anew, so only what is added must be within the ceiling.
///
/// # Errors
/// `Invalid` for a scope that is unknown, repeated, of a foreign domain or not for this kind of account;
/// `Forbidden` for one beyond the ceiling.
pub fn granted(
    conn: &mut AnyConnection,
    account: &Account,
    ceiling: &Ceiling,
    wanted: &[String],
    current: &ScopeSet,
) -> ActionResult<Vec<(Scope, Option<Id>)>> {
    let owned = domains::names(conn, account.id)?;
    let scopes = scopes::normalise(wanted.to_vec(), &owned)
        .map_err(|refusal| ActionError::invalid("scopes", refusal.message()))?;
    if let Some(scope) = scopes.iter().find(|scope| account.parent_id.is_some() && scope.is_for_parents_only()) {
        let message = format!("The scope {scope} is for parent accounts. A sub account's key cannot have it.");
        return Err(ActionError::invalid("scopes", message));
    }
    if let Ceiling::Held(held) = ceiling {
        let added: ScopeSet = scopes.iter().filter(|scope| !current.iter().any(|has| has == *scope)).cloned().collect();
        if let Some(scope) = held.first_not_held(&added) {
            let message = format!("this key does not hold the scope {scope}, so it cannot give it to another key");
            return Err(ActionError::Forbidden(message));
        }
    }
    Ok(scopes
        .into_iter()
        .map(|scope| {
            let domain_id = scope.domain_id(&owned);
            (scope, domain_id)
        })
        .collect())
}

/// The rows of a key's scopes, in the order given. A scope that the key has already keeps its row.
#[must_use]
pub fn rows(cx: &Cx, key: Id, scopes: &[(Scope, Option<Id>)], current: &[KeyScope]) -> Vec<KeyScope> {
    // Ids made at one instant are in no order; rows are shown by id.
    let mut ids: Vec<Id> = scopes.iter().map(|_| Id::new(cx.now)).collect();
    ids.sort_unstable();
    let fresh = scopes.iter().zip(ids).map(|((scope, domain_id), id)| KeyScope {
        id,
        api_key_id: key,
        scope: scope.to_string(),
        domain_id: *domain_id,
        created_at: cx.at(),
        updated_at: cx.at(),
    });
    let mut rows: Vec<KeyScope> =
        fresh.map(|row| current.iter().find(|has| has.scope == row.scope).cloned().unwrap_or(row)).collect();
    rows.sort_by_key(|row| row.id);
    rows
}

/// A key as the audit shows it: never with its secret.
#[must_use]
pub fn shown(key: &ApiKey, scopes: &[KeyScope]) -> Value {
    let scopes: Vec<&str> = scopes.iter().map(|row| row.scope.as_str()).collect();
    json!({ "label": key.label, "public_key": key.public_key, "scopes": scopes, "ip_allow_list": key.allowed() })
}
