//! The dashboard's routes: strangers, siblings, other agencies.

use canopy::domain::ids::Id;

use super::routes::{Route, dashboard};
use super::world::{MALFORMED, MARK, Things, World};
use crate::support::app::{TestApp, on_both};
use crate::support::visitor::{Page, Visitor};

/// Addresses that somebody who is not signed in may open: the program's own and those with a secret in them.
fn is_open(path: &str) -> bool {
    let open = [
        "/healthz", "/readyz", "/static/", "/sign-in", "/forgot", "/reset/", "/invite/", "/setup/", "/theme", "/dns/",
        "/brand/", "/metrics",
    ];
    open.iter().any(|open| path == *open || (open.ends_with('/') && path.starts_with(open)))
}

/// A path with its names filled in. A new name is given its meaning here.
pub fn filled(path: &str, things: &Things, seq: &str) -> String {
    let mut path = path.to_owned();
    for (name, value) in [
        ("{message}", things.message.to_string()),
        ("{domain}", things.domain.clone()),
        ("{user}", things.user.to_string()),
        ("{member}", things.user.to_string()),
        ("{seq}", seq.to_owned()),
        ("{key}", things.key.to_string()),
        ("{credential}", things.credential.to_string()),
        ("{transport}", things.transport.to_string()),
        ("{view}", things.view.to_string()),
        ("{token}", "no-such-token".to_owned()),
        ("{account}", things.account.to_string()),
        ("{path:.*}", "canopy.css".to_owned()),
        ("{name}", "usage".to_owned()),
        ("/jobs/{id}", format!("/jobs/{}", things.job)),
        ("{id}", things.account.to_string()),
    ] {
        path = path.replace(name, &value);
    }
    assert!(!path.contains('{'), "the isolation tests do not know a name in {path}");
    path
}

/// What a page says, without what differs from one answer to the next: the id asked for, tokens, the request's id.
fn said(page: &Page, blot: &str) -> (u16, String, String) {
    let mut text = page.html.replace(blot, "(id)");
    if let Some(id) = page.headers.get("x-request-id").and_then(|value| value.to_str().ok()) {
        text = text.replace(id, "(request)");
    }
    while let Some(at) = text.find("name=\"csrf_token\" value=\"") {
        let from = at + 25;
        let to = from + text[from..].find('"').unwrap_or(0);
        text.replace_range(at..to, "(token)");
    }
    (page.status, page.location.replace(blot, "(id)"), text)
}

/// A form with something in every field that must be there: what is wrong with it is whose it is.
fn filled_in(token: &str) -> Vec<(&str, &str)> {
    vec![
        ("csrf_token", token),
        ("reason", "a test"),
        ("confirm", "x"),
        ("label", "x"),
        ("scopes", "accounts:read"),
        ("cap", "5"),
        ("role", "analyst"),
        ("session", "00"),
        ("account", "0199ffff-ffff-7fff-bfff-ffffffffffff"),
    ]
}

async fn ask(visitor: &Visitor, route: &Route, path: &str) -> Page {
    if route.method == "GET" {
        return visitor.get(path).await;
    }
    let token = visitor.get("/settings/profile").await.token();
    visitor.post(path, &filled_in(&token)).await
}

/// A token holds for the session it was given in, and a stranger has a session, too: it begins with the first form they
/// see and ends with `POST /sign-out`, which is among these addresses. So each form is sent with the token of a page
/// opened just before, as a person would; a form with the token of a session that is over is another case, below.
#[tokio::test]
async fn strangers_are_led_to_the_sign_in_page_everywhere() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let before = world.heads(&app).await;
    let stranger = Visitor::new(&app);
    let mut asked = 0;
    for route in dashboard().into_iter().filter(|route| !is_open(&route.path) && !route.path.starts_with("/dev/")) {
        let path = filled(&route.path, &world.things, "1");
        let page = match route.method {
            "GET" => stranger.get(&path).await,
            _ => stranger.post(&path, &filled_in(&stranger.get("/sign-in").await.token())).await,
        };
        assert_eq!(page.status, 303, "{} {path}: {}", route.method, page.html);
        let to = page.location.split('?').next();
        assert_eq!(to, Some("/sign-in"), "{} {path}: {}", route.method, page.location);
        asked += 1;
    }
    assert_eq!(world.heads(&app).await, before, "something was changed");
    println!("{asked} addresses lead strangers to the sign-in page");
    assert!(asked > 70, "{asked}");
}

/// Whoever was signed out while they filled in a form must not lose it: they get it back with a way to sign in, and
/// nothing happens.
#[tokio::test]
async fn a_form_whose_session_is_over_comes_back_with_the_way_to_sign_in() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let before = world.heads(&app).await;
    let stranger = Visitor::new(&app);
    let token = stranger.get("/sign-in").await.token();
    let out = stranger.post("/sign-out", &[("csrf_token", &token)]).await;
    assert_eq!((out.status, out.location.as_str()), (303, "/sign-in"));
    let mut asked = 0;
    for route in dashboard().into_iter().filter(|route| route.method == "POST" && !is_open(&route.path)) {
        let path = filled(&route.path, &world.things, "1");
        let page = stranger.post(&path, &filled_in(&token)).await;
        assert_eq!(page.status, 403, "{path}: {}", page.location);
        page.shows("You were signed out.").shows("action=\"/sign-in\"").shows(&format!("value=\"{path}\""));
        asked += 1;
    }
    assert_eq!(world.heads(&app).await, before, "something was changed");
    println!("{asked} forms came back with the way to sign in");
    assert!(asked > 40, "{asked}");
}

