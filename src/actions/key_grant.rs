//! Whose key it is, who gives it, and which scopes may be put into it: shared by creating and updating keys.
//!
//! A key may hold what its maker's role may do. A member gives within their role; a key gives what it holds itself, and never
//! more than its own maker's role, whom the new key inherits. So it is asked here, of the actor, and no edge can forget it.

use serde_json::{Value, json};

use super::bound::{Bound, bounding};
use super::{ActionError, ActionResult, ActorKind, Cx};
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::role::Permission;
use crate::domain::scopes::{self, Scope, ScopeSet};
use crate::models::accounts::{self, Account};
use crate::models::api_keys::{ApiKey, KeyScope};
use crate::models::key_makers::{self, Member};
use crate::models::{AnyConnection, api_keys, domains};

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

/// Who gives a key, and how far they may go.
#[derive(Clone, Debug)]
pub struct Giver {
    kind: ActorKind,
    bound: Bound,
    /// What the giving key holds, where it gives to its own account.
    held: Option<ScopeSet>,
    /// Where the giving key may be used from; empty is anywhere.
    networks: IpAllowList,
    /// The row of `key_makers` that a new key names.
    pub maker: Option<Id>,
}

/// Locks what giving or changing a key depends on: the account that it is of, and those whose members bound the giver and
/// the key. Answers who gives.
///
/// # Errors
/// `Forbidden` for a member who may not manage keys, or is none any more, and for a key that is gone.
pub fn giver(conn: &mut AnyConnection, cx: &Cx, holder: KeyHolder, changed: Option<Id>) -> ActionResult<Giver> {
    let read = bounding(conn, cx, changed)?;
    accounts::lock(conn, &read, &[holder.id()])?;
    let bound = Bound::of_actor(conn, cx)?;
    let mut giver = Giver { kind: cx.actor.kind, bound, held: None, networks: IpAllowList::default(), maker: None };
    match cx.actor.kind {
        ActorKind::System => {}
        ActorKind::User => giver.maker = Some(own_maker(conn, cx, bound)?),
        ActorKind::ApiKey => {
            let (key, scopes) = acting_key(conn, cx)?;
            giver.networks = IpAllowList::from_stored(&key.allowed());
            giver.held = matches!(holder, KeyHolder::Own(_)).then_some(scopes);
            giver.maker = key.maker_id;
        }
    }
    Ok(giver)
}

/// The row that keys of the acting person name.
fn own_maker(conn: &mut AnyConnection, cx: &Cx, bound: Bound) -> ActionResult<Id> {
    let (Some(account), Some(user)) = (cx.actor.account_id, cx.actor.id) else {
        return Err(ActionError::Internal("a person acts from no account".into()));
    };
    if !bound.may(Permission::ManageKeys) {
        return Err(ActionError::Forbidden("Your role does not allow you to manage keys.".into()));
    }
    Ok(key_makers::of(conn, Member { account, user }, Id::new(cx.now), cx.at())?)
}

/// The key that acts, and what it holds.
fn acting_key(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<(ApiKey, ScopeSet)> {
    let gone = || ActionError::Forbidden("this key is not valid any more".into());
    let (Some(account), Some(id)) = (cx.actor.account_id, cx.actor.id) else { return Err(gone()) };
    let key = api_keys::find(conn, account, id)?.ok_or_else(gone)?;
    let scopes = api_keys::scopes_of(conn, &[id])?;
    Ok((key, ScopeSet::from_stored(scopes.iter().map(|row| row.scope.as_str()))))
}

impl Giver {
    /// Whether the giver's role may do `permission`, which SMTP credentials take beside scopes.
    ///
    /// # Errors
    /// `Forbidden` when not.
    pub fn require(&self, permission: Permission) -> ActionResult<()> {
        if self.bound.may(permission) {
            return Ok(());
        }
        let role = self.bound.words();
        Err(ActionError::Forbidden(format!("The role that bounds this ({role}) does not allow it.")))
    }

    /// A key that is bound to networks gives nothing that is not bound at least as narrowly.
    ///
    /// # Errors
    /// `Forbidden` for a list that lets in more.
    pub fn refuse_wider(&self, allowed: &IpAllowList) -> ActionResult<()> {
        if allowed.is_within(&self.networks) {
            return Ok(());
        }
        Err(ActionError::Forbidden(format!(
            "this key may be used from {} only, so a key that it makes or changes needs an ip_allow_list within that",
            self.networks.entries().join(", ")
        )))
    }

    /// Whether the giver is bound to networks.
    #[must_use]
    pub fn is_bound_to_networks(&self) -> bool {
        !self.networks.is_empty()
    }

    fn refuse_beyond(&self, added: &ScopeSet) -> ActionResult<()> {
        if let Some(scope) = self.held.as_ref().and_then(|held| held.first_not_held(added)) {
            let message = format!("this key does not hold the scope {scope}, so it cannot give it to another key");
            return Err(ActionError::Forbidden(message));
        }
        let Some(scope) = self.bound.first_beyond(added) else { return Ok(()) };
        let role = self.bound.words();
        Err(ActionError::Forbidden(match self.kind {
            ActorKind::ApiKey => {
                format!("whoever made this key ({role}) may not do what the scope {scope} allows, so it cannot give it")
            }
            _ => format!(
                "Your role ({role}) may not do what the scope {scope} allows, so a key of yours cannot hold it."
            ),
        }))
    }
}

/// The scopes to store in a key of `account`, out of what was asked for. `current` is the key that is changed with those it
/// has: what a key keeps is not given anew, so only what is added must be within what the giver may, and what the key's own
/// maker may, who knows its secret.
///
/// # Errors
/// `Invalid` for a scope that is unknown, repeated, of a foreign domain or not for this kind of account;
/// `Forbidden` for one that goes too far.
pub fn granted(
    conn: &mut AnyConnection,
    account: &Account,
    giver: &Giver,
    wanted: &[String],
    current: Option<(&ApiKey, &ScopeSet)>,
) -> ActionResult<Vec<(Scope, Option<Id>)>> {
    let owned = domains::names(conn, account.id)?;
    let scopes = scopes::normalise(wanted.to_vec(), &owned)
        .map_err(|refusal| ActionError::invalid("scopes", refusal.message()))?;
    if let Some(scope) = scopes.iter().find(|scope| account.parent_id.is_some() && scope.is_for_parents_only()) {
        let message = format!("The scope {scope} is for parent accounts. A sub account's key cannot have it.");
        return Err(ActionError::invalid("scopes", message));
    }
    let has = |scope: &Scope| current.is_some_and(|(_, current)| current.iter().any(|has| has == scope));
    let added: ScopeSet = scopes.iter().filter(|scope| !has(scope)).cloned().collect();
    giver.refuse_beyond(&added)?;
    if let Some((key, _)) = current {
        let bound = Bound::of_key(conn, key)?;
        if let Some(scope) = bound.first_beyond(&added) {
            return Err(ActionError::Forbidden(format!(
                "Whoever made this key ({}) may not do what the scope {scope} allows. Make another key for it.",
                bound.words()
            )));
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
