//! The words and figures of an account's overview.

use super::frame::{Facts, whole};
use super::overview::{Data, Notice};
use crate::actions::ActionResult;
use crate::actions::allocated_cost::allocated_cost;
use crate::actions::ensure_period::running;
use crate::domain::cap::CapState;
use crate::domain::forecast::CapForecast;
use crate::domain::hold::HoldKind;
use crate::domain::role::Permission;
use crate::models::AnyConnection;
use crate::models::accounts::Account;
use crate::models::suspensions::Suspension;
use crate::web::format;
use crate::web::scope::AccountScope;

/// One line of "This period".
pub struct Figure {
    pub label: &'static str,
    pub value: String,
    /// In parentheses behind it; may be empty.
    pub note: String,
    /// What it counts, for hovering and for screen readers.
    pub about: &'static str,
    /// Nobody entered it yet: said in a softer tone.
    pub missing: bool,
}

/// What the period came to.
pub struct Figures {
    pub lines: Vec<Figure>,
}

/// The lines, with money for those who may see it.
#[must_use]
pub fn figures(facts: &Facts, data: &Data, with_cost: bool) -> Figures {
    let counter = data.counter.as_ref();
    let of = |field: fn(&crate::models::counters::Counter) -> i64| whole(counter.map_or(0, field));
    let accepted = whole(facts.used);
    let line = |label, value: u64, note: String, about| Figure {
        label,
        value: format::number(value),
        note,
        about,
        missing: false,
    };
    let share = |part: u64| if accepted == 0 { String::new() } else { format::percent(part, accepted) };
    let (delivered, bounced, complained) = (of(|row| row.delivered), of(|row| row.bounced), of(|row| row.complained));
    let rate = |part: u64| format::percent(part, delivered + bounced);
    let mut lines = vec![
        line(
            "Delivered",
            delivered,
            share(delivered),
            "Taken by the recipient's server, as a share of accepted messages",
        ),
        line("Deferred now", whole(data.deferred), String::new(), "Tried at least once, will be tried again"),
        line("Bounced", bounced, rate(bounced), "Refused for good at once or later, as a share of what left"),
        line("Complaints", complained, rate(complained), "Marked as spam by the recipient, as a share of what left"),
        line(
            "Failed",
            of(|row| row.failed),
            String::new(),
            "Cancelled, expired, or refused for a fault of the message",
        ),
        line(
            "Suppressed",
            of(|row| row.suppressed),
            String::new(),
            "Not sent, because the recipient is suppressed; not counted as accepted",
        ),
        line("Waiting to leave", whole(data.waiting), String::new(), "Due now"),
        line(
            "Due later",
            whole(data.scheduled),
            String::new(),
            "Scheduled for later, or deferred until their next attempt",
        ),
    ];
    if data.held > 0 {
        lines.push(line("Held at the cap", whole(data.held), String::new(), "Released once there is room"));
    }
    if with_cost {
        lines.push(Figure {
            label: "Allocated cost",
            value: data.cost.clone().unwrap_or_else(|| format::NOT_SET.to_owned()),
            note: String::new(),
            about: "This account's share of your plan's bill so far, by volume",
            missing: data.cost.is_none(),
        });
    }
    Figures { lines }
}

/// The account's share of the pooled bill so far, in the plan's currency; `None` without a plan.
///
/// # Errors
/// Only the database's.
pub fn cost(conn: &mut AnyConnection, account: &Account, facts: &Facts) -> ActionResult<Option<String>> {
    let Some(period) = running(conn, facts.root.id, facts.now)? else { return Ok(None) };
    let cost = allocated_cost(conn, facts.now, facts.root.id, account.id, &period)?;
    Ok(cost.map(|cost| cost.to_string()))
}

/// What stops the account, or soon will.
#[must_use]
pub fn notices(scope: &AccountScope, facts: &Facts, forecast: Option<CapForecast>, raise: Option<i64>) -> Vec<Notice> {
    let mut notices: Vec<Notice> = facts.holds.iter().map(|hold| held(scope, facts, hold)).collect();
    if facts.parent_held {
        notices.push(Notice {
            tone: "bad",
            title: "The agency's own account is on hold, so nothing leaves here either.".into(),
            lines: vec!["Queued messages wait and API keys are refused until that hold is lifted.".into()],
            links: Vec::new(),
        });
    }
    notices.extend(cap(scope, facts, forecast, raise));
    if !facts.unverified.is_empty() || facts.domains == 0 {
        notices.push(domains(scope, facts));
    }
    notices
}

