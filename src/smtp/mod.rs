//! What comes in over SMTP (RFC 5321). `inbound` takes bounces, complaints, and letters to the operator, and relays
//! nothing; `submission` takes the mail of clients (RFC 6409). What either answers with 250 is committed.
//!
//! They share everything else: `listener` accepts connections, `tls` has the certificate of STARTTLS, `session` leads the
//! conversation, `verbs` answers one command a file, and `service` is what differs. `command`, `lines` and `body` read
//! what strangers send, without input or output of their own.

pub mod body;
pub mod command;
mod gate;
mod inbound;
mod limits;
pub mod lines;
mod listener;
mod reply;
mod service;
mod session;
mod stream;
mod submission;
mod tls;
mod verbs;
mod wire;

pub use limits::Limits;
pub use listener::{Bound, Listener};
pub use tls::Tls;
