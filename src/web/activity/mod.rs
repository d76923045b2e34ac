//! The audit as people read it.

pub mod sentence;
