//! Watches for what a clock that was far ahead left in the queue. A node is dead if it lets a lease stand for as long as a
//! lease lasts, whatever time the lease names: by that no node takes a message from one that lives, whoever's clock is
//! wrong.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::actions::ActionResult;
use crate::actions::claim_deliveries::LEASE;
use crate::actions::recall_from_ahead::{end_lost, leases_from_ahead, look, recall};
use crate::app::App;
use crate::domain::ids::Id;
use crate::models::queue::Lease;

/// Leases that end too late, and since when each is seen as it is.
#[derive(Default)]
struct Sightings(HashMap<Id, (Lease, DateTime<Utc>)>);

/// What is watched between two rounds.
#[derive(Default)]
pub struct Watch {
    sightings: Sightings,
    /// How far the accounts were looked at.
    after: Option<Id>,
}

impl Sightings {
    /// Takes note of what is seen now; answers those that stood as they are for as long as a lease lasts.
    fn lost(&mut self, seen: Vec<Lease>, now: DateTime<Utc>) -> Vec<Lease> {
        let mut before = std::mem::take(&mut self.0);
        let mut lost = Vec::new();
        for lease in seen {
            let since = before.remove(&lease.message_id).filter(|(then, since)| lease.is_same(then) && *since <= now);
            let since = since.map_or(now, |(_, since)| since);
            if now - since >= LEASE {
                lost.push(lease);
            } else {
                self.0.insert(lease.message_id, (lease, since));
            }
        }
        lost
    }
}

impl Watch {
    /// One look at the leases, and at some of the accounts.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn round(&mut self, app: &Arc<App>, now: DateTime<Utc>) -> ActionResult<()> {
        let seen = app.read(move |conn| leases_from_ahead(conn, now)).await?;
        let lost = self.sightings.lost(seen, now);
        if !lost.is_empty() {
            let ended = app.write(move |conn| end_lost(conn, now, &lost)).await?;
            log::warn!("{ended} messages were held by a node whose clock was ahead and that is gone: they are free");
        }

        let after = self.after;
        let (found, next) = app.read(move |conn| look(conn, now, after)).await?;
        self.after = next;
        if !found.is_empty() {
            app.write(move |conn| recall(conn, now, &found)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn lease(message: Id, until: i64) -> Lease {
        let id = Id::first_at(at(0));
        Lease {
            message_id: message,
            account_id: id,
            parent_id: id,
            owner: id,
            until_at: at(until).naive_utc(),
            attempt: 1,
        }
    }

    fn lost(sightings: &mut Sightings, seen: &[Lease], now: i64) -> usize {
        sightings.lost(seen.to_vec(), at(now)).len()
    }

    #[test]
    fn a_lease_that_stands_for_as_long_as_one_lasts_is_lost_and_one_that_is_lengthened_is_not() {
        let (dead, live) = (Id::new(at(0)), Id::new(at(0)));
        let mut sightings = Sightings::default();
        for seconds in [0, 10, 20, 30, 39] {
            let seen = [lease(dead, 9_000), lease(live, 9_000 + seconds)];
            assert_eq!(lost(&mut sightings, &seen, seconds), 0, "after {seconds} s");
        }
        let seen = [lease(dead, 9_000), lease(live, 9_040)];
        assert_eq!(sightings.lost(seen.to_vec(), at(40)).iter().map(|one| one.message_id).collect::<Vec<_>>(), [dead]);
    }

    #[test]
    fn what_was_out_of_sight_or_seen_by_a_clock_that_was_set_back_is_watched_anew() {
        let dead = [lease(Id::new(at(0)), 9_000)];
        let mut sightings = Sightings::default();
        assert_eq!(lost(&mut sightings, &dead, 1_000), 0);
        assert_eq!(lost(&mut sightings, &[], 1_020), 0);
        assert_eq!(lost(&mut sightings, &dead, 1_050), 0);
        assert_eq!(lost(&mut sightings, &dead, 500), 0, "set back");
        assert_eq!(lost(&mut sightings, &dead, 539), 0);
        assert_eq!(lost(&mut sightings, &dead, 540), 1);
    }
}
