//! What every answer of the dashboard has in common.

use crate::support::app::TestApp;
use crate::support::visitor::Visitor;

const HEADERS: [(&str, &str); 3] =
    [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("x-frame-options", "DENY")];

#[tokio::test]
async fn every_page_error_and_file_carries_the_security_headers() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let signed_in = Visitor::signed_in(&app, &agency.email).await;
    let paths = [
        "/",
        "/sign-in",
        "/forgot",
        "/reset/x",
        "/invite/x",
        "/setup/x",
        "/nothing",
        "/settings",
        "/settings/profile",
        "/settings/sessions",
        "/static/canopy.css",
        "/static/nothing",
        "/brand/x/logo",
        "/sub-accounts/x/view-as",
    ];
    for visitor in [&signed_in, &Visitor::new(&app)] {
        for path in paths {
            let page = visitor.get(path).await;
            for (name, value) in HEADERS {
                assert_eq!(page.headers.get(name).and_then(|value| value.to_str().ok()), Some(value), "{path} {name}");
            }
            let policy = page.headers.get("content-security-policy").and_then(|value| value.to_str().ok());
            let policy = policy.unwrap_or_default();
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
            assert!(!policy.contains("unsafe"), "{path}");
            assert!(!page.html.contains("<script>") && !page.html.contains(" style=\""), "{path}");
        }
    }
}

#[tokio::test]
async fn errors_are_designed_pages_with_a_way_back() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    let nothing = visitor.get("/nothing").await;
    assert_eq!(nothing.status, 404);
    nothing.shows("Page not found").shows("Back to the overview");
    let wrong = visitor.get("/sign-out").await;
    assert_eq!(wrong.status, 405);
    wrong.shows("This address works differently");
    assert_eq!(wrong.headers.get("allow").and_then(|value| value.to_str().ok()), Some("POST"));
    let put = app.http.put(format!("{}/sign-in", app.url)).send().await.expect("an answer");
    assert_ne!(put.status(), 200, "it changes something and has no token");
    let head = app.http.head(format!("{}/sign-in", app.url)).send().await.expect("an answer");
    assert_eq!(head.status(), 200);
    assert!(head.bytes().await.expect("an answer").is_empty());
    let wrong = app.http.request(reqwest::Method::OPTIONS, format!("{}/sign-in", app.url)).send().await;
    let wrong = wrong.expect("an answer");
    assert_eq!(wrong.status(), 405);
    assert_eq!(wrong.headers().get("allow").and_then(|value| value.to_str().ok()), Some("GET, HEAD, POST"));
}

#[tokio::test]
async fn nothing_in_the_navigation_leads_nowhere() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let client = app.client(&agency, "alder", 0).await;
    for role in ["administrator", "developer", "analyst", "billing_manager", "support"] {
        for account in [agency.id, client.id] {
            let email = format!("{role}@{account}.example");
            app.member(account, &email, role).await;
            let visitor = Visitor::signed_in(&app, &email).await;
            let mut page = visitor.get("/").await;
            for _ in 0..2 {
                if page.status == 303 {
                    page = visitor.get(&page.location).await;
                }
            }
            assert_eq!(page.status, 200, "{role}: {}", page.html);
            let links = page.html.split("<nav").skip(1).filter_map(|rest| rest.split("</nav>").next());
            let links: Vec<_> = links.flat_map(|nav| nav.split("href=\"").skip(1)).collect();
            assert!(!links.is_empty());
            for link in links.iter().filter_map(|rest| rest.split('"').next()) {
                let status = visitor.get(link).await.status;
                assert!(status == 200 || (status == 303 && link == "/settings"), "{role}: {link} is {status}");
            }
        }
    }
}

#[tokio::test]
async fn files_are_kept_for_good_by_the_address_that_pages_use() {
    let app = TestApp::sqlite().await;
    let visitor = Visitor::new(&app);
    let page = visitor.get("/sign-in").await;
    let css = page.html.split("href=\"").find(|rest| rest.starts_with("/static/canopy.css?v="));
    let css = css.and_then(|rest| rest.split('"').next()).expect("a hashed address");
    let answer = visitor.get(css).await;
    let cache = answer.headers.get("cache-control").and_then(|value| value.to_str().ok());
    assert_eq!(cache, Some("public, max-age=31536000, immutable"));
    assert!(answer.headers.contains_key("etag"));
}

#[tokio::test]
async fn the_program_says_whether_it_is_there_and_ready() {
    let app = TestApp::sqlite().await;
    let visitor = Visitor::new(&app);
    assert_eq!(visitor.get("/healthz").await.html, "ok\n");
    let ready = visitor.get("/readyz").await.html;
    assert_eq!(ready, "ready\ndatabase: answers\nschema: current\ndisk: has room\nline: 0 of 4096\n");
}

#[tokio::test]
async fn the_component_page_is_there_in_demo_mode_only() {
    let app = TestApp::sqlite().await;
    assert_eq!(Visitor::new(&app).get("/dev/components").await.status, 404);
    let demo = TestApp::start_with(crate::support::app::On::Sqlite, |settings| settings.set("demo", "true")).await;
    assert_eq!(Visitor::new(&demo.expect("SQLite")).get("/dev/components").await.status, 200);
}
