//! What can be changed on the pages of an account: keys, suppressions, members, settings; and search.

use canopy::models::{accounts, api_keys, audit, memberships, smtp_credentials, suppressions};

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::Visitor;

async fn setting(app: &TestApp, label: &str) -> (Agency, Client, Visitor, String) {
    let agency = app.agency(&format!("{label} agency")).await;
    let client = app.client(&agency, label, 0).await;
    let owner = Visitor::signed_in(app, &agency.email).await;
    let base = format!("/sub-accounts/{}", client.id);
    (agency, client, owner, base)
}

async fn actions(app: &TestApp, agency: &Agency) -> Vec<String> {
    let root = agency.id;
    let entries = app.read(move |conn| Ok(audit::page(conn, root, &audit::Filter::default(), None, true, 100)?)).await;
    entries.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn a_key_made_in_the_dashboard_is_shown_once_and_works_until_it_is_deleted() {
    on_both(|app| async move {
        let (_, client, owner, base) = setting(&app, "keys").await;
        let form =
            [("label", "Booking engine"), ("scopes", "accounts:read"), ("scopes", "messages:send:{keys.example}")];
        let page = owner.fill(&format!("{base}/credentials/new"), &form).await.ok();
        let secret =
            page.split("<output>").nth(1).and_then(|rest| rest.split('<').next()).expect("a secret").to_owned();
        assert!(page.contains("curl ") && page.contains("/messages"), "a request to paste");
        let account = format!("/v2/accounts/{}", client.id);
        assert_eq!(app.call("GET", &account, &secret, None).await.0, 200);
        let list = owner.get(&format!("{base}/credentials")).await.ok();
        assert!(list.contains("Booking engine") && !list.contains(&secret));
        let id = client.id;
        let keys = app.read(move |conn| Ok(api_keys::page(conn, id, None, false, 10)?)).await;
        let key = keys.iter().find(|key| key.label == "Booking engine").expect("listed").id;
        let edited = [("label", "Engine"), ("scopes", "accounts:read"), ("allow", "203.0.113.0/24\n198.51.100.7")];
        let page = owner.fill_and_follow(&format!("{base}/credentials/{key}"), &edited).await;
        assert!(page.contains("The key “Engine” is saved.") && page.contains("203.0.113.0/24 and 1 more"), "{page}");
        assert_eq!(app.call("GET", &account, &secret, None).await.0, 403, "not from here any more");
        let page = owner.fill_and_follow(&format!("{base}/credentials/{key}/delete"), &[]).await;
        assert!(page.contains("is deleted") && !page.contains(&format!("{key}/delete")));
        assert_eq!(app.call("GET", &account, &secret, None).await.0, 401);
    })
    .await;
}

#[tokio::test]
async fn smtp_credentials_made_in_the_dashboard_are_shown_once_with_all_that_a_mail_program_asks_for() {
    on_both(|app| async move {
        let (agency, client, owner, base) = setting(&app, "smtp").await;
        let new = format!("{base}/credentials/smtp/new");
        for (form, words) in [
            (vec![("name", "")], "The name is empty"),
            (vec![("name", "Kept words"), ("reach", "some")], "Choose at least one domain"),
            (
                vec![("name", "Kept words"), ("reach", "some"), ("domains", "other.example")],
                "is not a domain of this account",
            ),
        ] {
            let answer = owner.fill(&new, &form).await;
            assert!(answer.status == 422 && answer.html.contains(words), "{form:?}: {}", answer.html);
            assert!(form[0].1.is_empty() || answer.html.contains("Kept words"));
        }
        let form = [("name", "Online shop"), ("reach", "some"), ("domains", "smtp.example"), ("sandbox", "on")];
        let page = owner.fill(&new, &form).await.ok();
        let password =
            page.split("<output>").nth(1).and_then(|rest| rest.split('<').next()).expect("a password").to_owned();
        for part in
            ["Host: localhost", "Port: 587", "Security: STARTTLS", "Username: smtp-", &format!("Password: {password}")]
        {
            assert!(page.contains(part), "{part}: {page}");
        }
        let list = owner.get(&format!("{base}/credentials")).await.ok();
        assert!(
            list.contains("Online shop") && list.contains("smtp.example, sandbox only") && !list.contains(&password)
        );
        let id = client.id;
        let made = app.read(move |conn| Ok(smtp_credentials::page(conn, id, None, (None, false), 10)?)).await.remove(0);
        assert_eq!(made.password_digest, canopy::secrets::digest(&password));
        let page = owner.fill_and_follow(&format!("{base}/credentials/smtp/{}/delete", made.id), &[]).await;
        assert!(page.contains("are deleted") && page.contains("None yet"), "{page}");
        let activity = Visitor::signed_in(&app, &agency.email).await.get("/activity").await.ok();
        assert!(activity.contains("SMTP credentials “Online shop” deleted"), "{activity}");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_key_form_comes_back_with_what_was_typed_and_makes_nothing() {
    let app = TestApp::sqlite().await;
    let (_, client, owner, base) = setting(&app, "wrong").await;
    let id = client.id;
    let count = || app.read(move |conn| Ok(api_keys::count(conn, id)?));
    let before = count().await;
    for (form, words) in [
        (vec![("label", ""), ("scopes", "accounts:read")], "The label is empty"),
        (vec![("label", "Kept words")], "Choose at least one thing"),
        (vec![("label", "Kept words"), ("scopes", "sub-accounts:read")], "is for parent accounts"),
        (
            vec![("label", "Kept words"), ("scopes", "messages:send:{other.example}")],
            "which this account does not have",
        ),
        (vec![("label", "Kept words"), ("scopes", "accounts:read"), ("allow", "0.0.0.0/0")], "lets every address in"),
    ] {
        let answer = owner.fill(&format!("{base}/credentials/new"), &form).await;
        assert_eq!(answer.status, 422, "{form:?}");
        assert!(
            answer.html.contains(words) && (form[0].1.is_empty() || answer.html.contains("Kept words")),
            "{form:?}"
        );
    }
    assert_eq!(count().await, before);
    app.member(client.id, "analyst@wrong.example", "analyst").await;
    let analyst = Visitor::signed_in(&app, "analyst@wrong.example").await;
    for path in ["/account/credentials", "/account/credentials/new"] {
        assert_eq!(analyst.get(path).await.status, 403, "{path}");
    }
    let form = [("label", "x"), ("scopes", "accounts:read")];
    assert_eq!(analyst.fill("/account/credentials/new", &form).await.status, 403);
    assert_eq!(count().await, before);
}

#[tokio::test]
async fn suppressions_are_added_found_exported_let_go_and_wiped_by_typing() {
    on_both(|app| async move {
        let (_, client, owner, base) = setting(&app, "supp").await;
        let path = format!("{base}/suppressions");
        let form = [("email", "=Ann@Example.org"), ("domain", "*"), ("reason", "=asked"), ("until", "2099-01-01")];
        let page = owner.fill_and_follow(&path, &form).await;
        assert!(page.contains("supp.example") && page.contains("1 January 2099"), "{page}");
        assert!(owner.get(&format!("{path}?q=%3Dann@example.org")).await.ok().contains("supp.example</td>"));
        assert!(owner.get(&format!("{path}?q=bob@example.org")).await.ok().contains("Not suppressed"));
        let csv = owner.get(&format!("{path}.csv")).await.ok();
        assert!(
            csv.starts_with("email,domain,reason") && csv.contains("'=Ann@example.org,supp.example,'=asked"),
            "{csv}"
        );
        let answer = owner.fill(&path, &form).await;
        assert!(answer.status == 422 && answer.html.contains("suppressed already"), "{}", answer.html);
        for (field, value) in
            [("email", "nobody"), ("until", "2001-01-01"), ("until", "soon"), ("domain", "not a domain")]
        {
            let mut wrong = vec![("email", "bob@example.org"), ("until", "2099-01-01"), (field, value)];
            wrong.retain(|(name, given)| *name != field || *given == value);
            assert_eq!(owner.fill(&path, &wrong).await.status, 422, "{field} {value}");
        }
        let one = [("email", "=ann@example.org"), ("domain", "supp.example")];
        assert!(owner.fill_and_follow(&format!("{path}/remove"), &one).await.contains("can be mailed again"));
        let left = |app: TestApp, id| async move {
            let now = app.app.clock.now().naive_utc();
            let filter = suppressions::Filter::default();
            let rows = app.read(move |conn| Ok(suppressions::page(conn, id, &filter, now, None, false, 10)?)).await;
            (app, rows.len())
        };
        let (app, rows) = left(app, client.id).await;
        assert_eq!(rows, 1, "the row for later domains stays");
        let answer = owner.fill(&format!("{path}/wipe"), &[("typed", "another")]).await;
        assert!(answer.html.contains("Type the name exactly"));
        owner.fill_and_follow(&format!("{path}/wipe"), &[("typed", "supp")]).await;
        assert_eq!(left(app, client.id).await.1, 0);
    })
    .await;
}

#[tokio::test]
async fn a_clients_administrator_invites_changes_and_removes_members_whom_the_agency_does_not_see() {
    on_both(|app| async move {
        let (agency, client, owner, base) = setting(&app, "team").await;
        app.member(client.id, "boss@team.example", "administrator").await;
        let boss = Visitor::signed_in(&app, "boss@team.example").await;
        let form = [("email", "New@team.example"), ("name", "New Visitor"), ("role", "analyst")];
        let page = boss.fill_and_follow("/account/members", &form).await;
        assert!(page.contains("is invited by mail") && page.contains(">invited<"), "{page}");
        let answer = boss.fill("/account/members", &form).await;
        assert!(answer.status == 422 && answer.html.contains("already a member"));
        let id = client.id;
        let members = app.read(move |conn| Ok(memberships::of_account(conn, id)?)).await;
        let new = members.iter().find(|(_, user)| user.email_lower == "new@team.example").expect("listed").1.id;
        let own = members.iter().find(|(_, user)| user.email_lower == "boss@team.example").expect("listed").1.id;
        let path = |user, verb: &str| format!("/account/members/{user}/{verb}");
        assert!(boss.fill_and_follow(&path(new, "role"), &[("role", "support")]).await.contains("now Support"));
        assert!(boss.fill_and_follow(&path(new, "invite"), &[]).await.contains("fresh invitation"));
        assert_eq!(boss.fill(&path(new, "role"), &[("role", "owner")]).await.status, 400);
        assert!(boss.fill_and_follow(&path(own, "remove"), &[]).await.contains("your own membership"));
        let answer = owner.get(&format!("{base}/members")).await;
        assert!(answer.status == 403 && answer.html.contains("/view-as") && !answer.html.contains("boss@team.example"));
        assert_eq!(owner.fill(&format!("{base}/members/{new}/remove"), &[]).await.status, 403, "not from outside");
        boss.fill_and_follow(&path(new, "remove"), &[]).await;
        let left = app.read(move |conn| Ok(memberships::count(conn, id)?)).await;
        assert_eq!(left, 1);
        assert!(actions(&app, &agency).await.contains(&"member.remove".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn view_as_shows_a_clients_messages_and_members_read_only() {
    let app = TestApp::sqlite().await;
    let (_, client, owner, base) = setting(&app, "inside").await;
    app.accept(&client, &["ann@example.org"]).await.expect("accepted");
    app.member(client.id, "boss@inside.example", "administrator").await;
    assert_eq!(owner.fill(&format!("{base}/view-as"), &[("reason", "ticket 12")]).await.status, 303);
    assert!(owner.get("/account/messages").await.ok().contains("ann@example.org"));
    assert!(owner.get("/account/members").await.ok().contains("boss@inside.example"));
    for (path, form) in [
        ("/account/members", vec![("email", "x@y.example"), ("role", "analyst")]),
        ("/account/test", vec![("domain", "inside.example")]),
        ("/account/credentials/new", vec![("label", "x"), ("scopes", "accounts:read")]),
        ("/account/suppressions", vec![("email", "a@b.example"), ("until", "2099-01-01")]),
        ("/account/transport", vec![("transport", "")]),
        ("/settings/transports/new", vec![("name", "x"), ("kind", "mailbox")]),
    ] {
        assert_eq!(owner.fill(path, &form).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn an_agency_edits_its_client_and_nothing_changes_on_a_wrong_form() {
    on_both(|app| async move {
        let (agency, client, owner, base) = setting(&app, "edit").await;
        let path = format!("{base}/settings");
        let form = [
            ("name", "Edited"),
            ("website", "https://new.example/x"),
            ("external_id", "K-77"),
            ("tags", "hotels, priority"),
        ];
        let page = owner.fill_and_follow(&path, &form).await;
        for words in ["<h1>Edited</h1>", "No. K-77", "new.example", ">hotels<"] {
            assert!(page.contains(words), "{words}");
        }
        let wrong = [("name", ""), ("website", "not a website"), ("tags", "")];
        let answer = owner.fill(&path, &wrong).await;
        assert!(answer.status == 422 && answer.html.contains("The name is empty"));
        assert!(owner.fill_and_follow(&path, &form).await.contains("Nothing was changed"));
        let id = client.id;
        let account = app.read(move |conn| Ok(accounts::find(conn, id)?)).await.expect("there");
        assert_eq!((account.name.as_str(), account.external_id.as_deref()), ("Edited", Some("K-77")));
        app.member(client.id, "boss@edit.example", "administrator").await;
        let boss = Visitor::signed_in(&app, "boss@edit.example").await;
        assert_eq!(boss.get("/account/settings").await.status, 404, "the tags are the agency's");
        assert_eq!(boss.fill("/account/settings", &form).await.status, 404);
        assert_eq!(actions(&app, &agency).await.iter().filter(|action| *action == "sub_account.update").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_test_message_is_accepted_like_any_other_and_its_page_tells_of_it() {
    let app = TestApp::sqlite().await;
    let (_, client, _, _) = setting(&app, "testing").await;
    app.member(client.id, "dev@testing.example", "developer").await;
    let dev = Visitor::signed_in(&app, "dev@testing.example").await;
    let page = dev.fill_and_follow("/account/test", &[("domain", "testing.example")]).await;
    assert!(page.contains("Test message from testing.example") && page.contains("dev@testing.example"), "{page}");
    let answer = dev.fill("/account/test", &[("domain", "other.example")]).await;
    assert!(answer.status == 422 && answer.html.contains("verified domains"));
}

#[tokio::test]
async fn search_finds_accounts_by_name_domain_and_id_and_of_clients_messages_only_whose_they_are() {
    on_both(|app| async move {
        let (_, client, owner, base) = setting(&app, "findable").await;
        let accepted = app.accept(&client, &["ann@example.org"]).await.expect("accepted");
        let canopy::actions::accept_message::Outcome::Queued { id } = accepted.entries[0].outcome else {
            panic!("queued")
        };
        for q in ["findable", "findable.example"] {
            assert!(owner.get(&format!("/search?q={q}")).await.ok().contains(&format!("href=\"{base}\"")), "{q}");
        }
        assert_eq!(owner.get(&format!("/search?q={}", client.id)).await.location, base);
        let page = owner.get(&format!("/search?q={id}@findable.example")).await.ok();
        assert!(page.contains("A message of findable") && !page.contains("ann@example.org"), "{page}");
        let page = owner.get("/search?q=ann@example.org").await.ok();
        assert!(page.contains("Messages of clients are found inside the client") && !page.contains("Hello"));
        app.member(client.id, "dev@findable.example", "developer").await;
        let dev = Visitor::signed_in(&app, "dev@findable.example").await;
        assert!(dev.get("/search?q=ann@example.org").await.ok().contains("ann@example.org</a>"));
        assert!(dev.get("/search?q=%25%5F%27").await.ok().contains("Nothing found"));
        let other = app.agency("stranger").await;
        let stranger = Visitor::signed_in(&app, &other.email).await;
        for q in ["findable".to_owned(), client.id.to_string(), id.to_string()] {
            let page = stranger.get(&format!("/search?q={q}")).await.ok();
            assert!(page.contains("Nothing found"), "{q}");
        }
    })
    .await;
}
