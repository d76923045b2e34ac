//! Forged, foreign and replayed reports change nothing and are counted; nobody's return path touches another's.

use canopy::domain::ids::Id;
use canopy::domain::return_path::ReturnAddress;
use canopy::models::{counters, messages};
use canopy::secrets::SecretKeys;

use super::fixtures::{About, all, one};
use super::mx::{Mx, about_id, message, refused};
use crate::support::app::{Client, TestApp, on_both};

/// A delivered message.
async fn delivered(app: &TestApp, client: &Client, recipient: &str) -> (Id, About) {
    let accepted = app.accept(client, &[recipient]).await.expect("accepted");
    let canopy::actions::accept_message::Outcome::Queued { id } = accepted.entries[0].outcome else { panic!("queued") };
    canopy::delivery::worker::run_once(&app.app).await;
    (id, about_id(app, client, id, recipient))
}

/// Status, story and counters of a message.
async fn state(app: &TestApp, id: Id) -> (String, usize, i64, i64, i64) {
    let row = message(app, id).await;
    let (account, period) = (row.account_id, row.period_id);
    let (events, counter) =
        app.read(move |conn| Ok((messages::events(conn, id)?.len(), counters::find(conn, account, period)?))).await;
    let counter = counter.expect("a counter");
    (row.status, events, counter.delivered, counter.bounced, counter.complained)
}

