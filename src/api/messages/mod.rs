//! Messages: send, list, read, cancel.

mod filter;
mod read;
mod send;

pub use filter::{MAX_TAGS, MessageQuery};
pub use read::{cancel, get, list};
pub use send::{conversation, create};
