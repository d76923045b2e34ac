//! Who did what is listed of a client's account, as far as the client may know: its own people by name, whoever acted for the
//! agency as the agency.

use std::collections::{HashMap, HashSet};

use crate::actions::ActionResult;
use crate::domain::ids::Id;
use crate::models::accounts::Account;
use crate::models::audit::Entry;
use crate::models::{AnyConnection, api_keys, memberships, users};

/// Somebody who did something here and belongs neither to the account nor to its agency any more.
pub const FORMER: &str = "A former member";

/// On whose side somebody acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A member or a key of the account itself.
    Own,
    /// A member or a key of its parent.
    Agency,
    /// Neither, by now.
    Gone,
}

/// The sides of those who did what `entries` say.
#[derive(Default)]
pub struct Doers(HashMap<Id, Side>);

impl Doers {
    /// Looks each of them up, once.
    ///
    /// # Errors
    /// Only the database's.
    pub fn of(conn: &mut AnyConnection, account: &Account, entries: &[Entry]) -> ActionResult<Self> {
        let mut sides = HashMap::new();
        let Some(parent) = account.parent_id else { return Ok(Self(sides)) };

        for entry in entries {
            let Some(id) = entry.actor_id.filter(|id| !sides.contains_key(id)) else { continue };
            let side = match entry.actor_kind.as_str() {
                "api_key" => of_key(conn, account, id)?,
                _ => of_person(conn, account, parent, id)?,
            };
            sides.insert(id, side);
        }
        Ok(Self(sides))
    }

    /// Whoever acted; the program itself and, where nothing was looked up, everybody is of the account.
    #[must_use]
    pub fn side(&self, entry: &Entry) -> Side {
        entry.actor_id.and_then(|id| self.0.get(&id).copied()).unwrap_or(Side::Own)
    }
}

/// Those of `labels` that are addresses of people who are of the agency by now, or of nobody here, with what a client reads
/// in their place.
///
/// # Errors
/// Only the database's.
pub fn veiled(
    conn: &mut AnyConnection,
    account: &Account,
    agency: &str,
    labels: impl Iterator<Item = String>,
) -> ActionResult<HashMap<String, String>> {
    let mut veiled = HashMap::new();
    let Some(parent) = account.parent_id else { return Ok(veiled) };

    for label in labels.collect::<HashSet<_>>() {
        let Some(person) = users::find_by_email(conn, &label.to_lowercase())? else { continue };
        match of_person(conn, account, parent, person.id)? {
            Side::Own => {}
            Side::Agency => drop(veiled.insert(label, agency.to_owned())),
            Side::Gone => drop(veiled.insert(label, FORMER.to_owned())),
        }
    }
    Ok(veiled)
}

fn of_person(conn: &mut AnyConnection, account: &Account, parent: Id, person: Id) -> ActionResult<Side> {
    if memberships::find(conn, account.id, person)?.is_some() {
        return Ok(Side::Own);
    }
    let of_parent = memberships::find(conn, parent, person)?.is_some();
    Ok(if of_parent { Side::Agency } else { Side::Gone })
}

fn of_key(conn: &mut AnyConnection, account: &Account, key: Id) -> ActionResult<Side> {
    Ok(match api_keys::find_any(conn, key)? {
        Some(key) if key.account_id == account.id => Side::Own,
        Some(_) => Side::Agency,
        None => Side::Gone,
    })
}
