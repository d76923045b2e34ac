//! Believable data for the living style page. Nothing here is read from a database.

use super::{Row, UsageRow};
use crate::web::chart::{BarChart, Column, Meter, Sparkline};
use crate::web::format;
use crate::web::layout::{AccountChoice, Brand, Flash, NavItem, Person, Shell, Theme, Tone, ViewAs};

/// Name, domain, state class and word, used, cap (0 is none), bounce and complaint rate, domains, cost, last activity.
type Line =
    (&'static str, &'static str, &'static str, &'static str, u64, u64, f64, f64, u64, &'static str, &'static str);

const LINES: [Line; 10] = [
    (
        "Alder Dental Group",
        "alderdental.example",
        "active",
        "Active",
        18_204,
        25_000,
        0.4,
        0.01,
        2,
        "$36.41",
        "2 min ago",
    ),
    (
        "Birch & Vale Hotels",
        "birchvale.example",
        "near",
        "Near cap",
        96_410,
        100_000,
        0.9,
        0.02,
        4,
        "$192.82",
        "just now",
    ),
    ("Cobalt Tickets", "cobalt.example", "active", "Active", 412_880, 0, 0.6, 0.03, 6, "$825.76", "just now"),
    ("Dunmore Council", "dunmore.example", "full", "At cap", 50_000, 50_000, 0.3, 0.0, 1, "$100.00", "41 min ago"),
    ("Everline Fitness", "everline.example", "held", "Suspended", 7_312, 10_000, 8.7, 0.31, 1, "$14.62", "3 h ago"),
    ("Fernway Logistics", "fernway.example", "active", "Active", 31_077, 60_000, 1.1, 0.01, 3, "$62.15", "6 min ago"),
    ("Glasshouse Nursery", "glasshouse.example", "active", "Active", 2_218, 5_000, 0.2, 0.0, 1, "$4.44", "1 h ago"),
    ("Hollis Law", "hollis.example", "wait", "DNS not done", 940, 5_000, 0.0, 0.0, 1, "$1.88", "yesterday"),
    ("Inkwell Press", "inkwell.example", "active", "Active", 61_120, 80_000, 0.7, 0.04, 2, "$122.24", "9 min ago"),
    ("Juniper Clinics", "juniper.example", "active", "Active", 22_871, 30_000, 2.6, 0.02, 2, "$45.74", "4 min ago"),
];

fn tone(rate: f64, warn: f64, bad: f64) -> &'static str {
    if rate >= bad {
        "bad"
    } else if rate >= warn {
        "warn"
    } else {
        ""
    }
}

/// Thirty days with a weekly rhythm; `stopped` ends it some days ago.
pub fn rhythm(seed: usize, scale: u64, stopped: bool) -> Vec<u64> {
    let week = [62, 92, 100, 97, 90, 41, 30];
    (0..30)
        .map(|day| {
            let noise = (day * 37 + seed * 53) % 23;
            let level = (week[(day + seed) % 7] + noise) as u64 * (70 + day as u64) / 100;
            if stopped && day > 24 { 0 } else { scale * level / 100 }
        })
        .collect()
}

/// Ten sub accounts, one in each state.
pub fn rows() -> Vec<Row> {
    let row = |(index, line): (usize, &Line)| {
        let (name, domain, class, state, used, cap, bounces, complaints, domains, cost, activity) = *line;
        Row {
            name,
            domain,
            class,
            state,
            meter: Meter::new(used, (cap > 0).then_some(cap)),
            trend: Sparkline::new(&rhythm(index, 1000, class == "held")),
            bounces: format!("{bounces}\u{a0}%"),
            bounce_tone: tone(bounces, 2.0, 5.0),
            complaints: format!("{complaints:.2}\u{a0}%"),
            complaint_tone: tone(complaints, 0.1, 0.3),
            domains,
            cost,
            activity,
        }
    };
    LINES.iter().enumerate().map(row).collect()
}

/// The same accounts as lines of a bill.
pub fn usage() -> Vec<UsageRow> {
    LINES
        .iter()
        .map(|line| UsageRow { name: line.0, messages: line.4, share: format::percent(line.4, 703_032), cost: line.9 })
        .collect()
}

/// November so far, with the days to come left free.
pub fn november() -> BarChart {
    let days = rhythm(3, 4_600, false).into_iter().take(24).enumerate();
    let columns =
        days.map(|(i, n)| Column::single(format!("{} Nov", i + 1), n, n * (7 + i as u64 % 5) / 1000)).collect();
    BarChart { slots: 30, ..BarChart::simple("Messages per day", columns) }
}

/// Half a year by account, stacked.
pub fn half_year() -> BarChart {
    let months = ["Jun", "Jul", "Aug", "Sep", "Oct", "Nov"];
    let column = |(i, label): (usize, &&str)| {
        let grow = 100 + 12 * i as u64;
        let parts = [412_880, 192_400, 310_200, 128_600].map(|n: u64| n * grow / 160).to_vec();
        Column { label: (*label).to_owned(), parts, bounced: 0 }
    };
    BarChart {
        title: "Messages per month".into(),
        series: ["Cobalt Tickets", "Birch & Vale Hotels", "All other sub accounts", "Harbor Studio itself"]
            .map(String::from)
            .into(),
        columns: months.iter().enumerate().map(column).collect(),
        slots: 6,
        cap: Some(1_500_000),
        highlight_last: false,
    }
}

/// The frame around every sample page.
pub fn shell(title: &str, path: &str, theme: Theme) -> Shell {
    let account = |id: &str, name: &str, role: &str, current| AccountChoice {
        id: id.into(),
        name: name.into(),
        role: role.into(),
        current,
    };
    let mut nav: Vec<NavItem> = [
        ("Overview", "/", "layout-dashboard"),
        ("Sub accounts", "/sub-accounts", "building-2"),
        ("Usage & cost", "/usage", "chart-column"),
        ("Activity", "/activity", "history"),
        ("Settings", "/settings", "settings"),
    ]
    .map(|(label, href, icon)| NavItem::new(label, href, icon).current_for(path))
    .into();
    nav[1].pip = 1;
    Shell {
        title: title.into(),
        brand: Brand::default(),
        account: "Harbor Studio".into(),
        accounts: vec![
            account("1", "Harbor Studio", "Administrator", true),
            account("2", "Northlight Agency", "Analyst", false),
        ],
        nav,
        person: Some(Person {
            name: "Maya Lindqvist".into(),
            email: "maya@harbor.example".into(),
            role: "Administrator".into(),
        }),
        csrf: "sample-token".into(),
        theme,
        path: path.into(),
        ..Shell::default()
    }
}

/// A message with an undo, as it follows a suspension.
pub fn flash() -> Flash {
    Flash {
        tone: Tone::Good,
        text: "Everline Fitness is suspended.".into(),
        detail: "214 queued messages wait, 2 keys are refused. The client and three of your members were told.".into(),
        link: Some(("Undo".into(), "#".into())),
    }
}

/// The banner of acting inside a child.
pub fn view_as() -> ViewAs {
    ViewAs {
        account: "Birch & Vale Hotels".into(),
        reason: "ticket 4512, missing confirmations".into(),
        read_only: true,
        leave: "#".into(),
        raise: Some("#".into()),
    }
}
