//! Usage & cost of an agency: what all its accounts sent in a period, what it costs together, and whose share is what.
//! Every number is the report's (`actions::usage_report`); this only words and pages it.

pub mod bill;
mod cost;
mod export;
mod load;
mod page;
mod spreadsheet;
mod table;

pub use export::csv;
pub use load::running;
pub use page::show;
pub use spreadsheet::xlsx;