#[tokio::test]
async fn sub_accounts_of_others_are_refused_like_those_that_are_not_there() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let unknown = Id::new(app.app.clock.now()).to_string();
        for role in ["administrator", "developer", "analyst", "billing_manager", "support"] {
            app.member(world.agency.id, &format!("{role}@oak.example"), role).await;
        }
        let mut people = vec![world.agency.email.clone(), "own@member.example".to_owned()];
        people.extend(
            ["administrator", "developer", "analyst", "billing_manager", "support"]
                .map(|role| format!("{role}@oak.example")),
        );
        let routes: Vec<Route> =
            dashboard().into_iter().filter(|route| route.path.starts_with("/sub-accounts/{id}")).collect();
        let before = world.heads(&app).await;
        let mut asked = 0;
        for email in &people {
            let visitor = Visitor::signed_in(&app, email).await;
            let client = email == "own@member.example";
            for route in &routes {
                let mut targets = vec![
                    unknown.clone(),
                    world.foreign.id.to_string(),
                    world.other.id.to_string(),
                    MALFORMED.to_owned(),
                ];
                if !route.path.ends_with("/undelete") {
                    targets.push(world.deleted.id.to_string());
                }
                if client {
                    targets.extend([
                        world.own.id.to_string(),
                        world.sibling.id.to_string(),
                        world.agency.id.to_string(),
                    ]);
                }
                let mut answers = Vec::new();
                for target in targets {
                    let path = filled(&route.path.replace("{id}", &target), &world.things, "1");
                    answers.push(said(&ask(&visitor, route, &path).await, &target));
                    asked += 1;
                }
                assert!(matches!(answers[0].0, 403 | 404), "{email} {route:?}: {}", answers[0].0);
                for answer in &answers {
                    assert_eq!(*answer, answers[0], "{email} {route:?} tells them apart");
                }
            }
        }
        assert_eq!(world.heads(&app).await, before, "something was changed");
        println!("{asked} requests for sub accounts of others: all refused alike");
        assert!(asked > 1_000, "{asked}");
    })
    .await;
}

#[tokio::test]
async fn things_of_others_are_refused_like_those_that_are_not_there() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let unknown = Things {
        account: Id::new(app.app.clock.now()),
        key: Id::new(app.app.clock.now()),
        credential: Id::new(app.app.clock.now()),
        domain: "unknown.example".into(),
        message: Id::new(app.app.clock.now()),
        user: Id::new(app.app.clock.now()),
        job: Id::new(app.app.clock.now()),
        transport: Id::new(app.app.clock.now()),
        view: Id::new(app.app.clock.now()),
    };
    let names = ["{message}", "{domain}", "{user}", "{key}", "{credential}", "{transport}", "{view}", "/jobs/{id}"];
    let before = world.heads(&app).await;
    let mut asked = 0;
    for (email, inside) in [("own@member.example", true), (world.agency.email.as_str(), false)] {
        let visitor = Visitor::signed_in(&app, email).await;
        for route in dashboard().into_iter().filter(|route| names.iter().any(|name| route.path.contains(name))) {
            let base = route.path.replace("/sub-accounts/{id}", &format!("/sub-accounts/{}", world.own.id));
            if inside && route.path.starts_with("/sub-accounts/") {
                continue;
            }
            let mut answers = Vec::new();
            for things in [&unknown, &world.foreign_things, &world.sibling_things] {
                // What one agency's clients share belongs to the agency.
                let shared = route.path.contains("/jobs/") || route.path.contains("{transport}");
                if shared && things.job == world.sibling_things.job {
                    continue;
                }
                let path = filled(&base, things, "1");
                let page = ask(&visitor, &route, &path).await;
                let blots = [
                    things.message.to_string(),
                    things.domain.clone(),
                    things.user.to_string(),
                    things.key.to_string(),
                    things.credential.to_string(),
                    things.job.to_string(),
                    things.transport.to_string(),
                    things.view.to_string(),
                ];
                let (status, location, text) = said(&page, "(nothing)");
                let clean = |text: String| blots.iter().fold(text, |text, blot| text.replace(blot, "(id)"));
                answers.push((status, clean(location), clean(text)));
                asked += 1;
            }
            assert!(matches!(answers[0].0, 403 | 404), "{email} {route:?}: {}", answers[0].0);
            for answer in &answers {
                assert_eq!(*answer, answers[0], "{email} {route:?} tells them apart");
            }
        }
    }
    assert_eq!(world.heads(&app).await, before, "something was changed");
    println!("{asked} requests for things of others: all refused alike");
    assert!(asked > 80, "{asked}");
}

#[tokio::test]
async fn no_page_or_export_of_an_agency_holds_anything_of_another() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let mut read = 0;
    for email in [world.agency.email.as_str(), "own@member.example"] {
        let visitor = Visitor::signed_in(&app, email).await;
        for route in dashboard().into_iter().filter(|route| route.method == "GET" && !is_open(&route.path)) {
            for query in ["", "?q=zebra", "?account=zebra"] {
                let path = filled(&route.path, &world.things, "1");
                let page = visitor.get(&format!("{path}{query}")).await;
                assert!(page.status < 500, "{path}: {}", page.status);
                assert!(!page.html.contains(MARK), "{email} {path}{query} shows {MARK}");
                read += usize::from(page.status == 200);
            }
        }
    }
    println!("{read} pages and exports read");
    assert!(read > 100, "{read}");
}
