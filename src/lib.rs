//! Canopy: a self-hosted email platform for whoever sends on behalf of many customers.
//! The map; ARCHITECTURE.md says which room may call which.

pub mod actions; // what the product does: one verb per file
pub mod clock; // the time, passed in
pub mod delivery; // outbound: queue, worker, transports, DKIM
pub mod dns; // what a domain must publish, and whether it does
pub mod domain; // pure rules: no I/O, no async, no clock reads
pub mod emails; // the templates of system mail
pub mod mailer; // mail of the platform itself: invitations, resets, alerts
pub mod models; // the only home of diesel
pub mod secrets; // sealing at rest, digests, passwords, one-time tokens
pub mod web; // the dashboard
