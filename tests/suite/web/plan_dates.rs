//! From when a plan applies: ended periods keep their bill, the running one changes only where that was chosen.

use canopy::actions::ActionError;
use canopy::actions::ensure_period::ensure_period;
use canopy::actions::set_plan::{Begins, Entered, set_plan};
use canopy::actions::update_account::{AccountChanges, update_account};
use canopy::actions::usage_report::usage_report;
use canopy::domain::ids::Id;
use canopy::domain::number::NumberStyle;
use canopy::domain::period::BillingAnchor;
use canopy::domain::rating::Plan;
use canopy::models::periods;
use chrono::TimeDelta;

use crate::support::app::{Agency, TestApp, on_both};
use crate::support::visitor::Visitor;

const PLAN: &str = "/settings/plan";

fn plan(currency: &str, fee: &str) -> Plan {
    Plan::parse(currency, fee, "0", &[], NumberStyle::Point).expect("a plan")
}

async fn enter(app: &TestApp, agency: &Agency, fee: &'static str, begins: Begins) -> Entered {
    let parent = agency.id;
    app.write(move |conn, cx| set_plan(conn, cx, parent, plan("USD", fee), begins)).await
}

/// The bills of all periods there are, newest first, the running one among them.
async fn bills(app: &TestApp, agency: &Agency) -> Vec<Option<i64>> {
    let (parent, now) = (agency.id, app.app.clock.now());
    app.write(move |conn, _| {
        usage_report(conn, now, parent, None)?;
        let all: Vec<Id> = periods::all(conn, parent)?.iter().map(|period| period.id).collect();
        all.into_iter().map(|id| Ok(usage_report(conn, now, parent, Some(id))?.total.cost_minor)).collect()
    })
    .await
}

/// The beginning of the next period, and a bit.
async fn next_period(app: &TestApp, agency: &Agency) -> Vec<Option<i64>> {
    let parent = agency.id;
    let end = app.write(move |conn, cx| Ok(ensure_period(conn, parent, cx.now)?.end_at)).await;
    app.app.clock.step(end - app.app.clock.now().naive_utc() + TimeDelta::minutes(1));
    bills(app, agency).await
}

#[tokio::test]
async fn a_first_plan_prices_the_running_period_and_none_before_it() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        assert_eq!(bills(&app, &agency).await, [None]);
        next_period(&app, &agency).await;
        assert_eq!(enter(&app, &agency, "10", Begins::Next).await, Entered::InForce, "there is nothing to keep");
        assert_eq!(bills(&app, &agency).await, [Some(1_000), None]);
    })
    .await;
}

#[tokio::test]
async fn in_a_short_period_the_page_says_what_its_part_comes_to_before_and_after() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        enter(&app, &agency, "310", Begins::Running).await;
        let parent = agency.id;
        let anchor = BillingAnchor::parse(10, "UTC").expect("an anchor");
        let moved = AccountChanges { anchor: Some(anchor), ..AccountChanges::default() };
        app.write(move |conn, cx| update_account(conn, cx, parent, &moved).map(drop)).await;
        next_period(&app, &agency).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;

        let period = app.write(move |conn, cx| ensure_period(conn, parent, cx.now)).await;
        let full = i64::from(period.of_days.expect("a short one"));
        assert_eq!(period.days, Some(9));
        let part = |fee: i64| {
            format!("${}.{:02}", (fee * 9 * 2 + full) / (full * 2) / 100, (fee * 9 * 2 + full) / (full * 2) % 100)
        };
        let fields = [("currency", "USD"), ("fee", "620"), ("included", "0"), ("when", "current")];
        let page = owner.submit(PLAN, PLAN, &fields).await;
        page.shows(&format!("so far come to {} instead of {}", part(62_000), part(31_000)));
    })
    .await;
}

#[tokio::test]
async fn a_change_begins_with_the_next_period_unless_the_running_one_is_to_be_repriced() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        enter(&app, &agency, "10", Begins::Running).await;
        let planned = enter(&app, &agency, "20", Begins::Next).await;
        assert!(matches!(planned, Entered::Planned(_)), "{planned:?}");
        assert_eq!(bills(&app, &agency).await, [Some(1_000)], "the running period keeps its price");
        assert_eq!(enter(&app, &agency, "20", Begins::Next).await, Entered::Unchanged);
        assert_eq!(next_period(&app, &agency).await, [Some(2_000), Some(1_000)]);

        assert_eq!(enter(&app, &agency, "30", Begins::Running).await, Entered::InForce);
        assert_eq!(enter(&app, &agency, "35", Begins::Running).await, Entered::InForce);
        assert_eq!(enter(&app, &agency, "35", Begins::Running).await, Entered::Unchanged);
        assert_eq!(bills(&app, &agency).await, [Some(3_500), Some(1_000)], "all of the period, and no other");
        enter(&app, &agency, "40", Begins::Next).await;
        enter(&app, &agency, "50", Begins::Next).await;
        assert_eq!(enter(&app, &agency, "36", Begins::Running).await, Entered::InForce);
        assert_eq!(
            next_period(&app, &agency).await,
            [Some(5_000), Some(3_600), Some(1_000)],
            "the last that was planned"
        );
        enter(&app, &agency, "60", Begins::Next).await;
        assert_eq!(enter(&app, &agency, "50", Begins::Next).await, Entered::InForce, "as before: nothing is planned");
        let all = next_period(&app, &agency).await;
        assert_eq!(all, [Some(5_000), Some(5_000), Some(3_600), Some(1_000)]);
    })
    .await;
}

