//! The disk under SQLite fails, or loses at a power failure what was never synced: nothing acknowledged may be missing.
//! A 202 of the API and a 250 over SMTP are promises alike. So it is when the primary of a PostgreSQL is lost.
//!
//! The short forms run with the other tests; `bin/soak disk` runs the counts of `CANOPY_SOAK_CUTS` and
//! `CANOPY_SOAK_FAULTS`. A primary is lost in `bin/soak primary` only.

mod cuts;
mod failing;
mod load;
mod primary;
