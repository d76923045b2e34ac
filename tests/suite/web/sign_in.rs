//! Signing in, and guessing.

use canopy::models::audit;
use chrono::TimeDelta;

use crate::support::app::{Agency, PASSWORD, TestApp, on_both};
use crate::support::visitor::Visitor;

#[tokio::test]
async fn whoever_signs_in_comes_to_where_they_wanted() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let visitor = Visitor::new(&app);
        let page = visitor.get("/settings/sessions").await;
        assert_eq!((page.status, page.location.as_str()), (303, "/sign-in?next=%2Fsettings%2Fsessions"));
        let fields = [("email", agency.email.as_str()), ("password", PASSWORD), ("next", "/settings/sessions")];
        let page = visitor.submit(&page.location, "/sign-in", &fields).await;
        assert_eq!((page.status, page.location.as_str()), (303, "/settings/sessions"));
        let page = visitor.get("/settings/sessions").await;
        page.shows("this device").shows(&agency.email);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::new(&app);
    let wrong = visitor.sign_in(&agency.email, "not the password").await;
    let unknown = visitor.sign_in("nobody@harbor.example", "not the password").await;
    assert_eq!((wrong.status, unknown.status), (422, 422));
    let plain =
        |page: &crate::support::visitor::Page, email: &str| page.html.replace(&page.token(), "").replace(email, "");
    assert_eq!(plain(&wrong, &agency.email), plain(&unknown, "nobody@harbor.example"));
    wrong.shows(&format!("value=\"{}\"", agency.email));
    assert!(!wrong.html.contains("not the password"), "a secret is never echoed");
}

#[tokio::test]
async fn a_hundred_guesses_at_once_are_ten_and_the_owner_still_gets_in() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.submit("/settings/sessions", "/sign-out", &[]).await;
        let attacker = Visitor::new(&app);
        let token = attacker.get("/sign-in").await.token();
        let fields = [("csrf_token", token.as_str()), ("email", agency.email.as_str()), ("password", "a guess at it")];
        let tries = (0..100).map(|_| attacker.post("/sign-in", &fields));
        let answers = futures_util::future::join_all(tries).await;
        let looked_at = answers.iter().filter(|page| page.status == 422).count();
        let throttled = answers.iter().filter(|page| page.status == 429).count();
        assert_eq!((looked_at, throttled), (10, 90));
        // Even the right password is not looked at from there.
        assert_eq!(attacker.sign_in(&agency.email, PASSWORD).await.status, 429);
        // The owner's own device has a count of its own.
        assert_eq!(owner.sign_in(&agency.email, PASSWORD).await.status, 303);
        app.app.clock.step(TimeDelta::minutes(16));
        assert_eq!(attacker.sign_in(&agency.email, PASSWORD).await.status, 303);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_address_is_throttled_like_a_known_one() {
    let app = TestApp::sqlite().await;
    let attacker = Visitor::new(&app);
    for turn in 0..12 {
        let page = attacker.sign_in("nobody@harbor.example", "a guess at it").await;
        assert_eq!(page.status, if turn < 10 { 422 } else { 429 }, "try {turn}");
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_cannot_come_back() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let visitor = Visitor::signed_in(&app, &agency.email).await;
    assert_eq!(visitor.get("/settings/profile").await.status, 200);
    let owner = agency.owner;
    app.write(move |conn, cx| {
        let mut user = canopy::models::users::find(conn, owner)?.expect("the owner");
        user.disabled_at = Some(cx.at());
        Ok(canopy::models::users::save(conn, &user)?)
    })
    .await;
    assert_eq!(visitor.get("/settings/profile").await.status, 303);
    assert_eq!(visitor.sign_in(&agency.email, PASSWORD).await.status, 422);
}

/// What the audit says of people, oldest first: the action, whom it is about, and from where.
async fn of_people(app: &TestApp, agency: &Agency) -> Vec<(String, String, String)> {
    let root = agency.id;
    let entries = app.read(move |conn| Ok(audit::page(conn, root, &audit::Filter::default(), None, true, 100)?)).await;
    let of_people = entries.into_iter().filter(|entry| entry.action.starts_with("user."));
    of_people.map(|entry| (entry.action, entry.target, entry.address)).collect()
}

#[tokio::test]
async fn signing_in_and_out_and_guessing_are_written_down_once() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.submit("/settings/sessions", "/sign-out", &[]).await;
        let note = |action: &str| (action.to_owned(), agency.email.clone(), "127.0.0.1".to_owned());
        assert_eq!(of_people(&app, &agency).await, [note("user.sign_in"), note("user.sign_out")]);
        let attacker = Visitor::new(&app);
        for _ in 0..15 {
            attacker.sign_in(&agency.email, "a guess at it").await;
            attacker.sign_in("nobody@harbor.example", "a guess at it").await;
        }
        // The note is written beside the answer: it may come a moment later.
        for _ in 0..100 {
            if of_people(&app, &agency).await.len() > 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(of_people(&app, &agency).await[2..], [note("user.guessed")], "once, however many tries follow");
    })
    .await;
}
