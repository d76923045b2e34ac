//! Canopy: a self-hosted email platform for whoever sends on behalf of many customers.
//! The map; ARCHITECTURE.md says which room may call which.

pub mod actions; // what the product does: one verb per file
pub mod api; // the JSON API v2
pub mod app; // everything built once and passed down
pub mod cli; // serve, demo, migrate, user, account, verify-audit, refusals, config, check
pub mod clock; // the time, passed in
pub mod config; // defaults, a TOML file, CANOPY_* variables
pub mod delivery; // outbound: queue, worker, transports, DKIM
pub mod dns; // what a domain must publish, and whether it does
pub mod dns_check; // a look at a domain's DNS, from asking to what it means
pub mod doctor; // whether the installation is in order: for `canopy check` and System health
pub mod domain; // pure rules: no I/O, no async, no clock reads
pub mod emails; // the templates of system mail
pub mod jobs; // delivering, system mail and housekeeping, on worker nodes
pub mod load; // what a node gives at once, to all and to each: memory, and places for long work
pub mod mailer; // mail of the platform itself: invitations, resets, alerts
pub mod metrics; // what /metrics tells: counters and histograms of this node
pub mod models; // the only home of diesel
pub mod secrets; // sealing at rest, digests, passwords, one-time tokens
pub mod seed; // the demo's believable agency
pub mod smtp; // what comes in over SMTP: bounces and complaints, and the mail of clients
pub mod telemetry; // request ids, client addresses, log lines, and how long a request's body may take
pub mod web; // the dashboard
