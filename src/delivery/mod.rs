//! Outbound mail: what is due is claimed, built, signed and sent, and what became of it is recorded.

pub mod dkim;
mod finisher;
mod leave;
mod outgoing;
pub mod probe;
pub mod route;
pub mod transport;
pub mod wire;
pub mod worker;
