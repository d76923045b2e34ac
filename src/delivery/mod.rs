//! Outbound mail: what is due is claimed, built, signed and sent, and what became of it is recorded.

mod ahead;
mod attempt;
pub mod dkim;
mod finisher;
mod known;
mod leave;
mod node;
mod outgoing;
mod pace;
mod places;
pub mod probe;
pub mod route;
pub mod transport;
pub mod wire;
pub mod worker;
