//! What Canopy knows about email, caps, roles and money. Pure: no I/O, no async; `now` is an argument.

pub mod ids;