fn held(scope: &AccountScope, facts: &Facts, hold: &Suspension) -> Notice {
    let at = format::date_time(hold.created_at, facts.tz());
    let until = hold.until_at.map_or_else(
        || "It holds until it is lifted.".to_owned(),
        |until| format!("It ends by itself on {}.", format::date_time(until, facts.tz())),
    );
    if !scope.is_from_outside() {
        let text = Some(hold.customer_text.clone()).filter(|text| !text.is_empty());
        let ask = format!("{} has put sending on hold on {at}. {until}", facts.agency());
        return Notice {
            tone: "bad",
            title: "Sending is on hold.".into(),
            lines: text.into_iter().chain([ask]).collect(),
            links: Vec::new(),
        };
    }
    let kind = HoldKind::parse(&hold.kind).map_or("Manual", HoldKind::label);
    let lift = scope.may(Permission::Suspend).then(|| ("Lift hold…".to_owned(), scope.path("/lift")));
    let told = if hold.customer_text.is_empty() {
        "The client reads only that the account is on hold.".to_owned()
    } else {
        format!("The client reads: “{}”", hold.customer_text)
    };
    Notice {
        tone: "bad",
        title: format!("On hold since {at}. Kind: {}.", kind.to_lowercase()),
        lines: vec![format!("{} wrote: “{}”", hold.created_by, hold.reason), format!("{told} {until}")],
        links: lift.into_iter().collect(),
    }
}

fn cap(scope: &AccountScope, facts: &Facts, forecast: Option<CapForecast>, raise: Option<i64>) -> Option<Notice> {
    let cap = facts.cap(&scope.account)?;
    let resets = format::date_time(facts.period.end, facts.tz());
    let likely = forecast.and_then(|forecast| forecast.likely);
    let (tone, title, mut lines) = match (facts.cap_state(&scope.account), likely) {
        (CapState::At, _) => {
            let title = format!("The cap of {} is reached.", format::number(cap));
            ("bad", title, vec![format!("New messages are {} until {resets}.", facts.at_cap.fate())])
        }
        (CapState::Near | CapState::Under, Some(day)) => {
            let title =
                format!("The cap of {} will be reached around {}.", format::number(cap), day.format("%A %-d %B"));
            (
                "warn",
                title,
                vec![window(forecast?), format!("At the cap new messages are {} until {resets}.", facts.at_cap.fate())],
            )
        }
        (CapState::Near, None) => {
            let left = format::count(whole(cap - facts.used), "message", "messages");
            let title = format!(
                "{} of the cap of {} are used.",
                format::percent(whole(facts.used), whole(cap)),
                format::number(cap)
            );
            (
                "warn",
                title,
                vec![format!("{left} are left until {resets}. At the cap new messages are {}.", facts.at_cap.fate())],
            )
        }
        _ => return None,
    };
    lines.retain(|line| !line.is_empty());
    if let Some((days, of_days)) = facts.period.part.days() {
        let whole = format::number(scope.account.monthly_credit);
        lines.push(format!("This is a short period: {days} of {of_days} days of the monthly cap of {whole}."));
    }
    let raise = raise.filter(|_| scope.is_from_outside() && scope.may(Permission::SetCap));
    let links: Vec<(String, String)> = raise
        .map(|to| (format!("Raise to {}…", format::number(to)), scope.path(&format!("/cap?cap={to}"))))
        .into_iter()
        .collect();
    if links.is_empty() && !scope.is_from_outside() {
        lines.push(format!("Ask {} to raise it.", facts.agency()));
    }
    Some(Notice { tone, title, lines, links })
}

fn window(forecast: CapForecast) -> String {
    match (forecast.earliest, forecast.latest) {
        (Some(first), Some(last)) if first == last => format!("80\u{a0}% likely on {}.", first.format("%-d %B")),
        (Some(first), Some(last)) => {
            format!("80\u{a0}% likely between {} and {}.", first.format("%-d %B"), last.format("%-d %B"))
        }
        (Some(first), None) => {
            format!("It may be as early as {}, or not happen in this period.", first.format("%-d %B"))
        }
        _ => String::new(),
    }
}

fn domains(scope: &AccountScope, facts: &Facts) -> Notice {
    let link =
        vec![(if facts.domains == 0 { "Add a domain" } else { "Open domains" }.to_owned(), scope.path("/domains"))];
    let links = if scope.may(Permission::ViewDomains) { link } else { Vec::new() };
    if facts.domains == 0 {
        let lines = vec!["Messages can be sent once a domain is added and its DNS records are published.".into()];
        return Notice { tone: "info", title: "No domain yet.".into(), lines, links };
    }
    let shown: Vec<&str> = facts.unverified.iter().take(3).map(String::as_str).collect();
    let more = facts.unverified.len().saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let verb = if facts.unverified.len() == 1 { "is" } else { "are" };
    Notice {
        tone: if facts.domains == facts.unverified.len() { "warn" } else { "info" },
        title: format!("{}{more} {verb} not verified.", shown.join(", ")),
        lines: vec![
            "Nothing can be sent from there until its DNS records are published. We look again by ourselves.".into(),
        ],
        links,
    }
}
