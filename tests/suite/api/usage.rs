//! Usage and allocated cost: the parts add up to the bill, over the API and in the report behind the dashboard.

use canopy::actions::ActionError;
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::set_plan::{Begins, plan_in_force, set_plan};
use canopy::actions::usage_report::usage_report;
use canopy::domain::number::NumberStyle;
use canopy::domain::rating::Plan;
use serde_json::{Value, json};

use crate::support::app::{Agency, Client, TestApp, on_both};

fn plan(currency: &str, fee: &str) -> Plan {
    Plan::parse(currency, fee, "2", &[(String::new(), "333.33".into())], NumberStyle::Point).expect("a plan")
}

async fn enter(app: &TestApp, agency: &Agency, plan: Plan) {
    let parent = agency.id;
    app.write(move |conn, cx| set_plan(conn, cx, parent, plan, Begins::Running)).await;
}

async fn usage(app: &TestApp, agency: &Agency) -> Value {
    let path = format!("/v2/accounts/{}/sub-accounts/usage", agency.id);
    let (status, answer) = app.call("GET", &path, &agency.key, None).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Accepts `count` messages.
async fn send(app: &TestApp, client: &Client, count: usize) {
    let recipients: Vec<String> = (0..count).map(|number| format!("r{number}@x.example")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    app.accept(client, &recipients).await.expect("accepted");
}

#[tokio::test]
async fn the_parts_of_the_pooled_bill_add_up_with_removed_clients_and_the_parent() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        enter(&app, &agency, plan("usd", "10")).await;
        let [one, two, gone] = [
            app.client(&agency, "one", 0).await,
            app.client(&agency, "two", 0).await,
            app.client(&agency, "gone", 0).await,
        ];
        app.verified_domain(agency.id, "acme.example").await;
        let own = Client { id: agency.id, key: agency.key.clone(), domain: "acme.example".into() };
        for (client, count) in [(&one, 1), (&two, 4), (&gone, 1), (&own, 1)] {
            send(&app, client, count).await;
        }
        let (parent, child) = (agency.id, gone.id);
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, child)).await;

        // $10, 2 of 7 included, 5 at $333.33 a thousand: $1.67 after rounding once.
        let answer = usage(&app, &agency).await;
        assert_eq!((&answer["currency"], &answer["allocation_method"]), (&json!("usd"), &json!("proportional")));
        assert_eq!(answer["total"], json!({ "reception_count": 7, "allocated_cost": 11.67 }));
        assert_eq!(answer["parent"], json!({ "account_id": agency.id, "reception_count": 1, "allocated_cost": 1.67 }));
        assert_eq!(
            answer["sub_accounts"],
            json!([
                { "account_id": one.id, "name": "one", "reception_count": 1, "allocated_cost": 1.67 },
                { "account_id": two.id, "name": "two", "reception_count": 4, "allocated_cost": 6.67 },
            ])
        );
        assert_eq!(answer["removed_sub_accounts"], json!({ "reception_count": 1, "allocated_cost": 1.66 }));
        let now = app.app.clock.now();
        let report = app.read(move |conn| usage_report(conn, now, parent, None)).await;
        assert_eq!(report.removed.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["gone"]);
        assert_eq!(report.total.cost_minor, report.bill.map(|bill| bill.total_minor));
    })
    .await;
}

#[tokio::test]
async fn without_a_plan_costs_are_not_set_and_without_mail_the_fee_falls_on_the_parent() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    app.client(&agency, "one", 0).await;
    let answer = usage(&app, &agency).await;
    assert_eq!((&answer["currency"], &answer["total"]["allocated_cost"]), (&json!("usd"), &json!(0.0)));
    let (parent, now) = (agency.id, app.app.clock.now());
    let report = app.read(move |conn| usage_report(conn, now, parent, None)).await;
    assert!(report.plan.is_none() && report.bill.is_none() && report.total.cost_minor.is_none());
    enter(&app, &agency, plan("jpy", "4900")).await;
    let answer = usage(&app, &agency).await;
    assert_eq!((&answer["currency"], &answer["parent"]["allocated_cost"]), (&json!("jpy"), &json!(4900.0)));
    assert_eq!(answer["sub_accounts"][0]["allocated_cost"], json!(0.0));
}

#[tokio::test]
async fn a_plan_belongs_to_a_parent_and_its_numbers_must_fit_together() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    let client = app.client(&agency, "one", 0).await;
    let cx = app.app.cx("test");
    let (cx_, child) = (cx.clone(), client.id);
    let refused = app.app.write(move |conn| set_plan(conn, &cx_, child, plan("usd", "1"), Begins::Running)).await;
    assert!(matches!(refused, Err(ActionError::NotFound(_))));
    let wrong = Plan { monthly_fee_minor: -1, ..plan("usd", "1") };
    let parent = agency.id;
    let refused = app.app.write(move |conn| set_plan(conn, &cx, parent, wrong, Begins::Running)).await;
    assert!(matches!(refused, Err(ActionError::Invalid(_))));
    let now = app.app.clock.now().naive_utc();
    assert_eq!(app.read(move |conn| plan_in_force(conn, parent, now)).await, None);
    let path = format!("/v2/accounts/{}/sub-accounts/usage", client.id);
    assert_eq!(app.call("GET", &path, &client.key, None).await.0, 403, "a child's key holds no such scope");
}
