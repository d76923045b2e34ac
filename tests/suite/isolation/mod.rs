//! Whoever asks for what is not theirs learns nothing, not even that it exists. Every route is asked, by every kind
//! of caller, for what is their own, a sibling's, another agency's, deleted, unknown and malformed; a route that these
//! tests do not know fails them.

mod api;
mod audited;
mod canary;
mod csrf;
pub mod dashboard;
mod form_assignment;
mod key_rights;
mod mass_assignment;
mod outlived;
mod revoked;
mod roles;
pub mod routes;
mod standings;
mod strangers;
mod submitted;
pub mod world;
pub mod writes;
