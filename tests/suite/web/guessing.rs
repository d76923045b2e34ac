//! Guessing from many places at once: ten tries a person in a quarter hour, and the owner gets in all the same.
//!
//! The short form runs with the other tests; `bin/soak guessing` makes the tries of `CANOPY_SOAK_GUESSES`, and looks at
//! what the time of an answer tells.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::support::app::{On, PASSWORD, TestApp};
use crate::support::environment::number;
use crate::support::visitor::Visitor;

/// Tries in all, and network addresses that they come from, in the short form.
const GUESSES: u64 = 600;
const PLACES: u64 = 100;
const PEOPLE: usize = 5;

/// A try from behind the proxy that the program trusts; its status, and how long it took.
async fn guess(app: &TestApp, visitor: &Visitor, token: &str, place: u64, email: &str) -> (u16, Duration) {
    let from = format!("198.51.{}.{}", place / 250, place % 250);
    let fields = [("csrf_token", token), ("email", email), ("password", "a guess at it")];
    let begun = Instant::now();
    let page = visitor.post_with("/sign-in", &fields, &[("x-forwarded-for", &from)]).await;
    assert!(app.url.starts_with("http") && matches!(page.status, 422 | 429), "{}", page.status);
    (page.status, begun.elapsed())
}

#[tokio::test]
async fn guessing_from_a_hundred_addresses_is_ten_tries_a_person_and_the_owner_still_gets_in() {
    for on in [On::Sqlite, On::Postgres] {
        let app = TestApp::start_with(on, |settings| settings.set("trusted_proxies", "127.0.0.0/8")).await;
        let Some(app) = app else { return };
        let guesses = number("CANOPY_SOAK_GUESSES", GUESSES);
        let agency = app.agency("Guessed").await;
        let mut people = vec![agency.email.clone()];
        for number in 1..PEOPLE {
            let email = format!("p{number}@guessed.example");
            app.member(agency.id, &email, "developer").await;
            people.push(email);
        }
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.fill("/sign-out", &[]).await;
        let attacker = Visitor::new(&app);
        let token = attacker.token().await;
        let mut looked_at = vec![0; PEOPLE];
        for first in (0..guesses).step_by(100) {
            let tries = (first..guesses.min(first + 100)).map(|number| {
                let person = usize::try_from(number).expect("few") % PEOPLE;
                let (attacker, app, token, email) = (&attacker, &app, &token, &people[person]);
                async move { (person, guess(app, attacker, token, number % PLACES, email).await.0) }
            });
            for (person, status) in join_all(tries).await {
                looked_at[person] += usize::from(status == 422);
            }
        }
        assert_eq!(looked_at, vec![10; PEOPLE], "ten each, from wherever they came");
        assert_eq!(owner.sign_in(&agency.email, PASSWORD).await.status, 303, "the owner's own device");
        println!("{guesses} guesses from {PLACES} addresses on {on:?}: ten a person looked at");
        if guesses > GUESSES {
            times(&app, &attacker, &token).await;
        }
    }
}

/// Whether there is such a person is not to be told by the time that a wrong password takes. By hand only.
async fn times(app: &TestApp, attacker: &Visitor, token: &str) {
    let agency = app.agency("Timed").await;
    for number in 0..60 {
        app.member(agency.id, &format!("known{number}@timed.example"), "developer").await;
    }
    // In turn, so that whatever else the machine does meets both alike.
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..60 {
        for (kind, times) in ["known", "unknown"].iter().zip(&mut times) {
            let email = format!("{kind}{number}@timed.example");
            times.push(guess(app, attacker, token, 1000 + number * 7, &email).await.1);
        }
    }
    let medians = times.map(|mut all| {
        all.sort_unstable();
        all[all.len() / 2]
    });
    let ratio = medians[0].as_secs_f64() / medians[1].as_secs_f64();
    println!("a wrong password of somebody known takes {:?}, of nobody {:?}: ratio {ratio:.2}", medians[0], medians[1]);
    assert!((0.7..1.4).contains(&ratio), "{ratio}");
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_nobody_out_once_it_is_right() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(app) = TestApp::start(on).await else { continue };
        let agency = app.agency("Ahead").await;
        let visitor = Visitor::new(&app);
        app.app.clock.step(chrono::TimeDelta::days(1));
        for _ in 0..10 {
            assert_eq!(visitor.sign_in(&agency.email, "a guess at it").await.status, 422);
        }
        assert_eq!(visitor.sign_in(&agency.email, PASSWORD).await.status, 429, "ten tries are used");
        app.app.clock.step(chrono::TimeDelta::days(-1));
        assert_eq!(Visitor::new(&app).sign_in(&agency.email, PASSWORD).await.status, 303);
    }
}
