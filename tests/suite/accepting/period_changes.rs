//! Another time zone or billing day: the running period never moves, no period of hours follows, and a short one has its
//! part of fee, included messages and caps on every surface.

use canopy::actions::ActionError;
use canopy::actions::ensure_period::ensure_period;
use canopy::actions::flush_summaries::flush_summaries;
use canopy::actions::set_limits::set_pool;
use canopy::actions::set_plan::{Begins, set_plan};
use canopy::actions::update_account::{AccountChanges, update_account};
use canopy::actions::usage_report::usage_report;
use canopy::domain::limits::{AlertPercents, Bound};
use canopy::domain::number::NumberStyle;
use canopy::domain::period::BillingAnchor;
use canopy::domain::rating::Plan;
use canopy::models::periods::{self, Period};
use canopy::models::{accounts, summaries, usage};
use canopy::web::format;
use canopy::web::glance::Glance;
use chrono::TimeDelta;

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::Visitor;

/// Another anchor, from the next period on.
pub async fn change(app: &TestApp, agency: &Agency, day: i64, zone: &str) {
    let (parent, anchor) = (agency.id, BillingAnchor::parse(day, zone).expect("an anchor"));
    let changes = AccountChanges { anchor: Some(anchor), ..AccountChanges::default() };
    app.write(move |conn, cx| update_account(conn, cx, parent, &changes)).await;
}

pub async fn running(app: &TestApp, agency: &Agency) -> Period {
    let parent = agency.id;
    app.write(move |conn, cx| ensure_period(conn, parent, cx.now)).await
}

/// Steps the clock to `after` the end of the running period.
pub async fn step_beyond(app: &TestApp, agency: &Agency, after: TimeDelta) {
    let end = running(app, agency).await.end_at.and_utc();
    app.app.clock.step(end - app.app.clock.now() + after);
}

