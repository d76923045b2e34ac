//! One name, several accounts: who holds it, and who may have it next.

use canopy::actions::ensure_period::ensure_period;
use canopy::actions::take_over_name;
use canopy::dns_check;
use canopy::models::AnyConnection;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use futures_util::future::join_all;
use serde_json::json;

use super::{Owner, a_minute_passes, agency_owner, owner, publish, withdraw};
use crate::support::app::{TestApp, on_both};
use crate::support::many;

/// Accounts that race for one name.
const RACERS: usize = 6;

#[tokio::test]
async fn of_accounts_that_race_for_a_name_exactly_one_holds_it() {
    on_both(|app| async move {
        let agency = app.agency("Races").await;
        let mut racers = Vec::new();
        for number in 0..RACERS {
            let racer = owner(&app, &agency, &format!("racer{number}")).await;
            let domain = racer.add(&app, "prize.example", json!({ "dkim_selector": format!("s{number}") })).await;
            publish(&app, &domain);
            racers.push(racer);
        }
        let checks = join_all(racers.iter().map(|racer| racer.check(&app, "prize.example"))).await;
        assert_eq!(checks.iter().filter(|domain| domain["dns_valid"] == true).count(), 1);
        a_minute_passes(&app);
        let again = join_all(racers.iter().map(|racer| racer.check(&app, "prize.example"))).await;
        let held = |all: &[serde_json::Value]| all.iter().position(|domain| domain["dns_valid"] == true);
        assert_eq!(held(&again), held(&checks), "whoever holds it keeps it");
    })
    .await;
}

#[tokio::test]
async fn a_name_passes_on_once_its_holder_lost_it() {
    let app = TestApp::sqlite().await;
    let (first, second) = (agency_owner(&app, "First").await, agency_owner(&app, "Second").await);
    publish(&app, &first.add(&app, "passed.example", json!({ "dkim_selector": "one" })).await);
    assert_eq!(first.check(&app, "passed.example").await["dns_valid"], true);
    let domain = second.add(&app, "passed.example", json!({ "dkim_selector": "two" })).await;
    publish(&app, &domain);
    assert_eq!(second.check(&app, "passed.example").await["dns_valid"], false, "it is held");
    assert!(stored_states(&app, &second, "passed.example").await.contains("another account has passed.example"));
    let later = (app.app.clock.now() + chrono::TimeDelta::days(2)).to_rfc3339();
    let body = json!({ "from": { "email": "hello@passed.example" }, "recipients": [{ "email": "ann@x.example" }],
                       "subject": "Hello", "text_content": "Hello", "schedule": { "first_attempt": later } });
    let messages = first.path("").replace("/domains", "/messages");
    let (status, sent) = app.call("POST", &messages, &first.key, Some(&body)).await;
    assert_eq!(status, 202, "{messages}: {sent}");
    withdraw(&app, "passed.example");
    publish(&app, &domain);
    for _ in 0..5 {
        app.app.clock.step(chrono::TimeDelta::minutes(31));
        dns_check::recheck_due(&app.app, 100).await.expect("it rechecks");
    }
    let (_, lost) = app.call("GET", &first.path("passed.example"), &first.key, None).await;
    let (_, won) = app.call("GET", &second.path("passed.example"), &second.key, None).await;
    assert_eq!((&lost["dns_valid"], &won["dns_valid"]), (&json!(false), &json!(true)));
    // What the first had scheduled does not leave in a name that is the second's.
    canopy::jobs::Leader::new(app.app.clone()).round().await.expect("it keeps house");
    let id = sent["data"][0]["id"].as_str().expect("an id");
    let (_, message) = app.call("GET", &format!("{messages}/{id}"), &first.key, None).await;
    assert_eq!(message["status"], "Failed", "{message}");
}

