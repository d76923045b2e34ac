//! Accepting mail is exact: caps, holds and counters, on both databases.

mod alerts;
mod boundary;
mod caps;
mod held_bound;
mod histories;
mod ledger;
mod limits;
mod moved_clock;
mod period_changes;
mod processes;
pub mod suspension;
mod turns;
