//! Domains on the dashboard, and the page for whoever keeps a client's DNS.

use serde_json::json;

use crate::domains::{a_minute_passes, agency_owner, publish};
use crate::support::app::{Agency, TestApp, on_both};
use crate::support::visitor::Visitor;

/// A sub account's address.
async fn child(app: &TestApp, agency: &Agency, label: &str) -> String {
    format!("/sub-accounts/{}", app.client(agency, label, 0).await.id)
}

/// The path of the link that a domain's page shows.
fn link(page: &str) -> String {
    let rest = page.split("http://canopy.test/dns/").nth(1).expect("a link");
    format!("/dns/{}", rest.split(['"', '<']).next().expect("a token"))
}

#[tokio::test]
async fn an_agency_adds_a_clients_domain_and_sees_it_verified() {
    on_both(|app| async move {
        let agency = app.agency("Adds").await;
        let base = child(&app, &agency, "adder").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.fill_and_follow(&format!("{base}/domains"), &[("domain", "Mail.Adder.example")]).await;
        assert!(page.contains("mail.adder.example is added"), "{page}");
        for words in ["canopy._domainkey.mail.adder.example", "_dmarc.mail.adder.example", "Not checked yet"] {
            assert!(page.contains(words), "{words}");
        }
        let list = owner.get(&format!("{base}/domains")).await.ok();
        assert!(list.contains("mail.adder.example") && list.contains("no data") && list.contains("adder.example"));
        let one = format!("{base}/domains/mail.adder.example");
        let page = owner.fill_and_follow(&format!("{one}/check"), &[]).await;
        assert!(page.contains("There is no SPF record at mail.adder.example"), "{page}");
        let again = owner.fill_and_follow(&format!("{one}/check"), &[]).await;
        assert!(again.contains("less than a minute ago"), "{again}");
        publish_of(&app, &base, "mail.adder.example").await;
        a_minute_passes(&app);
        let page = owner.fill_and_follow(&format!("{one}/check"), &[]).await;
        assert!(page.contains("mail.adder.example is verified") && page.contains("Locked"), "{page}");
        let answer = owner.fill(&format!("{one}/settings"), &[("dkim_selector", "other")]).await;
        assert_eq!(answer.status, 422);
        let answer = owner.fill(&format!("{one}/delete"), &[("confirm", "mail")]).await;
        assert!(answer.status == 422 && answer.html.contains("Nothing was removed"), "{}", answer.html);
        let list = owner.fill_and_follow(&format!("{one}/delete"), &[("confirm", "mail.adder.example")]).await;
        assert!(list.contains("mail.adder.example is removed"), "{list}");
        assert_eq!(owner.get(&one).await.status, 404);
    })
    .await;
}

/// Publishes the records of a sub account's domain.
async fn publish_of(app: &TestApp, base: &str, name: &'static str) {
    let id = base.rsplit('/').next().and_then(|id| id.parse().ok()).expect("an id");
    let domain = app.read(move |conn| Ok(canopy::models::domains::find(conn, id, name)?)).await.expect("the domain");
    let setup = canopy::actions::domain_records::setup(&domain, &app.app.config.platform);
    let canopy::dns::Dns::Zone(zone) = &app.app.dns else { panic!("a zone of its own") };
    zone.write().expect("nobody panicked with the zone").publish(&setup);
}

#[tokio::test]
async fn a_form_with_errors_says_what_is_wrong_and_keeps_what_was_typed_but_no_key() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Errors").await;
    let base = child(&app, &agency, "errs").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let fields = [("domain", "typed.example"), ("dkim_private_key", "SECRETKEY"), ("media_subdomain", "own")];
    let answer = owner.fill(&format!("{base}/domains"), &fields).await;
    assert_eq!(answer.status, 422);
    assert!(answer.html.contains("typed.example") && answer.html.contains("own"), "what was typed stays");
    assert!(answer.html.contains("Paste a private key in PEM form") && !answer.html.contains("SECRETKEY"));
    for (field, value, words) in [
        ("domain", "<script>.example", "is not a domain"),
        ("domain", "errs.example", "a domain of this account already"),
        ("tracking_subdomain", "a_b", "1 to 63 letters"),
    ] {
        let fields: &[(&str, &str)] =
            if field == "domain" { &[(field, value)] } else { &[("domain", "fine.example"), (field, value)] };
        let answer = owner.fill(&format!("{base}/domains"), fields).await;
        assert!(answer.status == 422 && answer.html.contains(words), "{value}: {} {}", answer.status, answer.html);
        assert!(!answer.html.contains("<script>"));
    }
}

#[tokio::test]
async fn who_may_only_look_sees_no_buttons_and_changes_nothing() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Looks").await;
    let base = child(&app, &agency, "looked").await;
    app.member(agency.id, "analyst@looks.example", "analyst").await;
    let analyst = Visitor::signed_in(&app, "analyst@looks.example").await;
    let one = format!("{base}/domains/looked.example");
    let page = analyst.get(&one).await;
    assert!(!page.html.contains("Check now") && !page.html.contains("Remove domain"), "{}", page.html);
    for rest in ["/check", "/share", "/unshare", "/settings", "/delete"] {
        assert_eq!(analyst.fill(&format!("{one}{rest}"), &[]).await.status, 403, "{rest}");
    }
    assert_eq!(analyst.fill(&format!("{base}/domains"), &[("domain", "x.example")]).await.status, 403);
    let other = app.agency("Foreign").await;
    let stranger = Visitor::signed_in(&app, &other.email).await;
    assert_eq!(stranger.get(&one).await.status, 404);
    assert_eq!(stranger.fill(&format!("{one}/delete"), &[("confirm", "looked.example")]).await.status, 404);
}

