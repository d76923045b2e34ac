//! Real programs over one database: together, split by role, killed, and cut off from what they need.

mod ahead;
mod bounded;
mod clock;
mod failures;
mod handing_in;
mod hanging_up;
mod idle;
mod limits;
pub mod pressure;
mod roles;
mod rotation;
mod slow_bodies;
mod takeover;
mod together;
