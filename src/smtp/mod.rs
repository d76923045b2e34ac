//! The inbound SMTP listener (RFC 5321): takes bounces, complaints, and letters to the operator. It relays nothing: an address
//! that is not signed by this installation is refused at RCPT. What it answers with 250 is committed.
//!
//! `listener` accepts connections, `tls` has the certificate of STARTTLS, `session` leads the conversation, `verbs` answers one command a file; `command`,
//! `lines` and `body` read what strangers send, without input or output of their own.

pub mod body;
pub mod command;
mod counted;
mod gate;
mod letters;
mod limits;
pub mod lines;
mod listener;
mod reply;
mod session;
mod stream;
mod tls;
mod verbs;
mod wire;

pub use limits::Limits;
pub use listener::{Bound, Listener};
pub use tls::Tls;
