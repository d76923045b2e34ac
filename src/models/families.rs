//! Which parent each account has. It never changes, so that a node asks once.

use std::collections::HashMap;

use diesel::prelude::*;
use parking_lot::Mutex;

use super::AnyConnection;
use super::kept::one_of;
use super::schema::accounts;
use crate::domain::ids::Id;

/// Accounts that are remembered at most: some 50 bytes each.
const KEPT: usize = 200_000;

/// The parents that a node knows.
#[derive(Default)]
pub struct Families(Mutex<HashMap<Id, Option<Id>>>);

impl Families {
    /// The parents of `accounts`, each once, in their order; parents themselves have none.
    ///
    /// # Errors
    /// Only the database's.
    pub fn parents_of(&self, conn: &mut AnyConnection, accounts: &[Id]) -> QueryResult<Vec<Id>> {
        let (mut parents, mut unknown) = (Vec::new(), Vec::new());
        {
            let known = self.0.lock();
            for account in accounts {
                match known.get(account) {
                    Some(parent) => parents.extend(*parent),
                    None => unknown.push(*account),
                }
            }
        }
        if !unknown.is_empty() {
            let found: Vec<(Id, Option<Id>)> = accounts::table
                .filter(one_of(accounts::id, unknown))
                .select((accounts::id, accounts::parent_id))
                .load(conn)?;
            let mut known = self.0.lock();
            if known.len() + found.len() > KEPT {
                known.clear();
            }
            parents.extend(found.iter().filter_map(|(_, parent)| *parent));
            known.extend(found);
        }
        parents.sort_unstable();
        parents.dedup();
        Ok(parents)
    }
}
