//! Sub accounts on the dashboard, by a person without script.

use canopy::domain::ids::Id;
use canopy::models::{accounts, api_keys, domains, jobs, limits, suspensions};

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::{Page, Visitor};

async fn cap_of(app: &TestApp, id: Id) -> i64 {
    app.read(move |conn| Ok(accounts::find(conn, id)?.expect("lives").monthly_credit)).await
}

async fn is_held(app: &TestApp, id: Id) -> bool {
    let now = app.app.clock.now().naive_utc();
    app.read(move |conn| Ok(!suspensions::open(conn, id, now)?.is_empty())).await
}

/// Waits until the job that an answer leads to is done, and shows it.
async fn finished(visitor: &Visitor, started: &Page) -> Page {
    assert_eq!(started.status, 303, "{}", started.html);
    for _ in 0..200 {
        let page = visitor.get(&started.location).await;
        if page.html.contains("finished") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the job does not end");
}

async fn three(app: &TestApp) -> (Agency, Vec<Client>, Visitor) {
    let agency = app.agency("harbor").await;
    let mut clients = Vec::new();
    for name in ["alder", "birch", "cobalt"] {
        clients.push(app.client(&agency, name, 100).await);
    }
    let owner = Visitor::signed_in(app, &agency.email).await;
    (agency, clients, owner)
}

#[tokio::test]
async fn the_list_searches_filters_sorts_and_exports() {
    on_both(|app| async move {
        let (_, clients, owner) = three(&app).await;
        app.accept(&clients[1], &["a@example.org", "b@example.org"]).await.expect("accepted");
        let page = owner.get("/sub-accounts").await;
        page.shows("3 accounts").shows(">alder<").shows(">birch<").shows("not set");
        let found = owner.get("/sub-accounts?q=birch").await;
        assert!(found.html.contains(">birch<") && !found.html.contains(">alder<"));
        owner.get("/sub-accounts?q=nobody").await.shows("Nothing matches");
        owner.get("/sub-accounts?hold=suspended").await.shows("Nothing matches");
        for sort in
            ["status", "sent", "used", "bounces", "complaints", "domains", "activity", "cost", "created", "nonsense"]
        {
            assert_eq!(owner.get(&format!("/sub-accounts?sort={sort}")).await.status, 200, "{sort}");
        }
        let csv = owner.get("/sub-accounts.csv?q=birch").await;
        assert!(csv.html.starts_with("id,name,website") && csv.html.contains("birch.example"), "{}", csv.html);
        assert_eq!(csv.html.lines().count(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_bare_zero_is_refused_and_no_cap_is_a_choice() {
    let app = TestApp::sqlite().await;
    let (_, clients, owner) = three(&app).await;
    let (id, path) = (clients[0].id, format!("/sub-accounts/{}/cap", clients[0].id));
    let refused = owner.submit("/sub-accounts", &path, &[("cap", "0")]).await;
    assert_eq!((refused.status, cap_of(&app, id).await), (422, 100));
    refused.shows("Choose “No cap”").shows("suspend the account");
    let taken = owner.submit("/sub-accounts", &path, &[("cap", "2,500"), ("back", "/sub-accounts?sort=sent")]).await;
    assert_eq!(
        (taken.status, taken.location.as_str(), cap_of(&app, id).await),
        (303, "/sub-accounts?sort=sent", 2_500)
    );
    owner.get("/sub-accounts").await.shows("The cap of alder is 2,500.");
    owner.get(&format!("{path}?cap=5000")).await.shows("value=\"5,000\"");
    owner.get(&format!("{path}?cap=x")).await.shows("value=\"2,500\"");
    assert_eq!(cap_of(&app, id).await, 2_500, "a link only proposes");
    owner.submit(&path, &path, &[("cap_kind", "none")]).await;
    assert_eq!(cap_of(&app, id).await, 0);
}

#[tokio::test]
async fn suspending_shows_what_stops_and_lifting_takes_it_back() {
    on_both(|app| async move {
        let (_, clients, owner) = three(&app).await;
        let (id, base) = (clients[0].id, format!("/sub-accounts/{}", clients[0].id));
        let path = format!("{base}/suspend");
        owner.get(&path).await.shows("What will stop").shows("API keys that will be refused <b>1</b>");
        let refused = owner.submit(&path, &path, &[("kind", "abuse"), ("customer_text", "Please call.")]).await;
        assert_eq!((refused.status, is_held(&app, id).await), (422, false));
        refused.shows("The reason is empty").shows("Please call.");
        let taken = owner.submit(&path, &path, &[("kind", "abuse"), ("reason", "stolen key")]).await;
        assert_eq!((taken.status, is_held(&app, id).await), (303, true));
        owner.get("/sub-accounts?hold=suspended").await.shows(">alder<").shows("1 key is refused");
        let lift = format!("{base}/lift");
        owner.get(&lift).await.shows("stolen key");
        owner.submit(&lift, &lift, &[]).await;
        assert!(!is_held(&app, id).await);
    })
    .await;
}

#[tokio::test]
async fn deleting_asks_for_the_name_and_can_be_taken_back() {
    let app = TestApp::sqlite().await;
    let (agency, clients, owner) = three(&app).await;
    let (id, parent) = (clients[0].id, agency.id);
    let path = format!("/sub-accounts/{id}/delete");
    let lives = || app.read(move |conn| Ok(accounts::find_child(conn, parent, id)?.is_some()));
    assert_eq!(owner.submit(&path, &path, &[("typed", "alde")]).await.status, 422);
    assert!(lives().await);
    assert_eq!(owner.submit(&path, &path, &[("typed", "alder")]).await.status, 303);
    assert!(!lives().await);
    owner.get("/sub-accounts?hold=deleted").await.shows("alder").shows("Undelete");
    let back = format!("/sub-accounts/{id}/undelete");
    assert_eq!(owner.submit(&back, &back, &[]).await.status, 303);
    assert!(lives().await);
    let keys = app.read(move |conn| Ok(api_keys::count(conn, id)?)).await;
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn three_steps_create_a_client_once_and_show_its_key_once() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let first = owner.get("/sub-accounts/new").await;
        let once = first.html.split("name=\"once\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let once = once.expect("the form knows itself").to_owned();
        let typed = [
            ("once", once.as_str()),
            ("name", "Alder & Söhne"),
            ("website", "alder.example"),
            ("cap_kind", "cap"),
            ("tags", "vip"),
        ];
        let step = |step: &'static str, go: &'static str, more: &[(&'static str, &'static str)]| {
            let mut fields = typed.to_vec();
            fields.extend([("step", step), ("go", go)]);
            fields.extend_from_slice(more);
            fields
        };
        let path = "/sub-accounts/new";
        let zero = owner.submit(path, path, &step("client", "next", &[("cap", "0")])).await;
        assert_eq!(zero.status, 422);
        zero.shows("Alder &#38; Söhne").shows("No cap");
        let second = owner.submit(path, path, &step("client", "next", &[("cap", "500")])).await;
        second.shows("Sending domain");
        let wrong =
            owner.submit(path, path, &step("domain", "next", &[("cap", "500"), ("domain", "not a domain")])).await;
        assert_eq!(wrong.status, 422);
        owner.submit(path, path, &step("domain", "back", &[("cap", "500")])).await.shows("value=\"500\"");
        let all = [("cap", "500"), ("domain", "alder.example"), ("label", "Shop"), ("scopes", "messages:send:all")];
        let created = owner.submit(path, path, &step("key", "next", &all)).await;
        assert_eq!(created.status, 200, "{}", created.html);
        created.shows("shown this once").shows("curl http").shows("Authorization: Bearer");
        let again = owner.submit(path, path, &step("key", "next", &all)).await;
        assert_eq!(again.status, 303);
        let parent = agency.id;
        let (children, names) = app
            .read(move |conn| {
                let children = accounts::page_of_children(conn, parent, None, true, 10)?;
                let names = domains::names(conn, children[0].id)?;
                Ok((children, names))
            })
            .await;
        assert_eq!((children.len(), children[0].monthly_credit, names.len()), (1, 500, 1));
    })
    .await;
}

#[tokio::test]
async fn ticked_and_matching_accounts_are_changed_as_a_job_with_a_result_per_row() {
    on_both(|app| async move {
        let (_, clients, owner) = three(&app).await;
        let ids: Vec<String> = clients.iter().map(|client| client.id.to_string()).collect();
        let ticked = [("do", "suspend"), ("id", ids[0].as_str()), ("id", ids[1].as_str())];
        owner
            .submit("/sub-accounts", "/sub-accounts/bulk", &ticked)
            .await
            .shows("2 ticked accounts")
            .shows("All 3 accounts");
        let mut start = ticked.to_vec();
        start.extend([("scope", "ticked"), ("kind", "abuse"), ("reason", "phishing")]);
        let done = finished(&owner, &owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &start).await).await;
        done.shows("All 2 done").shows("Suspended.");
        assert!(is_held(&app, clients[0].id).await && !is_held(&app, clients[2].id).await);
        let lift = [("do", "lift"), ("scope", "all"), ("f_hold", "suspended")];
        let done = finished(&owner, &owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &lift).await).await;
        done.shows("All 2 done");
        let tag = [("do", "tag"), ("scope", "all"), ("f_q", "birch"), ("tag", "vip")];
        finished(&owner, &owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &tag).await).await.shows("Tagged.");
        owner.get("/sub-accounts?tag=vip").await.shows(">birch<");
        let zero = [("do", "cap"), ("scope", "all"), ("cap_kind", "cap"), ("cap", "0")];
        assert_eq!(owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &zero).await.status, 422);
        let cap = [("do", "cap"), ("scope", "all"), ("cap_kind", "cap"), ("cap", "700")];
        let started = owner.submit_and_confirm("/sub-accounts", "/sub-accounts/bulk/start", &cap).await;
        finished(&owner, &started).await;
        assert_eq!(cap_of(&app, clients[2].id).await, 700);
        let csv = owner.get(&format!("{}.csv", started.location)).await;
        assert_eq!(csv.html.lines().count(), 4, "{}", csv.html);
        let nobody = [("do", "lift"), ("scope", "ticked")];
        assert_eq!(owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &nobody).await.status, 422);
    })
    .await;
}

