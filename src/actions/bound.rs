//! Whose role bounds what is given: keys, credentials, roles of others. Of a member it is their own role; of a key the role
//! of whoever made it, asked anew each time.

use super::member_role::member_role;
use super::{ActionError, ActionResult, ActorKind, Cx};
use crate::domain::ids::Id;
use crate::domain::role::{Permission, Role};
use crate::domain::scopes::{Scope, ScopeSet};
use crate::models::api_keys::ApiKey;
use crate::models::{AnyConnection, api_keys, key_makers};

/// How far somebody may go who gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Anywhere: the program itself, and keys that are older than makers.
    Free,
    /// As far as this role; nowhere without one.
    Role(Option<Role>),
}

impl Bound {
    /// Whose role bounds a key at this moment.
    ///
    /// # Errors
    /// Only the database's.
    pub(super) fn of_key(conn: &mut AnyConnection, key: &ApiKey) -> ActionResult<Self> {
        let Some(maker) = key.maker_id else { return Ok(Self::Free) };
        let Some(maker) = key_makers::find(conn, maker)? else { return Ok(Self::Role(None)) };
        Ok(Self::Role(member_role(conn, maker.account_id, maker.user_id)?))
    }

    /// What bounds whoever acts.
    ///
    /// # Errors
    /// Only the database's.
    pub(super) fn of_actor(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<Self> {
        match (cx.actor.kind, cx.actor.account_id, cx.actor.id) {
            (ActorKind::System, ..) => Ok(Self::Free),
            (ActorKind::User, Some(account), Some(user)) => Ok(Self::Role(member_role(conn, account, user)?)),
            (ActorKind::ApiKey, _, Some(id)) => match api_keys::find_any(conn, id)? {
                Some(key) if key.deleted_at.is_none() => Self::of_key(conn, &key),
                _ => Ok(Self::Role(None)),
            },
            _ => Ok(Self::Role(None)),
        }
    }

    pub(super) fn may(self, permission: Permission) -> bool {
        match self {
            Self::Free => true,
            Self::Role(role) => role.is_some_and(|role| role.may(permission)),
        }
    }

    /// The first of `scopes` that goes too far.
    pub(super) fn first_beyond(self, scopes: &ScopeSet) -> Option<&Scope> {
        match self {
            Self::Free => None,
            Self::Role(role) => scopes.iter().find(|scope| role.is_none_or(|role| !role.may_hold(scope))),
        }
    }

    /// For a sentence that says whose role it is.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Free => "nobody",
            Self::Role(role) => role.map_or("no member any more", Role::label),
        }
    }
}

/// The accounts whose members bound whoever acts, and the key that is changed: to be locked against a change of role.
///
/// # Errors
/// Only the database's.
pub(super) fn bounding(conn: &mut AnyConnection, cx: &Cx, changed: Option<Id>) -> ActionResult<Vec<Id>> {
    let mut accounts: Vec<Id> = cx.actor.account_id.into_iter().collect();
    let acting = cx.actor.id.filter(|_| cx.actor.kind == ActorKind::ApiKey);
    for key in changed.into_iter().chain(acting) {
        accounts.extend(key_makers::of_key(conn, key)?.map(|maker| maker.account_id));
    }
    Ok(accounts)
}

/// Nobody gives a role that is above their own.
///
/// # Errors
/// `Forbidden` when `role` may do something that whoever acts may not.
pub(super) fn refuse_above(conn: &mut AnyConnection, cx: &Cx, role: Role) -> ActionResult<()> {
    match Bound::of_actor(conn, cx)? {
        Bound::Role(own) if !own.is_some_and(|own| own.covers(role)) => Err(ActionError::Forbidden(format!(
            "The role {} is above the one that you act with, so you cannot give it.",
            role.label()
        ))),
        _ => Ok(()),
    }
}
