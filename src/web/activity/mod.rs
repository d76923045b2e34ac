//! Activity: the audit in words, narrowed, page by page, entry by entry, checked and exported.

mod entry;
mod export;
mod filter;
mod list;
pub mod sentence;
mod verify;

pub use entry::entry;
pub use export::csv;
pub use list::show;
pub use verify::verify;
