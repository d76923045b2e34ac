//! The list of a parent's sub accounts: filtered, sorted by any column, page by page from an edge, never by OFFSET.
//!
//! A page walks the index of its sort column. A filter that leaves few accounts would make that walk long, so then
//! the few are fetched by the filter's own index and sorted: either way the work is bounded, not the parent's size.

mod caps;
mod count;
mod edge;
mod facets;
mod filter;
mod matching;
mod page;
mod some;
mod sql;

pub use caps::{CapChange, Chosen, cap_change};
pub use count::{Counts, counts, total};
pub use edge::{Edge, Key};
pub use facets::{Facet, Facets};
pub use filter::{CapFilter, Filter, Health, HoldFilter};
pub use matching::matching;
pub use page::{Line, Page, Query, Sort, page};
pub use some::some;
pub use sql::explain;
