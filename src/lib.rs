//! Canopy: a self-hosted email platform for whoever sends on behalf of many customers.
//! The map; ARCHITECTURE.md says which room may call which.

pub mod delivery; // outbound: queue, worker, transports, DKIM
pub mod dns; // what a domain must publish, and whether it does
pub mod domain; // pure rules: no I/O, no async, no clock reads
pub mod mailer; // mail of the platform itself: invitations, resets, alerts
pub mod secrets; // sealing at rest, digests, passwords, one-time tokens
pub mod web; // the dashboard