#[tokio::test]
async fn another_currency_waits_for_the_next_period() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        enter(&app, &agency, "10", Begins::Running).await;
        let (parent, cx) = (agency.id, app.app.cx("test"));
        let refused = app.app.write(move |conn| set_plan(conn, &cx, parent, plan("EUR", "10"), Begins::Running)).await;
        assert!(matches!(&refused, Err(ActionError::Invalid(fields)) if fields[0].field == "currency"), "{refused:?}");
        app.write(move |conn, cx| set_plan(conn, cx, parent, plan("EUR", "11"), Begins::Next)).await;
        assert_eq!(next_period(&app, &agency).await, [Some(1_100), Some(1_000)]);
    })
    .await;
}

#[tokio::test]
async fn a_plan_saved_within_a_period_by_an_older_version_can_still_be_repriced() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    enter(&app, &agency, "10", Begins::Running).await;
    let parent = agency.id;
    let moved = app.app.clock.now().naive_utc();
    app.write(move |conn, _| {
        use canopy::models::schema::plans;
        use diesel::prelude::*;
        diesel::update(plans::table.filter(plans::account_id.eq(parent)))
            .set(plans::effective_from.eq(moved))
            .execute(conn)?;
        Ok(())
    })
    .await;
    app.app.clock.step(TimeDelta::seconds(1));
    enter(&app, &agency, "30", Begins::Running).await;
    assert_eq!(bills(&app, &agency).await, [Some(3_000)]);
}

#[tokio::test]
async fn the_page_says_from_when_keeps_what_was_typed_and_takes_a_planned_change_back() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.get(PLAN).await;
        assert!(!page.html.contains("From the next period"), "a first plan has nothing to choose");
        let save = [("currency", "USD"), ("fee", "10"), ("do", "save")];
        owner.submit_and_confirm(PLAN, PLAN, &save).await;
        let page = owner.get(PLAN).await;
        page.shows("In force").shows("From the next period (").shows("From the current period (since ");
        let period = page.hidden("period");

        // Another currency in the running period comes back as it was typed.
        let wrong = [("currency", "EUR"), ("fee", "12.50"), ("when", "current"), ("do", "save")];
        let page = owner.submit(PLAN, PLAN, &wrong).await;
        assert_eq!(page.status, 422);
        page.shows("value=\"12.50\"").shows("value=\"current\" checked").shows("stays in its currency");

        let later = [("currency", "USD"), ("fee", "20"), ("period", &period), ("do", "save")];
        let page = owner.submit_and_confirm(PLAN, PLAN, &later).await;
        assert_eq!(page.status, 303, "{}", page.html);
        let page = owner.get(PLAN).await;
        page.shows("The plan changes on ").shows("Planned").shows("$20.00").shows("$10.00");
        owner.get("/usage").await.shows("$10.00");
        let id = page.hidden("plan");
        assert_eq!(owner.submit(PLAN, "/settings/plan/withdraw", &[("plan", &id)]).await.status, 303);
        owner.get(PLAN).await.shows("The planned change is withdrawn.");
        assert_eq!(owner.submit(PLAN, "/settings/plan/withdraw", &[("plan", &id)]).await.status, 303);
        owner.get(PLAN).await.shows("This change is not planned any more.");

        let now = [("currency", "USD"), ("fee", "30"), ("period", &period), ("when", "current"), ("do", "save")];
        owner.submit_and_confirm(PLAN, PLAN, &now).await;
        owner.get("/usage").await.shows("$30.00");
        owner
            .get("/activity?kind=plan.")
            .await
            .shows("Plan of harbor set")
            .shows("Plan of harbor changes with the next period")
            .shows("Planned change of the plan of harbor withdrawn")
            .shows("Plan of harbor changed: the running period is priced anew");

        // A form that was left open over the end of the period says so, and changes nothing.
        next_period(&app, &agency).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let stale = [("currency", "USD"), ("fee", "99"), ("period", &period), ("when", "current"), ("do", "save")];
        let page = owner.submit(PLAN, PLAN, &stale).await;
        assert_eq!(page.status, 422);
        page.shows("A new billing period has begun").shows("value=\"99\"");
        assert_eq!(bills(&app, &agency).await, [Some(3_000), Some(3_000)]);
    })
    .await;
}