#[tokio::test]
async fn the_open_page_shows_the_records_in_the_agencys_brand_and_nothing_else() {
    on_both(|app| async move {
        let agency = app.agency("Brandful Mail").await;
        let client = app.client(&agency, "secretclient", 12_345).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let base = format!("/sub-accounts/{}", client.id);
        owner.fill(&format!("{base}/domains"), &[("domain", "open.example")]).await;
        let one = format!("{base}/domains/open.example");
        let page = owner.fill_and_follow(&format!("{one}/share"), &[]).await;
        let link = link(&page);
        let it = Visitor::new(&app);
        let open = it.get(&link).await.ok();
        for words in ["Brandful Mail", "open.example", "canopy._domainkey.open.example", "Not checked yet"] {
            assert!(open.contains(words), "{words}: {open}");
        }
        for secret in ["secretclient", &client.id.to_string(), &agency.email, "12,345", "12345", "Remove"] {
            assert!(!open.contains(secret), "{secret} is none of the reader's business");
        }
        let checked = it.fill_and_follow(&format!("{link}/check"), &[]).await;
        assert!(checked.contains("There is no SPF record at open.example"), "{checked}");
        publish_of(&app, &base, "open.example").await;
        let soon = it.fill_and_follow(&format!("{link}/check"), &[]).await;
        assert!(soon.contains("less than a minute ago") && !soon.contains("All in place"));
        a_minute_passes(&app);
        assert!(it.fill_and_follow(&format!("{link}/check"), &[]).await.contains("All in place"));
        assert_eq!(self::link(&owner.get(&one).await.ok()), link, "the same link is shown again");
        owner.fill(&format!("{one}/unshare"), &[]).await;
        let (ended, wrong) = (it.get(&link).await, it.get("/dns/never-made").await);
        assert_eq!((ended.status, wrong.status), (404, 404));
        assert_eq!(it.fill(&format!("{link}/check"), &[]).await.status, 404);
        let page = owner.fill_and_follow(&format!("{one}/share"), &[]).await;
        assert_ne!(self::link(&page), link, "a new link is another one");
    })
    .await;
}

#[tokio::test]
async fn the_open_page_does_not_tell_that_another_account_holds_the_name() {
    let app = TestApp::sqlite().await;
    let holder = agency_owner(&app, "Holder").await;
    publish(&app, &holder.add(&app, "both.example", json!({ "dkim_selector": "h" })).await);
    holder.check(&app, "both.example").await;
    let agency = app.agency("Later").await;
    let base = child(&app, &agency, "later").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    owner.fill(&format!("{base}/domains"), &[("domain", "both.example")]).await;
    publish_of(&app, &base, "both.example").await;
    let one = format!("{base}/domains/both.example");
    let page = owner.fill_and_follow(&format!("{one}/check"), &[]).await;
    assert!(page.contains("another account has both.example verified"), "{page}");
    let page = owner.fill_and_follow(&format!("{one}/share"), &[]).await;
    let open = Visitor::new(&app).get(&link(&page)).await.ok();
    assert!(open.contains("nothing left to do") && !open.contains("another account"), "{open}");
}

#[tokio::test]
async fn browser_the_pages_of_domains_are_accessible_and_scroll_only_downwards() {
    let Some(browser) = crate::support::browser::Browser::open().await else { return };
    let app = TestApp::sqlite().await;
    let agency = app.agency("Seen").await;
    let base = child(&app, &agency, "seen").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    owner.fill(&format!("{base}/domains"), &[("domain", "mail.seen.example")]).await;
    let one = format!("{base}/domains/mail.seen.example");
    owner.fill(&format!("{one}/check"), &[]).await;
    let open = link(&owner.fill_and_follow(&format!("{one}/share"), &[]).await);
    sign_in(&browser, &app, &agency.email).await;
    for (path, name) in [(format!("{base}/domains"), "list"), (one, "one"), (open, "open")] {
        for (width, dark) in [(1280, false), (390, true)] {
            browser.viewport(width, 900).await;
            browser.prefer_dark(dark).await;
            browser.goto(&format!("{}{path}", app.url)).await;
            browser.screenshot(&format!("domains-{name}-{width}")).await;
            let violations = browser.accessibility_violations().await;
            assert!(violations.is_empty(), "{name}: {violations:?}");
            let sideways = "return document.documentElement.scrollWidth > innerWidth";
            let scrolls = browser.driver.execute(sideways, Vec::new()).await.expect("script runs");
            assert!(!scrolls.json().as_bool().unwrap_or(true), "{name} scrolls sideways at {width}");
        }
    }
}

async fn sign_in(browser: &crate::support::browser::Browser, app: &TestApp, email: &str) {
    use thirtyfour::By;
    browser.goto(&format!("{}/sign-in", app.url)).await;
    let field = async |name: &str, text: &str| {
        let field = browser.driver.find(By::Id(name)).await.expect("the field");
        field.send_keys(text).await.expect("it takes text");
    };
    field("email", email).await;
    field("password", crate::support::app::PASSWORD).await;
    let button = browser.driver.find(By::Css("main form button")).await.expect("the button");
    button.click().await.expect("it is pressed");
}
