//! Several nodes over one database: each message once, and what a dead node held is taken over.

use std::collections::HashSet;

use canopy::actions::claim_deliveries::{Wanted, claim_deliveries};
use canopy::actions::finish_deliveries::{Answer, Finished, finish_deliveries};
use canopy::delivery::worker;
use chrono::TimeDelta;

use super::{accept, attempts, counter_of, deliver, message, queued, send_through};
use crate::support::app::on_both;
use crate::support::smtp_sink::SmtpSink;

#[tokio::test]
async fn two_nodes_never_deliver_the_same_message_twice() {
    const MESSAGES: usize = 300;
    on_both(|app| async move {
        let Some(sink) = SmtpSink::start() else { return };
        let agency = app.agency("Nodes").await;
        send_through(&app, agency.id, &sink).await;
        let mut all = Vec::new();
        let mut firsts = Vec::new();
        for n in 0..3 {
            let client = app.client(&agency, &format!("node{n}"), 0).await;
            let recipients: Vec<String> = (0..MESSAGES / 3).map(|r| format!("r{r}@c{n}.example.org")).collect();
            all.extend(accept(&app, &client, &recipients.iter().map(String::as_str).collect::<Vec<_>>()).await);
            firsts.push(all[n * MESSAGES / 3]);
        }
        let second = app.second_node();
        let (one, two) = tokio::join!(worker::run_once(&app.app), worker::run_once(&second));
        assert_eq!(one + two, MESSAGES);
        let arrived = sink.wait_for(MESSAGES).await;
        let different: HashSet<_> = arrived.iter().map(|one| one.recipients.clone()).collect();
        assert_eq!((arrived.len(), different.len()), (MESSAGES, MESSAGES));
        for first in firsts {
            let counted = counter_of(&app, first).await;
            assert_eq!((counted.accepted, counted.delivered), (100, 100));
        }
        println!("the nodes delivered {one} and {two} of {} on {:?}", all.len(), app.app.db.backend());
    })
    .await;
}

#[tokio::test]
async fn what_a_dead_node_held_is_delivered_when_its_lease_ran_out_and_counted_once() {
    on_both(|app| async move {
        let agency = app.agency("Takeover").await;
        let client = app.client(&agency, "takeover", 0).await;
        let id = accept(&app, &client, &["ann@example.org"]).await[0];
        let wanted = Wanted { limit: 16, per_account: 16, ..Wanted::default() };
        let dead = app.write(move |conn, cx| claim_deliveries(conn, cx.now, &wanted)).await.remove(0);
        assert_eq!(deliver(&app).await, 0, "the lease holds");
        app.app.clock.step(TimeDelta::minutes(6));
        assert_eq!(deliver(&app).await, 1);
        let row = message(&app, id).await;
        assert_eq!((row.status.as_str(), row.num_attempts), ("delivered", 2));
        let story = attempts(&app, id).await;
        assert_eq!((story[0].status.as_str(), story[1].status.as_str()), ("deferred", "delivered"));
        assert!(story[0].log.starts_with("No answer was recorded"), "{}", story[0].log);

        // The dead node was only slow: its answer is written into the story, and counts for nothing else.
        let answer = Answer::Reply { code: 250, text: "2.0.0 Taken".into() };
        let late = Finished { claimed: dead, host: "slow".into(), transport: None, answer, at: app.app.clock.now() };
        let held = app.write(move |conn, cx| finish_deliveries(conn, cx.now, &[late])).await;
        assert_eq!((held.len(), attempts(&app, id).await[0].host.as_str()), (0, "slow"));
        assert_eq!((counter_of(&app, id).await.delivered, queued(&app, client.id).await), (1, (0, 0)));
    })
    .await;
}
