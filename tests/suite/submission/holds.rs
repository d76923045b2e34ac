//! A suspension holds for open conversations from the next command after its commit.

use canopy::actions::lift_suspension::lift_suspension;

use super::door::{Door, Login, NAMES, hand_in, letter, messages_of, program};
use crate::accepting::suspension::suspend;
use crate::support::app::{On, on_both};
use crate::support::certificates::Certificates;

#[tokio::test]
async fn an_open_conversation_gets_521_wherever_it_is() {
    on_both(|app| async move {
        let agency = app.agency("Open").await;
        let client = app.client(&agency, "open", 0).await;
        let door = Door::trusted(&app, client.id);
        let to_data = ["MAIL FROM:<>", "RCPT TO:<you@example.org>", "DATA"];
        let last = format!("{}.", letter("hello@open.example"));
        for said in 0..=to_data.len() {
            let mut talk = door.talk().await;
            talk.expect("EHLO mailer.test", 250).await;
            for (command, code) in to_data[..said].iter().zip([250, 250, 354]) {
                talk.expect(command, code).await;
            }
            suspend(&app, agency.id, client.id).await;
            let next = to_data.get(said).copied().unwrap_or(last.as_str());
            talk.expect(next, 521).await;
            assert_eq!(talk.rest().await, "", "after {next:?}");
            let (parent, child) = (agency.id, client.id);
            app.write(move |conn, cx| lift_suspension(conn, cx, parent, child)).await;
        }
        assert!(messages_of(&app, client.id).await.is_empty());
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        assert!(hand_in(&mut talk, "", &["you@example.org"], &letter("hello@open.example")).await.starts_with("250 "));
        suspend(&app, agency.id, client.id).await;
        talk.expect("NOOP", 521).await;
    })
    .await;
}

#[tokio::test]
async fn a_suspended_account_gets_521_at_auth() {
    let certificates = Certificates::of(NAMES);
    for on in [On::Sqlite, On::Postgres] {
        let Some(app) = program(on, &certificates).await else { continue };
        let agency = app.agency("Auth").await;
        let client = app.client(&agency, "auth", 0).await;
        let login = Login::of(&app, client.id).await;
        let door = Door::of_clients(&app);
        suspend(&app, agency.id, client.id).await;
        let mut talk = door.secure(&certificates).await;
        talk.expect(&Login { password: "wrong".into(), ..login.clone() }.plain(), 535).await;
        talk.expect(&login.plain(), 521).await;
        assert_eq!(talk.rest().await, "");
    }
}
