//! Who used what: the parent, its sub accounts a page at a time, the removed ones. Whatever is not on the page is
//! one line of its own, so that the parts always add up to the total.

use crate::actions::usage_report::{Counted, UsageLine, UsageReport};
use crate::domain::money::Money;
use crate::web::format::{self, NOT_SET};

/// Sub accounts on a page; more removed ones than this become one line, too.
pub const PAGE: usize = 100;

/// One line of the table.
pub struct Row {
    pub name: String,
    /// "" links nowhere.
    pub href: String,
    /// Beside the name.
    pub note: String,
    pub messages: String,
    pub share: String,
    /// In the plan's currency, or "not set". Empty for who may not see money.
    pub cost: String,
}

/// The table of one page.
pub struct Table {
    pub itself: Row,
    pub rows: Vec<Row>,
    /// The sub accounts of all other pages.
    pub others: Option<Row>,
    pub removed: Vec<Row>,
    pub total: Row,
    /// From 1.
    pub page: usize,
    pub pages: usize,
    /// "Sub accounts 101 to 200 of 100,000".
    pub label: String,
}

/// How the table is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub page: usize,
    pub by_name: bool,
    pub money: bool,
}

impl Table {
    /// Orders the report's lines and cuts one page out of them.
    #[must_use]
    pub fn new(report: &UsageReport, wanted: Wanted, when: impl Fn(chrono::NaiveDateTime) -> String) -> Self {
        let words = Words { report, money: wanted.money };
        let mut children: Vec<&UsageLine> = report.children.iter().collect();
        sort(&mut children, wanted.by_name);
        let pages = children.len().div_ceil(PAGE).max(1);
        let page = wanted.page.clamp(1, pages);
        let (from, to) = ((page - 1) * PAGE, (page * PAGE).min(children.len()));
        let elsewhere = children[..from].iter().chain(&children[to..]).copied();
        let others = (pages > 1).then(|| {
            let count = (children.len() - (to - from)) as u64;
            words.row(format::count(count, "other sub account", "other sub accounts"), sum(elsewhere))
        });
        Self {
            itself: words.row(format!("{} itself", report.parent.name), report.parent.counted),
            rows: children[from..to].iter().map(|line| words.child(line)).collect(),
            others,
            removed: removed(&words, when),
            total: words.row("Total".into(), report.total),
            page,
            pages,
            label: label(from, to, children.len()),
        }
    }
}

fn label(from: usize, to: usize, all: usize) -> String {
    format!("Sub accounts {} to {} of {}", format::number(from + 1), format::number(to), format::number(all))
}

/// The most messages first, or by name; ties by name and id, so that pages never overlap.
fn sort(lines: &mut [&UsageLine], by_name: bool) {
    if by_name {
        lines.sort_by_cached_key(|line| (line.name.to_lowercase(), line.account_id));
    } else {
        lines.sort_by(|a, b| {
            let volume = b.counted.messages.accepted.cmp(&a.counted.messages.accepted);
            volume.then_with(|| a.name.cmp(&b.name)).then_with(|| a.account_id.cmp(&b.account_id))
        });
    }
}

fn removed(words: &Words<'_>, when: impl Fn(chrono::NaiveDateTime) -> String) -> Vec<Row> {
    let mut lines: Vec<&UsageLine> = words.report.removed.iter().collect();
    sort(&mut lines, false);
    let (named, rest) = lines.split_at(lines.len().min(PAGE));
    let mut rows: Vec<Row> = named
        .iter()
        .map(|line| Row {
            note: line.deleted_at.map(|at| format!("deleted {}", when(at))).unwrap_or_default(),
            ..words.row(line.name.clone(), line.counted)
        })
        .collect();
    if !rest.is_empty() {
        let name = format::count(rest.len() as u64, "other removed account", "other removed accounts");
        rows.push(words.row(name, sum(rest.iter().copied())));
    }
    rows
}

fn sum<'a>(lines: impl Iterator<Item = &'a UsageLine>) -> Counted {
    lines.fold(Counted::default(), |mut sum, line| {
        sum.messages += line.counted.messages;
        if let Some(cost) = line.counted.cost_minor {
            sum.cost_minor = Some(sum.cost_minor.unwrap_or(0) + cost);
        }
        sum
    })
}

/// How a line's numbers read.
struct Words<'a> {
    report: &'a UsageReport,
    money: bool,
}

impl Words<'_> {
    fn row(&self, name: String, counted: Counted) -> Row {
        let accepted = counted.messages.accepted.max(0).unsigned_abs();
        let all = self.report.total.messages.accepted.max(0).unsigned_abs();
        Row {
            name,
            href: String::new(),
            note: String::new(),
            messages: format::number(accepted),
            share: format::percent(accepted, all),
            cost: if self.money { self.cost(counted) } else { String::new() },
        }
    }

    fn child(&self, line: &UsageLine) -> Row {
        Row {
            href: format!("/sub-accounts/{}/usage", line.account_id),
            note: line.external_id.clone().unwrap_or_default(),
            ..self.row(line.name.clone(), line.counted)
        }
    }

    fn cost(&self, counted: Counted) -> String {
        match (&self.report.plan, counted.cost_minor) {
            (Some(plan), minor) => format::money(Money::new(minor.unwrap_or(0), plan.currency)),
            (None, _) => NOT_SET.to_owned(),
        }
    }
}
