//! What a server says is written down whatever its bytes are, and a row that cannot be written holds up no other.

use canopy::models::AnyConnection;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;

use super::{accept, attempts, counter_of, deliver, message, queued, send_through_port};
use crate::support::app::{TestApp, on_both};
use crate::support::odd_server::OddServer;

#[tokio::test]
async fn what_a_server_says_is_stored_whatever_its_bytes_are_and_one_copy_is_sent() {
    let long = [b"250 2.0.0 ".as_slice(), &[b'x'; 5000], b"\r\n"].concat();
    let ways: [(&str, &[u8], &str, &str); 11] = [
        ("nul@example.org", b"250 2.0.0 queued\0as x\r\n", "delivered", "2.0.0 queued as x"),
        ("bare@example.org", b"250\r\n", "delivered", ""),
        ("bare-nul@example.org", b"250\0\r\n", "delivered", ""),
        ("all@example.org", b"250 \x01\x1b[31m\x7f\xc2\x80\xff\xed\xa0\x80\r\n", "delivered", ""),
        ("long@example.org", &long, "delivered", "2.0.0 xxxx"),
        ("lines@example.org", b"250-one\r\n\0\r\n250 two\r\n", "delivered", "one"),
        ("latin@example.org", b"550 5.1.1 Empf\xe4nger\0 unbekannt\r\n", "bounced", "5.1.1 Empf\u{fffd}nger"),
        ("full@example.org", b"552 5.2.2 vo\0ll\r\n", "bounced", "5.2.2 vo ll"),
        ("571@example.org", b"571 \0\r\n", "bounced", ""),
        ("591@example.org", b"591 hm\r\n", "bounced", "hm"),
        ("later@example.org", b"451 4.2.0 la\0ter\r\n", "deferred", "4.2.0 la ter"),
    ];
    let ways = &ways;
    on_both(|app| async move {
        let server = OddServer::start().await;
        let agency = app.agency("Odd").await;
        let client = app.client(&agency, "odd", 0).await;
        send_through_port(&app, agency.id, server.port).await;
        let recipients: Vec<&str> = ways.iter().map(|(recipient, ..)| *recipient).collect();
        for (recipient, answer, ..) in ways {
            server.answer(recipient, answer);
        }
        let ids = accept(&app, &client, &recipients).await;
        assert_eq!(deliver(&app).await, ways.len());
        for (id, (recipient, _, status, words)) in ids.iter().zip(ways) {
            let row = message(&app, *id).await;
            assert_eq!(row.status, *status, "{recipient}");
            let log = attempts(&app, *id).await.remove(0).log;
            assert!(log.contains(words) && !log.contains(char::is_control), "{recipient}: {log:?}");
        }
        // Past every lease and every first wait: nothing that was answered is sent again.
        app.app.clock.step(TimeDelta::minutes(2));
        assert_eq!(deliver(&app).await, 1, "the one that was told to come again");
        for (recipient, _, status, _) in ways {
            assert_eq!(server.copies(recipient), 1 + usize::from(*status == "deferred"), "{recipient}");
        }
        let counted = counter_of(&app, ids[0]).await;
        assert_eq!((counted.delivered, counted.bounced, counted.deferred), (6, 4, 1));
    })
    .await;
}

/// Has the database refuse rows of `attempts` for which `when` holds, at `event`.
async fn refuse(app: &TestApp, event: &'static str, when: String) {
    let work = move |conn: &mut AnyConnection, _: &_| {
        let script = match conn {
            AnyConnection::Sqlite(_) => format!(
                "CREATE TRIGGER refuse BEFORE {event} ON attempts WHEN {when} BEGIN SELECT RAISE(ABORT, 'refused'); END"
            ),
            AnyConnection::Pg(_) => format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$; \
                 CREATE TRIGGER refuse BEFORE {event} ON attempts FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse()"
            ),
        };
        Ok(conn.batch_execute(&script)?)
    };
    app.write(work).await;
}

async fn refuse_no_more(app: &TestApp) {
    let work = |conn: &mut AnyConnection, _: &_| {
        Ok(conn.batch_execute(match conn {
            AnyConnection::Sqlite(_) => "DROP TRIGGER refuse",
            AnyConnection::Pg(_) => "DROP TRIGGER refuse ON attempts",
        })?)
    };
    app.write(work).await;
}

#[tokio::test]
async fn an_outcome_whose_words_cannot_be_stored_is_recorded_without_them_and_holds_up_no_other() {
    on_both(|app| async move {
        let server = OddServer::start().await;
        let agency = app.agency("Poison").await;
        let client = app.client(&agency, "poison", 0).await;
        send_through_port(&app, agency.id, server.port).await;
        server.answer("gone@example.org", b"550 5.1.1 poison\r\n");
        server.answer("bad@example.org", b"250 2.0.0 poison\r\n");
        refuse(&app, "UPDATE", "NEW.log LIKE '%poison%'".into()).await;
        let ids = accept(&app, &client, &["bad@example.org", "ann@example.org", "gone@example.org"]).await;
        assert_eq!(deliver(&app).await, 3);
        let expected = [("delivered", Some(250), ""), ("delivered", Some(250), "2.0.0 ok"), ("bounced", Some(550), "")];
        for (id, (status, code, words)) in ids.iter().zip(expected) {
            assert_eq!(message(&app, *id).await.status, status);
            let attempt = attempts(&app, *id).await.remove(0);
            assert_eq!((attempt.status.as_str(), attempt.code, attempt.log.as_str()), (status, code, words));
        }
        app.app.clock.step(TimeDelta::hours(1));
        assert_eq!(deliver(&app).await, 0);
        for recipient in ["bad@example.org", "ann@example.org", "gone@example.org"] {
            assert_eq!(server.copies(recipient), 1, "{recipient}");
        }
        let row = message(&app, ids[2]).await;
        assert_eq!(row.bounce_classification, "InvalidRecipient", "the words still decide");
        assert_eq!(queued(&app, client.id).await, (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_message_that_cannot_be_claimed_holds_up_no_other() {
    on_both(|app| async move {
        let server = OddServer::start().await;
        let agency = app.agency("Claims").await;
        let (one, other) = (app.client(&agency, "claims", 0).await, app.client(&agency, "others", 0).await);
        send_through_port(&app, agency.id, server.port).await;
        let stuck = accept(&app, &one, &["stuck@example.org"]).await[0];
        accept(&app, &one, &["ann@example.org", "bob@example.org"]).await;
        accept(&app, &other, &["cem@example.org"]).await;
        let id = message(&app, stuck).await.id.0.simple().to_string();
        let literal = if app.app.db.is_shared() { format!("'\\x{id}'::bytea") } else { format!("x'{id}'") };
        refuse(&app, "INSERT", format!("NEW.message_id = {literal}")).await;
        assert_eq!(deliver(&app).await, 3);
        for recipient in ["ann@example.org", "bob@example.org", "cem@example.org"] {
            assert_eq!(server.copies(recipient), 1, "{recipient}");
        }
        assert_eq!((server.copies("stuck@example.org"), queued(&app, one.id).await), (0, (0, 1)));
        refuse_no_more(&app).await;
        app.app.clock.step(TimeDelta::minutes(6));
        assert_eq!(deliver(&app).await, 1);
        assert_eq!(server.copies("stuck@example.org"), 1);
    })
    .await;
}
