//! The spreadsheet of Usage & cost, read back by somebody else's parser.

use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::set_plan::{Begins, set_plan};
use canopy::actions::update_sub_account::{Changes, update_sub_account};
use canopy::domain::ids::Id;
use canopy::domain::number::NumberStyle;
use canopy::domain::rating::Plan;
use canopy::domain::text::{AccountName, ExternalId};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::app::{Agency, TestApp, on_both};
use crate::support::spreadsheet::sheets_of;
use crate::support::visitor::Visitor;

/// A name that a spreadsheet would run, were it not a text.
const FORMULA: &str = "=HYPERLINK(\"http://evil.example\",\"x\")";

async fn plan(app: &TestApp, agency: &Agency, currency: &'static str) {
    let parent = agency.id;
    let plan = Plan::parse(currency, "100", "0", &[(String::new(), "10".into())], NumberStyle::Point).expect("a plan");
    app.write(move |conn, cx| set_plan(conn, cx, parent, plan, Begins::Running)).await;
}

/// Three clients, one called like a formula, one deleted; three messages.
async fn world(app: &TestApp) -> Agency {
    let agency = app.agency("Sums").await;
    let (one, two) = (app.client(&agency, "birch", 0).await, app.client(&agency, "gone", 0).await);
    let odd = app.client(&agency, "odd", 0).await;
    app.accept(&one, &["a@x.example", "b@x.example"]).await.expect("accepted");
    app.accept(&two, &["c@x.example"]).await.expect("accepted");
    let (parent, gone, named) = (agency.id, two.id, odd.id);
    app.write(move |conn, cx| delete_sub_account(conn, cx, parent, gone).map(drop)).await;
    app.write(move |conn, cx| {
        let changes = Changes {
            name: Some(AccountName::parse(FORMULA).expect("a name")),
            external_id: Some(Some(ExternalId::parse("+1-2").expect("an id"))),
            ..Changes::default()
        };
        update_sub_account(conn, cx, parent, named, &changes).map(drop)
    })
    .await;
    agency
}

fn decimal(cell: &Value) -> Decimal {
    cell["number"].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no number: {cell}"))
}

fn rows(book: &Value) -> Vec<Value> {
    book["sheets"]["Usage"].as_array().expect("the sheet is there").clone()
}

