//! Activity: the audit in words, narrowed, page by page, entry by entry, checked and exported.

mod entry;
mod export;
mod filter;
pub mod hidden;
mod list;
pub mod sentence;
mod verify;

pub use entry::entry;
pub use export::csv;
pub use list::{by, kinds, show};
pub use verify::verify;
