//! The queue, visible: what waits, for whom it waits and why, oldest first; and what can be done about it. At `/queue`
//! for an agency, of all its accounts; at `.../queue` among the pages of one account.

mod change;
mod list;
mod panel;
mod params;
mod read;
mod row;

pub use change::{change, change_of_account};
pub use list::{of_account, show};
