//! Outbound mail: how a message is signed, and how it leaves.

pub mod dkim;
pub mod transport;
pub mod wire;
