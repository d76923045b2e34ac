//! The list itself with its numbers and filters: the same for an agency and for one account.

use super::params::{Params, arrange};
use super::read::Found;
use super::row::{Row, View};
use crate::domain::waiting::Reason;
use crate::models::queue_view::Counts;
use crate::web::format::{self, When};

/// The longest a domain is written on a chip.
const LONGEST: usize = 30;

pub struct Chip {
    pub label: &'static str,
    pub count: String,
    pub href: String,
    pub current: bool,
}

/// A domain that much waits for.
pub struct Heap {
    /// The domain; a long one is cut.
    pub label: String,
    pub count: String,
    pub href: String,
    pub current: bool,
}

pub struct Panel {
    pub csrf: String,
    pub path: String,
    pub params: Params,
    pub total: String,
    pub deferred: String,
    pub oldest: Option<When>,
    pub chips: Vec<Chip>,
    pub heaps: Vec<Heap>,
    pub rows: Vec<Row>,
    pub previous: String,
    pub next: String,
    pub is_empty: bool,
    pub may_change: bool,
    /// Of several accounts.
    pub many: bool,
}

impl Panel {
    #[must_use]
    pub fn new(path: &str, params: Params, mut found: Found, view: &View<'_>, many: bool, may_change: bool) -> Self {
        let (before, after) = arrange(&mut found.rows, params.page());
        let edge = |name: &str, there: bool, row: Option<&crate::models::queue_view::Waiting>| {
            let row = row.filter(|_| there);
            row.map(|row| params.link(path, name, &row.message_id.to_string())).unwrap_or_default()
        };
        Self {
            csrf: String::new(),
            path: path.to_owned(),
            total: number(found.counts.all()),
            deferred: number(found.counts.of(Reason::Deferred)),
            oldest: found.oldest.map(|at| When::new(at, view.now, view.tz)),
            chips: chips(path, &params, &found.counts),
            heaps: heaps(path, &params, &found),
            rows: found.rows.iter().map(|row| view.row(row, &found)).collect(),
            previous: edge("before", before, found.rows.first()),
            next: edge("after", after, found.rows.last()),
            is_empty: found.counts.all() == 0,
            params,
            may_change,
            many,
        }
    }
}

/// "more than 10,000" beyond what was counted.
fn number(count: i64) -> String {
    if count > Counts::MOST { format!("{}+", format::number(Counts::MOST)) } else { format::number(count) }
}

/// A domain as it fits the screen of a phone.
fn shortened(domain: &str) -> String {
    if domain.chars().count() <= LONGEST {
        domain.to_owned()
    } else {
        domain.chars().take(LONGEST).chain(['…']).collect()
    }
}

fn chips(path: &str, params: &Params, counts: &Counts) -> Vec<Chip> {
    let current = Reason::parse(&params.reason);
    let all = Chip {
        label: "All",
        count: number(counts.all()),
        href: params.with_reason(path, ""),
        current: current.is_none(),
    };
    let chip = |reason: Reason| Chip {
        label: reason.label(),
        count: number(counts.of(reason)),
        href: params.with_reason(path, reason.as_str()),
        current: current == Some(reason),
    };
    std::iter::once(all).chain(Reason::all().into_iter().map(chip)).collect()
}

fn heaps(path: &str, params: &Params, found: &Found) -> Vec<Heap> {
    let chosen = params.filter().destination;
    let heap = |row: &crate::models::queue_view::Destination| {
        let current = chosen.as_deref() == Some(&row.destination);
        Heap {
            label: shortened(&row.destination),
            count: format::number(row.waiting),
            href: params.with_destination(path, if current { "" } else { &row.destination }),
            current,
        }
    };
    found.destinations.iter().map(heap).collect()
}
