//! Pages without a signed-in person: sign-in, reset, invitation, first set-up.

mod device;
pub mod sign_in;
