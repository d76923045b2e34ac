//! Caps are exact over SMTP too, and a message has one answer: it goes to all of its recipients or to none.

use canopy::actions::set_limits::set_limits;
use canopy::models::messages::Message;
use futures_util::future::join_all;

use super::door::{Door, hand_in, letter, messages_of};
use crate::support::app::on_both;

/// Conversations that race for one cap, and messages of each.
const SENDERS: usize = 40;
const EACH: usize = 4;

#[tokio::test]
async fn with_many_senders_at_once_exactly_the_cap_is_taken() {
    on_both(|app| async move {
        let agency = app.agency("Race").await;
        for cap in [1, 63, 500] {
            let label = format!("race{cap}");
            let client = app.client(&agency, &label, cap).await;
            let door = Door::trusted(&app, client.id);
            let from = format!("hello@{}", client.domain);
            let senders = (0..SENDERS).map(|_| async {
                let mut talk = door.talk().await;
                talk.expect("EHLO mailer.test", 250).await;
                let mut replies = Vec::new();
                for _ in 0..EACH {
                    replies.push(hand_in(&mut talk, "", &["you@example.org"], &letter(&from)).await);
                }
                replies
            });
            let replies: Vec<String> = join_all(senders).await.into_iter().flatten().collect();
            let taken = replies.iter().filter(|reply| reply.starts_with("250 ")).count();
            assert_eq!(taken, (SENDERS * EACH).min(usize::try_from(cap).expect("a cap")), "cap {cap}");
            let refused = replies.iter().filter(|reply| !reply.starts_with("250 "));
            for reply in refused {
                assert!(reply.starts_with("452 4.7.0 ") && reply.contains("cap"), "{reply}");
            }
            assert_eq!(messages_of(&app, client.id).await.len(), taken);
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_that_the_cap_would_cut_is_refused_whole_and_one_that_fits_goes_after_it() {
    on_both(|app| async move {
        let agency = app.agency("Whole").await;
        let client = app.client(&agency, "whole", 3).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let many = ["a@x.example", "b@x.example", "c@x.example", "d@x.example"];
        let reply = hand_in(&mut talk, "", &many, &letter("hello@whole.example")).await;
        assert!(reply.starts_with("452 4.7.0 "), "{reply}");
        assert!(messages_of(&app, client.id).await.is_empty(), "a retry sends nothing twice");
        let reply = hand_in(&mut talk, "", &many[..3], &letter("hello@whole.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        let reply = hand_in(&mut talk, "", &many[..1], &letter("hello@whole.example")).await;
        assert!(reply.starts_with("452 4.7.0 "), "{reply}");
    })
    .await;
}

#[tokio::test]
async fn an_account_that_holds_at_its_cap_takes_the_message_and_one_that_is_switched_off_refuses_for_good() {
    on_both(|app| async move {
        let agency = app.agency("Choice").await;
        let client = app.client(&agency, "choice", 1).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("EHLO mailer.test", 250).await;
        let (parent, account) = (agency.id, client.id);
        let limits =
            canopy::domain::limits::Limits { at_cap: canopy::domain::limits::AtCap::Hold, ..Default::default() };
        app.write(move |conn, cx| set_limits(conn, cx, parent, account, limits)).await;
        let reply = hand_in(&mut talk, "", &["a@x.example", "b@x.example"], &letter("hello@choice.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        let mut statuses: Vec<String> = messages_of(&app, client.id).await.into_iter().map(of_status).collect();
        statuses.sort();
        assert_eq!(statuses, ["held", "received"]);
        let off = canopy::domain::limits::Limits { sends_nothing: true, ..Default::default() };
        app.write(move |conn, cx| set_limits(conn, cx, parent, account, off)).await;
        let reply = hand_in(&mut talk, "", &["a@x.example"], &letter("hello@choice.example")).await;
        assert!(reply.starts_with("550 5.7.1 "), "no time lifts it: {reply}");
    })
    .await;
}

fn of_status(row: Message) -> String {
    row.status
}
