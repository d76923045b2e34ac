//! Domains and suppressions of a group's requests: one look-up for all, under the locks of their accounts.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Prepared, PreparedEntry};
use crate::actions::error::{ActionError, ActionResult};
use crate::domain::ids::Id;
use crate::models::domains::Sending;
use crate::models::suppressions::Address;
use crate::models::{AnyConnection, domains, suppressions};

/// What decides about the requests of a group beside their accounts, read at once.
pub struct Known {
    domains: HashMap<(Id, String), Sending>,
    suppressed: HashSet<Address>,
}

impl Known {
    /// Reads it under the locks of the accounts.
    ///
    /// # Errors
    /// Only the database's.
    pub fn read(conn: &mut AnyConnection, now: DateTime<Utc>, requests: &[Prepared]) -> ActionResult<Self> {
        let names: BTreeSet<(Id, &str)> =
            requests.iter().map(|request| (request.account_id, request.sender_domain.as_str())).collect();
        let domains = domains::sending(conn, &names.into_iter().collect::<Vec<_>>())?;
        // Nothing leaves a sandbox: nobody has to be kept from being written to.
        let leaving = requests.iter().filter(|request| request.sandbox.is_none());
        let asked: BTreeSet<Address> =
            leaving.flat_map(|request| request.entries.iter().map(|entry| address(request, entry))).collect();
        let suppressed = suppressions::suppressed(conn, &asked.into_iter().collect::<Vec<_>>(), now.naive_utc())?;
        Ok(Self {
            domains: domains.into_iter().map(|domain| ((domain.account_id, domain.name.clone()), domain)).collect(),
            suppressed: suppressed.into_iter().collect(),
        })
    }

    /// A domain of the request's account from which it may send.
    ///
    /// # Errors
    /// `Invalid` when there is none, or it is not verified.
    pub fn domain(&self, request: &Prepared) -> ActionResult<Id> {
        let domain = self
            .domains
            .get(&(request.account_id, request.sender_domain.clone()))
            .ok_or_else(|| unknown_domain(&request.sender_domain))?;
        if domain.verified_at.is_some() {
            return Ok(domain.id);
        }
        Err(ActionError::invalid(
            "from.email",
            format!("the DNS records of {} are not verified yet: publish them, then check the domain", domain.name),
        ))
    }

    /// The recipients of a request that must not be written to.
    pub fn suppressed<'a>(&self, request: &'a Prepared) -> HashSet<&'a str> {
        let kept = |entry: &&PreparedEntry| self.suppressed.contains(&address(request, entry));
        request.entries.iter().filter(kept).map(|entry| entry.email_lower.as_str()).collect()
    }
}

fn address(request: &Prepared, entry: &PreparedEntry) -> Address {
    Address {
        account_id: request.account_id,
        email_lower: entry.email_lower.clone(),
        domain: request.sender_domain.clone(),
    }
}

fn unknown_domain(name: &str) -> ActionError {
    ActionError::invalid(
        "from.email",
        format!("{name} is not a domain of this account: add it and publish its DNS records"),
    )
}
