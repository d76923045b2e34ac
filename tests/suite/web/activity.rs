//! The audit on the dashboard: narrowed, checked, exported, an agency's own.

use canopy::actions::set_plan::{Begins, set_plan};
use canopy::domain::number::NumberStyle;
use canopy::domain::rating::Plan;

use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn activity_is_narrowed_by_account_kind_person_and_day() {
    on_both(|app| async move {
        let agency = app.agency("Narrow").await;
        let one = app.client(&agency, "birch", 0).await;
        app.client(&agency, "alder", 0).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let all = owner.get("/activity").await.ok();
        assert!(all.contains("birch created") && all.contains("alder created"), "{all}");
        for (query, one_too) in [
            (format!("account={}", one.id), true),
            ("account=BIR".into(), true),
            ("account=nobody".into(), false),
            ("kind=plan.".into(), false),
            ("who=somebody-else".into(), false),
            ("from=2199-01-01".into(), false),
            ("to=2001-01-01".into(), false),
        ] {
            for path in ["/activity", "/activity.csv"] {
                let page = owner.get(&format!("{path}?{query}")).await.ok();
                assert_eq!(page.contains("birch created"), one_too, "{path}?{query}");
                assert!(!page.contains("alder created"), "{path}?{query}");
            }
        }
        let csv = owner.get("/activity.csv").await;
        assert!(csv.headers["content-disposition"].to_str().is_ok_and(|value| value.contains("narrow-activity.csv")));
        let entry = owner.get("/activity/1").await.ok();
        assert!(entry.contains("Hash before") && entry.contains("What was recorded"));
    })
    .await;
}

#[tokio::test]
async fn who_sees_no_money_finds_no_plan_in_any_list_export_or_entry() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Prices").await;
    let parent = agency.id;
    let plan =
        Plan::parse("eur", "47.11", "2", &[(String::new(), "333.33".into())], NumberStyle::Point).expect("a plan");
    app.write(move |conn, cx| set_plan(conn, cx, parent, plan, Begins::Running)).await;
    let pages = ["/", "/activity", "/activity?kind=plan.", "/activity.csv", "/account/activity", "/activity/1"];
    for (role, sees) in [("billing_manager", true), ("support", false), ("developer", false)] {
        let email = format!("{role}@prices.example");
        app.member(agency.id, &email, role).await;
        let person = Visitor::signed_in(&app, &email).await;
        for path in pages {
            let page = person.get(path).await;
            let told = page.html.contains("47.11") || page.html.contains("Plan of Prices");
            assert!(!told || sees, "{role} {path}: {}", page.html);
        }
        let list = person.get("/activity").await.ok();
        assert_eq!(list.contains("Monthly fee: 47.11") && list.contains("333.33 per 1,000 beyond"), sees, "{list}");
        assert_eq!(person.get("/activity/1").await.status, if sees { 200 } else { 404 }, "{role}");
    }
}

#[tokio::test]
async fn a_changed_entry_is_found_by_the_button() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Chain").await;
    app.client(&agency, "birch", 0).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let page = owner.fill_and_follow("/activity/verify", &[]).await;
    assert!(page.contains("The chain is whole"), "{page}");
    app.write(|conn, _| {
        use diesel::RunQueryDsl;
        diesel::sql_query("UPDATE audit_entries SET target = 'forged' WHERE seq = 1").execute(conn)?;
        Ok(())
    })
    .await;
    let page = owner.fill_and_follow("/activity/verify", &[]).await;
    assert!(page.contains("The chain is broken at entry 1."), "{page}");
}

#[tokio::test]
async fn entries_of_another_agency_are_not_found() {
    let app = TestApp::sqlite().await;
    let (agency, other) = (app.agency("Mine").await, app.agency("Theirs").await);
    let foreign = app.client(&other, "birch", 0).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let page = owner.get(&format!("/activity?account={}", foreign.id)).await.ok();
    assert!(!page.contains("birch created") && page.contains("No entry matches"));
    // The first entry is that the owner signed in; what follows is only in the other chain.
    assert!(!owner.get("/activity/1").await.ok().contains("birch"));
    for seq in ["2", "3", "0", "-1", "x", "9223372036854775807", "99999999999999999999"] {
        assert_eq!(owner.get(&format!("/activity/{seq}")).await.status, 404, "{seq}");
    }
    app.member(foreign.id, "dev@birch.example", "administrator").await;
    let dev = Visitor::signed_in(&app, "dev@birch.example").await;
    assert_eq!(dev.get("/activity").await.location, "/account/activity");
    assert_eq!(dev.get("/activity/1").await.status, 404);
    assert_eq!(dev.get("/activity.csv").await.status, 404);
}
