//! Usage & cost: what was counted, what it costs, and who may see which.

use canopy::actions::create_sub_account::{NewSubAccount, create_sub_account};
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::set_plan::{Begins, set_plan};
use canopy::actions::{ActionResult, Cx};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;
use canopy::domain::number::NumberStyle;
use canopy::domain::rating::Plan;
use canopy::domain::text::AccountName;
use canopy::domain::website::Website;
use canopy::models::AnyConnection;

use crate::support::app::{Agency, TestApp, on_both};
use crate::support::visitor::Visitor;

async fn plan(app: &TestApp, agency: &Agency) {
    let parent = agency.id;
    let plan = Plan::parse("USD", "100", "0", &[(String::new(), "10".into())], NumberStyle::Point).expect("a plan");
    app.write(move |conn, cx| set_plan(conn, cx, parent, plan, Begins::Running)).await;
}

#[tokio::test]
async fn the_parts_of_the_bill_add_up_and_a_removed_account_keeps_its_line() {
    on_both(|app| async move {
        let agency = app.agency("Sums").await;
        let (one, two) = (app.client(&agency, "birch", 0).await, app.client(&agency, "gone", 0).await);
        app.client(&agency, "quiet", 0).await;
        app.accept(&one, &["a@x.example", "b@x.example"]).await.expect("accepted");
        app.accept(&two, &["c@x.example"]).await.expect("accepted");
        let (parent, child) = (agency.id, two.id);
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, child).map(drop)).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.get("/usage").await.ok();
        assert!(page.contains("not set") && !page.contains("$0.00"), "without a plan nothing costs nothing: {page}");
        assert!(page.contains("href=\"/settings/plan\""), "and the page says where to enter one");
        plan(&app, &agency).await;
        let page = owner.get("/usage").await.ok();
        // 100.00 + 3 messages at 10 a thousand = 100.03, shared 2 : 1.
        for words in ["$100.03", "$66.69", "$33.34", "Removed accounts", "gone", "quiet", "(estimate)", "66.7"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let csv = owner.get("/usage.csv").await;
        let cost = |row: &str| row.rsplit(',').next().and_then(|cell| cell.parse::<f64>().ok()).expect("a cost");
        let rows: Vec<&str> = csv.html.lines().skip(1).collect();
        let parts: f64 = rows[..rows.len() - 1].iter().map(|row| cost(row)).sum();
        assert_eq!(rows.len(), 5, "{}", csv.html);
        assert!((parts - cost(rows[4])).abs() < 0.001 && (parts - 100.03).abs() < 0.001, "{}", csv.html);
    })
    .await;
}

#[tokio::test]
async fn support_sees_the_messages_and_no_money_exports_included() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Blind").await;
    let client = app.client(&agency, "birch", 0).await;
    app.accept(&client, &["a@x.example"]).await.expect("accepted");
    plan(&app, &agency).await;
    app.member(agency.id, "support@blind.example", "support").await;
    let support = Visitor::signed_in(&app, "support@blind.example").await;
    for text in [support.get("/usage").await.ok(), support.get("/usage.csv").await.ok()] {
        assert!(text.contains("birch"));
        for money in ["$", "cost", "USD", "100.01"] {
            let shown = text.split("<main").last().unwrap_or_default();
            let shown = shown.replace("Usage &amp; cost", "");
            assert!(!shown.contains(money), "{money}: {shown}");
        }
    }
}

fn quiet(conn: &mut AnyConnection, cx: &Cx, parent: Id, name: &str) -> ActionResult<()> {
    let new = NewSubAccount {
        name: AccountName::parse(name).expect("a name"),
        website: Website::parse("quiet.example").expect("a website"),
        cap: MonthlyCap::NONE,
        external_id: None,
        tags: Vec::new(),
    };
    create_sub_account(conn, cx, parent, &new).map(drop)
}

#[tokio::test]
async fn pages_of_sub_accounts_and_the_others_add_up_to_the_total() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Many").await;
    for number in 0..2 {
        let client = app.client(&agency, &format!("client{number:03}"), 0).await;
        app.accept(&client, &["a@x.example"]).await.expect("accepted");
    }
    let parent = agency.id;
    app.write(move |conn, cx| (2..103).try_for_each(|number| quiet(conn, cx, parent, &format!("client{number:03}"))))
        .await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let first = owner.get("/usage").await.ok();
    assert!(first.contains("Sub accounts 1 to 100 of 103") && first.contains("3 other sub accounts"));
    assert!(first.contains("client000") && first.contains("client001"), "the most messages first");
    let second = owner.get("/usage?page=2").await.ok();
    assert!(
        second.contains("100 other sub accounts") && second.contains("client102") && !second.contains(">client000<")
    );
    let by_name = owner.get("/usage?sort=name&page=2").await.ok();
    assert!(by_name.contains("client102") && by_name.contains("aria-sort=\"ascending\""));
}

#[tokio::test]
async fn a_client_is_led_to_its_own_usage_and_a_foreign_period_is_not_found() {
    let app = TestApp::sqlite().await;
    let (agency, other) = (app.agency("Here").await, app.agency("There").await);
    let client = app.client(&agency, "birch", 0).await;
    app.member(client.id, "dev@birch.example", "developer").await;
    let dev = Visitor::signed_in(&app, "dev@birch.example").await;
    let answer = dev.get("/usage").await;
    assert_eq!((answer.status, answer.location.as_str()), (303, "/account/usage"));
    assert_eq!(dev.get("/usage.csv").await.status, 404);
    let root = other.id;
    let foreign = app.write(move |conn, cx| canopy::actions::ensure_period::ensure_period(conn, root, cx.now)).await.id;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    for period in [foreign.to_string(), "x".into(), canopy::domain::ids::Id::new(app.app.clock.now()).to_string()] {
        for path in ["/usage", "/usage.csv"] {
            assert_eq!(owner.get(&format!("{path}?period={period}")).await.status, 404, "{path} {period}");
        }
    }
}
