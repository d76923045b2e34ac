//! Mail handed in over SMTP: by clients that sign in, and by programs of this machine.

mod caps;
pub mod door;
mod holds;
mod hostile;
mod limits;
mod messages;
mod nested;
mod signing_in;
mod trusted;