/// Lets so many accounts of an agency add a name; nobody looks at them yet.
async fn crowd(app: &TestApp, agency: canopy::domain::ids::Id, children: usize) {
    let today = app.app.clock.now().date_naive();
    app.write(move |conn, cx| {
        let agency = many::Agency { id: agency, period: ensure_period(conn, agency, cx.now)?.id };
        let size = many::Size { children, days: 1, daily: 1 };
        conn.batch_execute(&many::sql(conn, agency, size, today))?;
        Ok(conn.batch_execute(
            "INSERT INTO domains (id, account_id, name, active_selector, dkim_private_sealed, dkim_public, next_check_at, \
             created_at, updated_at) SELECT id, id, 'crowd.example', 's', id, '', '2100-01-01 00:00:00', created_at, created_at \
             FROM accounts WHERE parent_id IS NOT NULL AND name LIKE 'Client %'",
        )?)
    })
    .await;
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn noted(conn: &mut AnyConnection) -> canopy::actions::ActionResult<i64> {
    Ok(sql_query("SELECT count(*) AS n FROM clearings").get_result::<Count>(conn)?.n)
}

#[tokio::test]
async fn whoever_else_had_added_a_name_is_seen_to_however_many_there_are() {
    on_both(|app| async move {
        let agency = app.agency("Crowd").await;
        let holder = owner(&app, &agency, "holder").await;
        crowd(&app, agency.id, 1_100).await;
        publish(&app, &holder.add(&app, "crowd.example", json!({})).await);
        assert_eq!(holder.check(&app, "crowd.example").await["dns_valid"], true);
        assert_eq!(app.read(noted).await, 0, "the look itself does not see to them");
        let mut all = Vec::new();
        while let Some(takeover) = app.read(take_over_name::next).await {
            app.write(move |conn, cx| take_over_name::go_on(conn, cx.now, takeover)).await;
            all.push(app.read(noted).await);
        }
        assert_eq!(all, [500, 1_000, 1_100, 1_100], "each of the others, and not whoever holds it");
    })
    .await;
}

#[tokio::test]
async fn a_verified_domain_that_was_removed_is_closed_to_others_for_thirty_days() {
    on_both(|app| async move {
        let (first, second) = (agency_owner(&app, "Leaves").await, agency_owner(&app, "Follows").await);
        publish(&app, &first.add(&app, "closed.example", json!({})).await);
        first.check(&app, "closed.example").await;
        let early = agency_owner(&app, "Early").await;
        let waiting = early.add(&app, "closed.example", json!({ "dkim_selector": "e" })).await;
        publish(&app, &waiting);
        assert_eq!(app.call("DELETE", &first.path("closed.example"), &first.key, None).await.0, 200);
        let (status, answer) = second.try_add(&app, "closed.example", json!({})).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["message"].as_str().expect("a message").contains("for 30 days, until"), "{answer}");
        assert_eq!(early.check(&app, "closed.example").await["dns_valid"], false, "closed to who was there too");
        first.add(&app, "closed.example", json!({})).await;
        app.call("DELETE", &first.path("closed.example"), &first.key, None).await;
        app.app.clock.step(chrono::TimeDelta::days(31));
        second.add(&app, "closed.example", json!({})).await;
        assert_eq!(early.check(&app, "closed.example").await["dns_valid"], true);
    })
    .await;
}

#[tokio::test]
async fn a_domain_that_was_never_verified_closes_nothing() {
    let app = TestApp::sqlite().await;
    let (squatter, rightful) = (agency_owner(&app, "Squats").await, agency_owner(&app, "Owns").await);
    squatter.add(&app, "wanted.example", json!({})).await;
    app.call("DELETE", &squatter.path("wanted.example"), &squatter.key, None).await;
    publish(&app, &rightful.add(&app, "wanted.example", json!({})).await);
    assert_eq!(rightful.check(&app, "wanted.example").await["dns_valid"], true);
}

async fn stored_states(app: &TestApp, owner: &Owner, name: &'static str) -> String {
    let id = owner.id;
    let domain = app.read(move |conn| Ok(canopy::models::domains::find(conn, id, name)?)).await;
    domain.expect("the domain is there").record_states
}
