//! How many messages an account may hold at its cap: what comes beyond is refused as if it did not hold.

use canopy::actions::ActionError;
use canopy::actions::accept_message::Outcome;
use canopy::actions::set_limits::set_limits;
use canopy::actions::update_sub_account::{Changes, update_sub_account};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::limits::{AtCap, Limits};
use canopy::jobs::Leader;
use canopy::models::held;
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;

use crate::submission::door::{Door, hand_in, letter};
use crate::support::app::{Client, On, TestApp};

/// A client that may send two and hold three.
async fn world(on: On) -> Option<(TestApp, Client)> {
    let app = TestApp::start_with(on, |settings| settings.set("held_messages_per_account", "3")).await?;
    let agency = app.agency("Shelf").await;
    let client = app.client(&agency, "shelf", 2).await;
    let (parent, child) = (agency.id, client.id);
    let holds = Limits { at_cap: AtCap::Hold, ..Limits::default() };
    app.write(move |conn, cx| set_limits(conn, cx, parent, child, holds)).await;
    Some((app, client))
}

/// What is handed in over SMTP has one answer: all of its recipients are held, or none.
#[tokio::test]
async fn a_message_over_smtp_is_held_whole_where_the_bound_would_cut_it() {
    for on in [On::Sqlite, On::Postgres] {
        let Some((app, client)) = world(on).await else { continue };
        let four = ["a@x.example", "b@x.example", "c@x.example", "d@x.example"];
        app.accept(&client, &four).await.expect("two leave and two wait");
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let reply = hand_in(&mut talk, "", &four[..3], &letter("hello@shelf.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        assert_eq!(held_by(&app, &client).await, 5, "none of the three is lost");
        let reply = hand_in(&mut talk, "", &four[..1], &letter("hello@shelf.example")).await;
        assert!(reply.starts_with("452 4.7.0 "), "{reply}");
    }
}

async fn held_by(app: &TestApp, client: &Client) -> i64 {
    let account = client.id;
    app.read(move |conn| Ok(held::count(conn, account)?)).await
}

#[tokio::test]
async fn beyond_the_bound_the_cap_refuses_over_api_and_smtp_and_takes_again_when_there_is_room() {
    for on in [On::Sqlite, On::Postgres] {
        let Some((app, client)) = world(on).await else { continue };
        let results = join_all((0..20).map(|_| app.accept(&client, &["ann@example.org"]))).await;
        let taken = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((taken, held_by(&app, &client).await), (5, 3), "two leave and three wait");
        let refused = results.into_iter().filter_map(Result::err).next();
        assert!(matches!(refused, Some(ActionError::CapReached { cap: 2, used: 2, .. })), "{refused:?}");

        let path = format!("/v2/accounts/{}/messages", client.id);
        let body = json!({ "from": { "email": "hello@shelf.example" }, "recipients": [{ "email": "a@x.example" }],
                           "subject": "Hello", "text_content": "Hello" });
        let (status, said) = app.call("POST", &path, &client.key, Some(&body)).await;
        assert!(status == 403 && said.to_string().contains("cap of 2 messages"), "{status} {said}");
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let reply = hand_in(&mut talk, "", &["a@x.example"], &letter("hello@shelf.example")).await;
        assert!(reply.starts_with("452 4.7.0 "), "{reply}");
        assert_eq!(held_by(&app, &client).await, 3);

        // A raised cap lets those go first, then there is room to hold again.
        let (account, child) = (client.id, client.id);
        let parent = app
            .read(move |conn| Ok(canopy::models::accounts::find(conn, account)?.expect("the client").root_id()))
            .await;
        let changes = Changes { cap: Some(MonthlyCap::new(5).expect("a cap")), ..Changes::default() };
        app.write(move |conn, cx| update_sub_account(conn, cx, parent, child, &changes)).await;
        Leader::new(app.app.clone()).round().await.expect("it keeps house");
        assert_eq!(held_by(&app, &client).await, 0);
        // What a node remembers of it is counted anew after a few seconds.
        app.app.clock.step(TimeDelta::seconds(4));
        let several = ["a@x.example", "b@x.example", "c@x.example", "d@x.example"];
        let accepted = app.accept(&client, &several).await.expect("three of them wait");
        let refused = |outcome: &Outcome| matches!(outcome, Outcome::Refused { .. });
        let refused: Vec<bool> = accepted.entries.iter().map(|entry| refused(&entry.outcome)).collect();
        assert_eq!(refused, [false, false, false, true], "recipient by recipient");
    }
}