#[tokio::test]
async fn a_spreadsheet_has_numbers_that_add_up_and_no_formula() {
    for (currency, format, total) in
        [("USD", "#,##0.00", "100.03"), ("JPY", "#,##0", "100"), ("KWD", "#,##0.000", "100.03")]
    {
        on_both(move |app| async move {
            let agency = world(&app).await;
            plan(&app, &agency, currency).await;
            let owner = Visitor::signed_in(&app, &agency.email).await;
            let file = owner.file("/usage.xlsx").await;
            let Some(book) = sheets_of(&file) else { return };
            let rows = rows(&book);
            assert_eq!(book["formulas"], json!(0));
            let head: Vec<&str> =
                rows[0].as_array().expect("cells").iter().map(|cell| cell.as_str().expect("a text")).collect();
            assert_eq!((head[0], head[3], head[11]), ("Account", "Accepted", "ID"));
            assert_eq!(head[10], format!("Allocated cost, {currency}, estimate"));
            // The agency, two clients, a removed one, the total.
            assert_eq!(rows.len(), 6, "{rows:?}");
            let last = &rows[5];
            assert_eq!((&last[0], decimal(&last[10])), (&json!("Total"), total.parse().expect("a number")));
            for column in 3..11 {
                let parts: Decimal = rows[1..5].iter().map(|row| decimal(&row[column])).sum();
                assert_eq!(parts, decimal(&last[column]), "{currency}: column {}", head[column]);
                assert!(column == 10 || last[column]["format"] == "#,##0", "{last}");
            }
            assert!(rows[1..].iter().all(|row| row[10]["format"] == format), "{rows:?}");
            let odd = rows.iter().find(|row| row[0] == FORMULA).expect("its name is a text");
            assert_eq!(odd[2], json!("+1-2"));
            assert!(rows.iter().any(|row| row[1] == "Removed sub account" && row[0] == "gone"));
            let about = book["sheets"]["About"].to_string();
            assert!(about.contains("still grow") && about.contains("The parts add up to the total."), "{about}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_spreadsheet_without_a_plan_has_no_column_of_money() {
    let app = TestApp::sqlite().await;
    let agency = world(&app).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let Some(book) = sheets_of(&owner.file("/usage.xlsx").await) else { return };
    let rows = rows(&book);
    assert_eq!((&rows[0][10], rows[1].as_array().map(Vec::len)), (&json!("ID"), Some(11)));
    assert!(book.to_string().contains("A cost that is not known is no zero."));
}

#[tokio::test]
async fn who_sees_no_money_gets_a_spreadsheet_without_it() {
    let app = TestApp::sqlite().await;
    let agency = world(&app).await;
    plan(&app, &agency, "USD").await;
    app.member(agency.id, "sue@sums.example", "support").await;
    let support = Visitor::signed_in(&app, "sue@sums.example").await;
    let Some(book) = sheets_of(&support.file("/usage.xlsx").await) else { return };
    assert_eq!(rows(&book).len(), 6);
    for money in ["cost", "USD", "100.03", "66.69"] {
        assert!(!book.to_string().contains(money), "{money}: {book}");
    }
}

#[tokio::test]
async fn the_spreadsheet_is_the_agencys_alone() {
    let app = TestApp::sqlite().await;
    let (agency, other) = (world(&app).await, app.agency("There").await);
    let root = other.id;
    let foreign = app.write(move |conn, cx| canopy::actions::ensure_period::ensure_period(conn, root, cx.now)).await.id;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    for period in [foreign.to_string(), "x".into(), Id::new(app.app.clock.now()).to_string()] {
        assert_eq!(owner.get(&format!("/usage.xlsx?period={period}")).await.status, 404, "{period}");
    }
    let client = app.client(&agency, "inside", 0).await;
    app.member(client.id, "dev@inside.example", "developer").await;
    let inside = Visitor::signed_in(&app, "dev@inside.example").await;
    assert_eq!(inside.get("/usage.xlsx").await.status, 404);
}

#[tokio::test]
async fn a_clients_own_usage_comes_as_a_spreadsheet_with_days_domains_and_tags() {
    on_both(|app| async move {
        let agency = world(&app).await;
        plan(&app, &agency, "USD").await;
        let client = app.client(&agency, "inside", 0).await;
        app.accept(&client, &["a@x.example", "b@x.example", "c@x.example"]).await.expect("accepted");
        app.member(client.id, "dev@inside.example", "developer").await;
        let inside = Visitor::signed_in(&app, "dev@inside.example").await;
        inside.get("/account/usage").await.shows("/account/usage.xlsx?period=");
        let outside = Visitor::signed_in(&app, &agency.email).await;
        let of_the_agency = format!("/sub-accounts/{}/usage.xlsx", client.id);
        for file in [inside.file("/account/usage.xlsx").await, outside.file(&of_the_agency).await] {
            let Some(book) = sheets_of(&file) else { return };
            assert_eq!(book["formulas"], json!(0));
            let rows = rows(&book);
            assert_eq!(
                (&rows[0][0], &rows[0][1], &rows[0][7]),
                (&json!("Day"), &json!("Accepted"), &json!("Complaints"))
            );
            let last = rows.last().expect("a total");
            assert_eq!((&last[0], decimal(&last[1])), (&json!("Total"), Decimal::from(3)));
            let days = &rows[1..rows.len() - 1];
            assert_eq!(days.iter().map(|row| decimal(&row[1])).sum::<Decimal>(), Decimal::from(3));
            assert!(days.iter().all(|row| row[0]["format"] == "yyyy-mm-dd"), "days are dates: {days:?}");
            let sheet = |name: &str| book["sheets"][name].as_array().expect("a sheet").clone();
            let domains = sheet("Domains");
            assert_eq!((&domains[1][0], decimal(&domains[1][1])), (&json!("inside.example"), Decimal::from(3)));
            let tags = sheet("Tags");
            assert_eq!((&tags[1][0], decimal(&tags[1][1])), (&json!("welcome"), Decimal::from(3)));
            for money in ["cost", "USD"] {
                assert!(!book.to_string().contains(money), "{money}: {book}");
            }
        }
        let other = app.client(&agency, "beside", 0).await;
        assert_eq!(inside.get(&format!("/sub-accounts/{}/usage.xlsx", other.id)).await.status, 404);
    })
    .await;
}
