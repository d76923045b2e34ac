//! Accepting mail is exact: caps, holds and counters, on both databases.

mod alerts;
mod caps;
mod held_bound;
mod limits;
mod processes;
pub mod suspension;
