//! Accepting mail is exact: caps, holds and counters, on both databases.

mod caps;
mod suspension;