#[tokio::test]
async fn a_list_of_eighty_with_three_wrong_rows_creates_seventy_seven_and_names_the_three() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let mut list = String::from("Client;Site;Limit;Reference\n");
    for row in 1..=80 {
        match row {
            20 => list.push_str(";nameless.example;;\n"),
            40 => list.push_str("Bad website;nonsense;;\n"),
            60 => list.push_str("Client 1;one.example;;\n"),
            _ => list.push_str(&format!("Client {row};c{row}.example;{};R-{row}\n", row * 100)),
        }
    }
    let path = "/sub-accounts/import";
    let preview = owner.upload(path, path, &[], ("file", list.clone().into_bytes())).await;
    preview.shows("3 rows have problems").shows("Create 77 sub accounts").shows("Line 2 has the same name.");
    let children = |parent| app.read(move |conn| Ok(accounts::page_of_children(conn, parent, None, true, 200)?.len()));
    assert_eq!(children(agency.id).await, 0);
    let done =
        finished(&owner, &owner.submit(path, path, &[("csv", &list), ("go", "create"), ("style", "point")]).await)
            .await;
    done.shows("All 77 done");
    assert_eq!(children(agency.id).await, 77);
    let again = owner.submit(path, path, &[("csv", &list)]).await;
    again.shows("80 rows have problems").shows("A sub account with this name exists.");
    for wrong in ["", "no columns here\n1", "name\n"] {
        assert_eq!(owner.submit(path, path, &[("csv", wrong)]).await.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn support_sees_no_money_and_changes_no_cap() {
    let app = TestApp::sqlite().await;
    let (agency, clients, _) = three(&app).await;
    app.member(agency.id, "sue@harbor.example", "support").await;
    let support = Visitor::signed_in(&app, "sue@harbor.example").await;
    for path in ["/", "/sub-accounts", "/sub-accounts?sort=cost", "/sub-accounts.csv"] {
        let page = support.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.html.to_lowercase().contains("cost"), "{path}");
    }
    let id = clients[0].id;
    let pages = [
        format!("/sub-accounts/{id}/cap"),
        format!("/sub-accounts/{id}/delete"),
        "/sub-accounts/new".into(),
        "/sub-accounts/import".into(),
    ];
    for path in &pages {
        assert_eq!(support.get(path).await.status, 403, "{path}");
        assert_eq!(
            support.submit("/sub-accounts", path, &[("cap", "5"), ("typed", "alder")]).await.status,
            403,
            "{path}"
        );
    }
    let cap = [("do", "cap"), ("scope", "all"), ("cap_kind", "none")];
    assert_eq!(support.submit("/sub-accounts", "/sub-accounts/bulk/start", &cap).await.status, 403);
    assert_eq!(cap_of(&app, id).await, 100);
}

#[tokio::test]
async fn another_agencys_accounts_and_jobs_are_not_there() {
    let app = TestApp::sqlite().await;
    let (_, clients, owner) = three(&app).await;
    let other = app.agency("other").await;
    let stranger = Visitor::signed_in(&app, &other.email).await;
    let id = clients[0].id;
    for verb in ["cap", "suspend", "lift", "delete", "undelete"] {
        let path = format!("/sub-accounts/{id}/{verb}");
        assert_eq!(stranger.get(&path).await.status, 404, "{verb}");
        let fields = [("cap", "1"), ("kind", "abuse"), ("reason", "x"), ("typed", "alder")];
        assert_eq!(stranger.submit("/sub-accounts/new", &path, &fields).await.status, 404, "{verb}");
    }
    let text = id.to_string();
    let ticked = [("do", "lift"), ("scope", "ticked"), ("id", text.as_str())];
    assert_eq!(stranger.submit("/sub-accounts/new", "/sub-accounts/bulk/start", &ticked).await.status, 422);
    let started = owner.submit("/sub-accounts", "/sub-accounts/bulk/start", &ticked).await;
    finished(&owner, &started).await;
    assert_eq!(stranger.get(&started.location).await.status, 404);
    assert_eq!(stranger.get(&format!("{}.csv", started.location)).await.status, 404);
    let parent = other.id;
    assert_eq!(app.read(move |conn| Ok(jobs::recent(conn, parent, 9)?.len())).await, 0);
    assert!(!is_held(&app, id).await && cap_of(&app, id).await == 100);
}

#[tokio::test]
async fn the_overview_tells_what_needs_attention_and_what_happened() {
    on_both(|app| async move {
        let (_, clients, owner) = three(&app).await;
        owner.get("/").await.shows("All is well");
        let path = format!("/sub-accounts/{}/suspend", clients[0].id);
        owner.submit(&path, &path, &[("kind", "abuse"), ("reason", "stolen key")]).await;
        let page = owner.get("/").await;
        page.shows("What needs attention")
            .shows("stolen key, just now")
            .shows("alder suspended")
            .shows("Messages per day");
    })
    .await;
}

#[tokio::test]
async fn limits_are_saved_and_wrong_ones_come_back_with_what_was_typed_and_change_nothing() {
    on_both(|app| async move {
        let (agency, clients, owner) = three(&app).await;
        let id = clients[0].id;
        let path = format!("/sub-accounts/{id}/limits");
        owner.get(&path).await.shows("What happens at a cap?").shows("80, 100");
        let wrong =
            [("at_cap", "sometimes"), ("hold_days", "90"), ("daily", "0"), ("hourly", "many"), ("alerts", "700")];
        let page = owner.submit(&path, &path, &wrong).await;
        assert_eq!(page.status, 422);
        page.shows("value=\"many\"").shows("A cap of 0 would let nothing through").shows("Enter 1 to 30 days.");
        let row = app.read(move |conn| Ok(limits::find(conn, id)?)).await;
        assert_eq!(row, None, "nothing was saved");
        let right =
            [("at_cap", "hold"), ("hold_days", "9"), ("daily", "5,000"), ("alerts", "50 100"), ("sends_nothing", "on")];
        assert_eq!(owner.submit(&path, &path, &right).await.status, 303);
        let row = app.read(move |conn| Ok(limits::find(conn, id)?)).await.expect("saved");
        assert_eq!((row.at_cap.as_str(), row.hold_days, row.daily, row.hourly), ("hold", 9, 5_000, 0));
        assert_eq!((row.alerts.as_str(), row.sends_nothing), ("50,100", true));
        owner.get("/activity").await.shows("Limits of alder changed");
        let pool = "/settings/limits";
        owner.get(pool).await.shows("value=\"80, 100\"");
        let page = owner.submit(pool, pool, &[("pool", "-4"), ("alerts", "50, 501")]).await;
        assert_eq!(page.status, 422);
        page.shows("value=\"50, 501\"").shows("Enter at most five whole percents from 1 to 500");
        assert_eq!(owner.submit(pool, pool, &[("pool", "90,000"), ("alerts", "95 50")]).await.status, 303);
        owner.get(pool).await.shows("value=\"90,000\"").shows("value=\"50, 95\"");
        assert_eq!(owner.submit(pool, pool, &[("pool", "90,000"), ("alerts", "")]).await.status, 303);
        let parent = agency.id;
        let row = app.read(move |conn| Ok(limits::find(conn, parent)?)).await.expect("saved");
        assert_eq!((row.pool, row.alerts.as_str()), (90_000, ""));
        owner.get("/activity").await.shows("Pool cap of");
    })
    .await;
}