#[tokio::test]
async fn what_is_not_signed_by_us_is_refused_at_rcpt() {
    on_both(|app| async move {
        let agency = app.agency("Forged").await;
        let client = app.client(&agency, "forged", 0).await;
        let (id, about) = delivered(&app, &client, "ann@receiver.example").await;
        let before = state(&app, id).await;
        let mut mx = Mx::of(&app);
        let real = ReturnAddress::parse(&about.return_path).expect("an address");
        let other = SecretKeys::generate().0;
        let mut tag = real.clone();
        tag.mark.tag[9] ^= 1;
        let mut id_changed = real.clone();
        id_changed.mark.id = Id::new(app.app.clock.now());
        let forged = [
            tag.to_string(),
            id_changed.to_string(),
            ReturnAddress { host: "bounces.sibling.example".into(), ..real.clone() }.to_string(),
            about.return_path.replacen('b', "c", 1),
            canopy::actions::return_path::bounce_address(&other, id, &real.host),
        ];
        for address in &forged {
            assert_eq!(mx.send(None, address, about.fill(&one("dsn", "postfix"))).await, 550, "{address}");
        }
        let foreign = [
            "someone@example.org",
            "postmaster@bounces.canopy.example",
            "hello@forged.example",
            "b@bounces.canopy.example",
            "complaints@elsewhere.example",
        ];
        for address in foreign {
            assert_eq!(
                mx.send(Some("a@b.example"), address, about.fill(&one("dsn", "postfix"))).await,
                550,
                "{address}"
            );
        }
        assert_eq!(mx.send(None, &about.return_path.to_uppercase(), about.fill(&one("other", "vacation"))).await, 250);
        mx.stop();
        assert_eq!(state(&app, id).await, before);
        let refused = refused(&app).await;
        assert_eq!((refused["forged"], refused["relay"], refused["unreadable"]), (5, 5, 1), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn complaints_with_a_forged_mark_or_none_of_ours_change_nothing() {
    on_both(|app| async move {
        let agency = app.agency("Marks").await;
        let client = app.client(&agency, "marks", 0).await;
        let (id, about) = delivered(&app, &client, "ann@receiver.example").await;
        let before = state(&app, id).await;
        let mut mx = Mx::of(&app);
        let forged = about_id(&app, &client, Id::new(app.app.clock.now()), "ann@receiver.example");
        for (name, report) in all("complaints") {
            // Of another message, under this one's signature; and with nothing of ours in it.
            let mixed = About {
                mark: format!("{}{}", &forged.mark[..20], &about.mark[20..]),
                return_path: "someone@elsewhere.example".into(),
                ..about.clone()
            };
            assert_eq!(mx.send(Some("fbl@p.example"), &about.to, mixed.fill(&report)).await, 250, "{name}");
            let none = About { mark: "-".into(), return_path: "someone@elsewhere.example".into(), ..about.clone() };
            assert_eq!(mx.send(Some("fbl@p.example"), &about.to, none.fill(&report)).await, 250, "{name}");
        }
        // Signed, but about a message that there is not.
        assert_eq!(mx.send(None, &forged.return_path, forged.fill(&one("dsn", "postfix"))).await, 250);
        mx.stop();
        assert_eq!(state(&app, id).await, before);
        let refused = refused(&app).await;
        let marked = ["yahoo", "feedback-id"].len() as i64;
        assert_eq!((refused["forged"], refused["foreign"]), (marked, 3 + 1 + 1), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_report_touches_the_message_it_is_addressed_about_whatever_is_in_it() {
    on_both(|app| async move {
        let agency = app.agency("Paths").await;
        let (one_child, other_child) = (app.client(&agency, "one", 0).await, app.client(&agency, "other", 0).await);
        let (mine, my_about) = delivered(&app, &one_child, "ann@receiver.example").await;
        let (theirs, their_about) = delivered(&app, &other_child, "ann@receiver.example").await;
        let before = state(&app, theirs).await;
        let mx = Mx::of(&app);
        // Somebody who was sent mine has seen marks of theirs, and puts them into every place of the report.
        for name in ["postfix", "gmail", "exim"] {
            assert_eq!(mx.send(None, &my_about.return_path, their_about.fill(&one("dsn", name))).await, 250);
        }
        assert_eq!(state(&app, theirs).await, before, "the sibling is untouched");
        let (status, _, delivered, bounced, _) = state(&app, mine).await;
        assert_eq!((status.as_str(), delivered, bounced), ("bounced", 0, 1));
    })
    .await;
}

#[tokio::test]
async fn delays_and_successes_are_no_bounces_and_a_report_that_comes_too_early_is_asked_to_come_again() {
    on_both(|app| async move {
        let agency = app.agency("Early").await;
        let client = app.client(&agency, "early", 0).await;
        let accepted = app.accept(&client, &["ann@receiver.example"]).await.expect("accepted");
        let canopy::actions::accept_message::Outcome::Queued { id } = accepted.entries[0].outcome else {
            panic!("queued")
        };
        let about = about_id(&app, &client, id, "ann@receiver.example");
        let mut mx = Mx::of(&app);
        assert_eq!(
            mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await,
            451,
            "not recorded yet"
        );
        canopy::delivery::worker::run_once(&app.app).await;
        for name in ["postfix-delay", "exim-delay", "delivered", "not-spam"] {
            assert_eq!(mx.send(None, &about.return_path, about.fill(&one("other", name))).await, 250, "{name}");
        }
        assert_eq!(message(&app, id).await.status, "delivered");
        assert_eq!(mx.send(None, &about.return_path, about.fill(&one("dsn", "postfix"))).await, 250);
        assert_eq!(message(&app, id).await.status, "bounced");
        mx.stop();
        assert_eq!(refused(&app).await, [("notice".to_owned(), 4)].into());
    })
    .await;
}

#[tokio::test]
async fn of_one_report_that_comes_many_times_at_once_one_counts() {
    on_both(|app| async move {
        let agency = app.agency("Twice").await;
        let client = app.client(&agency, "twice", 0).await;
        let (id, about) = delivered(&app, &client, "ann@receiver.example").await;
        let mut mx = Mx::of(&app);
        let report = about.fill(&one("dsn", "postfix"));
        let sent = (0..12).map(|_| mx.send(None, &about.return_path, report.clone()));
        assert_eq!(futures_util::future::join_all(sent).await, [250; 12]);
        let (status, events, delivered, bounced, _) = state(&app, id).await;
        assert_eq!((status.as_str(), events, delivered, bounced), ("bounced", 1, 0, 1));
        mx.stop();
        assert_eq!(refused(&app).await, [("replayed".to_owned(), 11)].into());
    })
    .await;
}
