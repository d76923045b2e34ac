//! Changing a key: label, scopes, allow-list. Something must change, and a key cannot lock itself out.

use std::net::IpAddr;

use super::audit::{self, Record};
use super::create_api_key::stored;
use super::key_grant::{self, Giver, KeyHolder};
use super::{ActionError, ActionResult, ActorKind, Cx};
use crate::domain::ids::Id;
use crate::domain::ip_allow_list::IpAllowList;
use crate::domain::scopes::ScopeSet;
use crate::domain::text::KeyLabel;
use crate::models::AnyConnection;
use crate::models::api_keys::{self, ApiKey, KeyScope};

/// What to change; `None` keeps.
#[derive(Default)]
pub struct KeyChanges {
    pub label: Option<KeyLabel>,
    /// The whole set.
    pub scopes: Option<Vec<String>>,
    /// An empty list lets any source in.
    pub allowed: Option<IpAllowList>,
}

/// Applies `changes` to a key of `holder`; answers it with its scopes.
///
/// # Errors
/// `NotFound`, `Invalid` when nothing changes, `Conflict` when the key would shut out the request that changes it,
/// and as [`key_grant::giver`] and [`key_grant::granted`].
pub fn update_api_key(
    conn: &mut AnyConnection,
    cx: &Cx,
    holder: KeyHolder,
    id: Id,
    changes: &KeyChanges,
) -> ActionResult<(ApiKey, Vec<KeyScope>)> {
    let giver = key_grant::giver(conn, cx, holder, Some(id))?;
    let account = holder.account(conn)?;
    let before = api_keys::find(conn, account.id, id)?.ok_or(ActionError::NotFound("api key"))?;
    let had = api_keys::scopes_of(conn, &[id])?;
    let mut after = before.clone();
    if let Some(label) = &changes.label {
        label.as_str().clone_into(&mut after.label);
    }
    if let Some(allowed) = &changes.allowed {
        refuse_lock_out(cx, id, allowed)?;
        after.ip_allow_list = stored(allowed)?;
    }
    let scopes = match &changes.scopes {
        Some(wanted) => {
            let current = ScopeSet::from_stored(had.iter().map(|row| row.scope.as_str()));
            let granted = key_grant::granted(conn, &account, &giver, wanted, Some((&before, &current)))?;
            key_grant::rows(cx, id, &granted, &had)
        }
        None => had.clone(),
    };
    refuse_wider(&giver, &before, &after, &had, &scopes)?;
    let (old, new) = (key_grant::shown(&before, &had), key_grant::shown(&after, &scopes));
    if old == new {
        return Err(ActionError::invalid("body", "nothing would change: send at least one value that differs"));
    }
    after.updated_at = cx.at();
    api_keys::save(conn, &after, (old["scopes"] != new["scopes"]).then_some(scopes.as_slice()))?;
    let record = Record { action: "api_key.update", target: after.label.clone(), before: Some(old), after: Some(new) };
    audit::record(conn, cx, &account, record)?;
    Ok((after, scopes))
}

/// A key that is bound to networks widens no other: where it adds a scope or changes the list, the outcome is bound as it is.
fn refuse_wider(
    giver: &Giver,
    before: &ApiKey,
    after: &ApiKey,
    had: &[KeyScope],
    scopes: &[KeyScope],
) -> ActionResult<()> {
    let adds = scopes.iter().any(|row| had.iter().all(|had| had.scope != row.scope));
    if !adds && before.ip_allow_list == after.ip_allow_list {
        return Ok(());
    }
    giver.refuse_wider(&IpAllowList::from_stored(&after.allowed()))
}

/// Only a key that changes itself can shut itself out; a parent's key and a member stay able to mend a mistake.
fn refuse_lock_out(cx: &Cx, id: Id, allowed: &IpAllowList) -> ActionResult<()> {
    if cx.actor.kind != ActorKind::ApiKey || cx.actor.id != Some(id) {
        return Ok(());
    }
    match cx.actor.address.parse::<IpAddr>() {
        Ok(ip) if !allowed.permits(ip) => Err(ActionError::Conflict(format!(
            "the new ip_allow_list does not cover {ip}, from which this key is used now: it would lock itself out"
        ))),
        _ => Ok(()),
    }
}
