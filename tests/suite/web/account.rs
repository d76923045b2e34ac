//! The pages of one account, seen by its agency and by its own people.

use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::domain::hold::HoldKind;
use canopy::domain::text::SuspendReason;

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::Visitor;

async fn hold(app: &TestApp, agency: &Agency, client: &Client) {
    let (services, parent, child) = (app.app.services.clone(), agency.id, client.id);
    let hold = Hold {
        kind: HoldKind::Abuse,
        customer_text: "Please call us.".into(),
        ..Hold::manual(SuspendReason::parse("stolen key, ticket 77").expect("a reason"))
    };
    app.write(move |conn, cx| suspend_account(conn, cx, &services, parent, child, &hold)).await;
}

#[tokio::test]
async fn an_agency_sees_its_client_at_a_glance_and_what_it_sent() {
    on_both(|app| async move {
        let agency = app.agency("Glance").await;
        let client = app.client(&agency, "birch", 10).await;
        app.accept(&client, &["ann@example.org", "bob@example.org"]).await.expect("accepted");
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let base = format!("/sub-accounts/{}", client.id);
        let page = owner.get(&base).await.ok();
        for words in ["<h1>birch</h1>", "of 10", "Allocated cost", "not set", "Suspend…", "Messages per day"] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("ann@example.org"), "recipients are the client's");
        let usage = owner.get(&format!("{base}/usage")).await.ok();
        assert!(usage.contains("welcome") && usage.contains("birch.example"), "by tag and by domain");
        let csv = owner.get(&format!("{base}/usage.csv")).await;
        assert!(csv.html.starts_with("day,accepted,delivered") && csv.html.contains(",2,0,0,0,0,0,0"), "{}", csv.html);
    })
    .await;
}

#[tokio::test]
async fn messages_are_the_clients_and_from_outside_the_tab_leads_to_view_as() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Closed").await;
    let client = app.client(&agency, "alder", 0).await;
    let accepted = app.accept(&client, &["ann@example.org"]).await.expect("accepted");
    let canopy::actions::accept_message::Outcome::Queued { id } = accepted.entries[0].outcome else { panic!("queued") };
    let owner = Visitor::signed_in(&app, &agency.email).await;
    for rest in ["messages", &format!("messages/{id}")] {
        let answer = owner.get(&format!("/sub-accounts/{}/{rest}", client.id)).await;
        assert_eq!(answer.status, 403, "{rest}");
        assert!(answer.html.contains("Only the client sees this") && answer.html.contains("/view-as"), "{rest}");
        assert!(!answer.html.contains("ann@example.org"), "{rest}");
    }
    for rest in ["raw", "kept"] {
        let answer = owner.get(&format!("/sub-accounts/{}/messages/{id}/{rest}", client.id)).await;
        assert_eq!(answer.status, 403, "{rest}");
    }
    app.member(agency.id, "analyst@closed.example", "analyst").await;
    let analyst = Visitor::signed_in(&app, "analyst@closed.example").await;
    let answer = analyst.get(&format!("/sub-accounts/{}/messages", client.id)).await;
    assert!(answer.status == 403 && !answer.html.contains("/view-as"), "no role that may view as");
}

#[tokio::test]
async fn a_clients_member_finds_a_message_and_reads_what_became_of_it() {
    on_both(|app| async move {
        let agency = app.agency("Inside").await;
        let client = app.client(&agency, "cobalt", 0).await;
        let accepted = app.accept(&client, &["ann@example.org", "bob@example.org"]).await.expect("accepted");
        let canopy::actions::accept_message::Outcome::Queued { id } = accepted.entries[0].outcome else {
            panic!("queued")
        };
        app.member(client.id, "dev@cobalt.example", "developer").await;
        let dev = Visitor::signed_in(&app, "dev@cobalt.example").await;
        let header = format!("%3C{id}@cobalt.example%3E");
        for (query, finds) in
            [("", true), ("?q=Ann@Example.org", true), (&format!("?q={header}"), true), ("?status=bounced", false)]
        {
            let page = dev.get(&format!("/account/messages{query}")).await.ok();
            assert_eq!(page.contains("ann@example.org</a>"), finds, "{query}");
        }
        let page = dev.get("/account/messages?q=ann@example.org").await.ok();
        assert!(!page.contains("bob@example.org"), "only whom was asked for");
        let page = dev.get(&format!("/account/messages/{id}")).await.ok();
        for words in ["Hello there", "What happened", "Received", &format!("&#60;{id}@cobalt.example&#62;")] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let raw = dev.get(&format!("/account/messages/{id}/raw")).await;
        assert_eq!(raw.headers["content-type"], "message/rfc822");
        assert!(raw.headers["content-disposition"].to_str().is_ok_and(|value| value.starts_with("attachment")));
        assert!(raw.html.contains("Hello there"));
    })
    .await;
}

#[tokio::test]
async fn messages_of_another_client_are_not_found() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Sibling").await;
    let (mine, other) = (app.client(&agency, "mine", 0).await, app.client(&agency, "other", 0).await);
    let accepted = app.accept(&other, &["ann@example.org"]).await.expect("accepted");
    let canopy::actions::accept_message::Outcome::Queued { id } = accepted.entries[0].outcome else { panic!("queued") };
    app.member(mine.id, "dev@mine.example", "developer").await;
    let dev = Visitor::signed_in(&app, "dev@mine.example").await;
    for rest in ["", "/raw", "/kept"] {
        assert_eq!(dev.get(&format!("/account/messages/{id}{rest}")).await.status, 404, "{rest}");
    }
    assert!(!dev.get("/account/messages?q=ann@example.org").await.ok().contains("ann@example.org</a>"));
    assert_eq!(dev.get(&format!("/sub-accounts/{}", other.id)).await.status, 404);
}

#[tokio::test]
async fn a_hold_tells_the_agency_why_and_the_client_only_what_it_may_read() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Held").await;
    let client = app.client(&agency, "ever", 0).await;
    hold(&app, &agency, &client).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let page = owner.get(&format!("/sub-accounts/{}", client.id)).await.ok();
    for words in ["Suspended", "stolen key, ticket 77", "Please call us.", "Lift hold…"] {
        assert!(page.contains(words), "{words}");
    }
    app.member(client.id, "boss@ever.example", "administrator").await;
    let boss = Visitor::signed_in(&app, "boss@ever.example").await;
    let page = [boss.get("/account").await.ok(), boss.get("/account/activity").await.ok()].concat();
    assert!(page.contains("Please call us.") && page.contains("Sending is on hold."));
    for secret in ["ticket 77", "Lift hold", "Allocated cost", "Kind: Abuse"] {
        assert!(!page.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn activity_is_told_in_sentences_and_narrowed_by_kind() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Told").await;
    let client = app.client(&agency, "told", 0).await;
    hold(&app, &agency, &client).await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let path = format!("/sub-accounts/{}/activity", client.id);
    let page = owner.get(&path).await.ok();
    assert!(page.contains("told suspended") && page.contains("Reason: stolen key") && page.contains("told created"));
    let page = owner.get(&format!("{path}?kind=api_key.")).await.ok();
    assert!(!page.contains("told suspended") && page.contains("No entry matches"));
}