/// How many of `wanted` messages are accepted, one after the other; the others are over the month's cap.
async fn send(app: &TestApp, client: &Client, wanted: usize) -> i64 {
    let mut accepted = 0;
    for _ in 0..wanted {
        match app.accept(client, &["ann@example.org"]).await {
            Ok(_) => accepted += 1,
            Err(ActionError::CapReached { bound: Bound::Month | Bound::Pool, .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    accepted
}

#[tokio::test]
async fn a_change_of_zone_makes_no_period_of_hours_and_renews_no_cap() {
    on_both(|app| async move {
        let agency = app.agency("Zones").await;
        let client = app.client(&agency, "zones", 10).await;
        let before = running(&app, &agency).await;
        step_beyond(&app, &agency, TimeDelta::hours(-1)).await;
        // Midnight comes five hours later there.
        change(&app, &agency, 1, "America/New_York").await;
        assert_eq!(running(&app, &agency).await.end_at, before.end_at, "the running period never moves");
        assert_eq!(send(&app, &client, 12).await, 10);
        app.app.clock.step(TimeDelta::hours(2));
        assert_eq!(send(&app, &client, 12).await, 10, "a new period");
        app.app.clock.step(TimeDelta::hours(7));
        assert_eq!(send(&app, &client, 12).await, 0, "beyond midnight in the new zone it is the same period");
        let period = running(&app, &agency).await;
        assert_eq!((period.start_at, period.days), (before.end_at, None), "a full one, from where the last ended");
        assert!(period.end_at - period.start_at > TimeDelta::days(27), "{period:?}");
    })
    .await;
}

#[tokio::test]
async fn the_day_on_which_the_zone_changes_is_counted_once_in_each_estimate_and_figure() {
    on_both(|app| async move {
        let agency = app.agency("Twice").await;
        let (client, parent) = (app.client(&agency, "twice", 0).await, agency.id);
        let first = running(&app, &agency).await;
        step_beyond(&app, &agency, TimeDelta::hours(-1)).await;
        change(&app, &agency, 1, "America/New_York").await;
        assert_eq!(send(&app, &client, 3).await, 3);
        // It is the same day there, five hours behind, when the next period begins.
        app.app.clock.step(TimeDelta::hours(2));
        assert_eq!(send(&app, &client, 2).await, 2);

        let (second, now) = (running(&app, &agency).await, app.app.clock.now());
        let parent_row = app.read(move |conn| Ok(accounts::find(conn, parent)?.expect("the agency"))).await;
        let glance = app.read(move |conn| Glance::read(conn, &parent_row, now)).await;
        assert_eq!((glance.today, glance.first_day), (glance.days[29].0, glance.today), "its first day");
        assert_eq!(glance.total.accepted, 2, "of the running period");
        assert_eq!(glance.days[29].1.accepted, 5, "of the day");
        let day = glance.today.to_string();
        let rows = app.read(move |conn| Ok(usage::totals(conn, parent, &day, &day)?)).await;
        let of = |period: &Period| rows.iter().filter(|row| row.period_id == period.id).map(|row| row.accepted).sum();
        let of: [i64; 2] = [of(&first), of(&second)];
        assert_eq!((of, rows.len()), ([3, 2], 2));

        let owner = Visitor::signed_in(&app, &agency.email).await;
        let day = format::short_date(glance.today);
        for (period, count) in [(&first, 3), (&second, 2)] {
            let page = owner.get(&format!("/usage?period={}", period.id)).await;
            page.shows(&format!("<th scope=\"row\">{day}</th><td class=\"num\">{count}</td>"));
        }
    })
    .await;
}

#[tokio::test]
async fn another_billing_day_before_the_period_is_written_down_does_not_move_it() {
    on_both(|app| async move {
        let agency = app.agency("Late").await;
        step_beyond(&app, &agency, TimeDelta::days(3)).await;
        // Nobody has looked at the new period yet.
        change(&app, &agency, 20, "UTC").await;
        let period = running(&app, &agency).await;
        assert_eq!((period.anchor_day, period.days), (1, None), "{period:?}");
        change(&app, &agency, 25, "UTC").await;
        change(&app, &agency, 1, "UTC").await;
        step_beyond(&app, &agency, TimeDelta::hours(1)).await;
        let period = running(&app, &agency).await;
        assert_eq!(
            (period.anchor_day, period.days),
            (1, None),
            "the last change before it begins is the one that counts"
        );
    })
    .await;
}

/// Rounded up.
fn part(whole: i64, period: &Period) -> i64 {
    let (days, of_days) = (period.days.map_or(1, i64::from), period.of_days.map_or(1, i64::from));
    (whole * days + of_days - 1) / of_days
}

#[tokio::test]
async fn a_short_period_has_its_part_of_fee_included_and_caps_on_every_surface() {
    on_both(|app| async move {
        let agency = app.agency("Short").await;
        let (client, other) = (app.client(&agency, "short", 31).await, app.client(&agency, "other", 0).await);
        let parent = agency.id;
        let plan = Plan::parse("EUR", "62.00", "40", &[(String::new(), "1000".to_owned())], NumberStyle::Point)
            .expect("a plan");
        app.write(move |conn, cx| set_plan(conn, cx, parent, plan, Begins::Running)).await;
        app.write(move |conn, cx| set_pool(conn, cx, parent, 62, AlertPercents::default())).await;
        change(&app, &agency, 15, "UTC").await;
        step_beyond(&app, &agency, TimeDelta::hours(1)).await;
        let period = running(&app, &agency).await;
        let full = period.of_days.expect("a short one");
        assert!(period.days == Some(14) && (28..=31).contains(&full), "{period:?}");
        assert_eq!(period.end_at - period.start_at, TimeDelta::days(14));

        let (cap, pool, included) = (part(31, &period), part(62, &period), part(40, &period));
        assert_eq!(send(&app, &client, 40).await, cap);
        let told: Vec<String> = app.outbox().await.into_iter().map(|(_, subject)| subject).collect();
        assert!(told.contains(&"short has reached its monthly cap".to_owned()), "{told:?}");
        assert_eq!(send(&app, &other, 80).await, pool - cap, "the pool is shared");

        let now = app.app.clock.now();
        let report = app.read(move |conn| usage_report(conn, now, parent, None)).await;
        let bill = report.bill.expect("a plan is entered");
        let fee = (6_200 * 14 * 2 + i64::from(full)) / (i64::from(full) * 2);
        let amounts: Vec<(i64, i64)> = bill.lines.iter().map(|line| (line.quantity, line.amount_minor)).collect();
        // One euro a message beyond the included.
        let beyond = (pool - included).max(0);
        let mut lines = vec![(1, fee), (pool.min(included), 0)];
        lines.extend((beyond > 0).then_some((beyond, beyond * 100)));
        assert_eq!(amounts, lines);

        let (services, id) = (app.app.services.clone(), client.id);
        app.write(move |conn, _| flush_summaries(conn, now, &services)).await;
        let row = app.read(move |conn| Ok(summaries::find(conn, id)?)).await.expect("a summary");
        assert_eq!((row.cap_state.as_str(), row.used_permille, row.monthly_credit), ("at", 1_000, 31));
        shown(&app, &agency, &client, full, (cap, pool, bill.total_minor)).await;
    })
    .await;
}

/// Pages, exports and the API speak of the same part.
async fn shown(app: &TestApp, agency: &Agency, client: &Client, full: i32, (cap, pool, total): (i64, i64, i64)) {
    let owner = Visitor::signed_in(app, &agency.email).await;
    let days = format!("(14 of {full} days)");
    owner.get("/usage").await.shows(&days).shows(&format!("Monthly fee {days}"));
    owner
        .get("/settings/limits")
        .await
        .shows(&format!("of {pool}<"))
        .shows(&format!("14 of {full} days of the pool cap"));
    owner.get("/sub-accounts").await.shows(&days).shows(&format!("of {cap}<")).shows("At cap");
    let page = owner.get(&format!("/sub-accounts/{}", client.id)).await;
    page.shows(&format!("The cap of {cap} is reached.")).shows("days of the monthly cap of 31.").shows(&days);
    owner.get(&format!("/sub-accounts/{}/cap", client.id)).await.shows(&format!("of {cap}<"));
    owner.get(&format!("/sub-accounts/{}/usage", client.id)).await.shows(&days);
    let csv = String::from_utf8(owner.file("/usage.csv").await).expect("UTF-8");
    let euros = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
    let line = csv.lines().find(|line| line.starts_with("total")).expect("a total");
    assert!(line.trim_end().ends_with(&format!("EUR,{}", euros(total))), "{line}");
    let path = format!("/v2/accounts/{}/sub-accounts/usage", agency.id);
    let (_, shown) = app.call("GET", &path, &agency.key, None).await;
    let cost = shown["total"]["allocated_cost"].as_f64().expect("a number");
    assert_eq!(format!("{cost:.2}"), euros(total), "{shown}");
}

#[tokio::test]
async fn a_change_within_a_short_period_applies_after_it() {
    on_both(|app| async move {
        let agency = app.agency("Twice").await;
        let parent = agency.id;
        running(&app, &agency).await;
        change(&app, &agency, 10, "UTC").await;
        step_beyond(&app, &agency, TimeDelta::hours(1)).await;
        let first = running(&app, &agency).await;
        assert_eq!((first.anchor_day, first.days), (10, Some(9)));
        change(&app, &agency, 20, "UTC").await;
        assert_eq!(running(&app, &agency).await.end_at, first.end_at);
        step_beyond(&app, &agency, TimeDelta::hours(1)).await;
        let second = running(&app, &agency).await;
        assert_eq!((second.start_at, second.anchor_day, second.days), (first.end_at, 20, Some(10)));
        step_beyond(&app, &agency, TimeDelta::hours(1)).await;
        assert_eq!(running(&app, &agency).await.days, None);
        let all = app.read(move |conn| Ok(periods::all(conn, parent)?)).await;
        assert!(all.windows(2).all(|pair| pair[0].start_at == pair[1].end_at), "{all:?}");
    })
    .await;
}
