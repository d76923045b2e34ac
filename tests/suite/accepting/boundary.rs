//! The clock passes the end of period after period while many send: each message is in one period, that of its time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use canopy::domain::ids::Id;
use canopy::models::messages::{self, Filter};
use canopy::models::{counters, periods};
use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::support::app::on_both;

const SENDERS: usize = 24;
/// Steps of the clock, in days: half a year, and once back.
const STEPS: [i64; 24] = [9, 9, 9, 9, 9, 9, 9, 9, 9, -4, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];

#[tokio::test]
async fn while_the_clock_passes_periods_under_load_each_message_is_in_exactly_one() {
    on_both(|app| async move {
        let agency = app.agency("Boundary").await;
        let client = app.client(&agency, "boundary", 0).await;
        let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
        let sending = join_all((0..SENDERS).map(|_| async {
            while !over.load(Ordering::SeqCst) {
                app.accept(&client, &["ann@example.org"]).await.expect("accepted");
                sent.fetch_add(1, Ordering::SeqCst);
            }
        }));
        let stepping = async {
            for step in STEPS {
                let wanted = sent.load(Ordering::SeqCst) + SENDERS / 4;
                while sent.load(Ordering::SeqCst) < wanted {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                app.app.clock.step(TimeDelta::days(step));
            }
            over.store(true, Ordering::SeqCst);
        };
        tokio::join!(sending, stepping);
        let (account, parent) = (client.id, agency.id);
        let (rows, all) = app
            .read(move |conn| {
                let rows = messages::page(conn, account, &Filter::default(), None, false, 1_000_000)?;
                let all = periods::all(conn, parent)?;
                let used = all.iter().map(|period| counters::used(conn, account, period.id));
                let used = used.collect::<Result<Vec<i64>, _>>()?;
                Ok((rows, all.into_iter().zip(used).collect::<Vec<_>>()))
            })
            .await;
        assert_eq!(rows.len(), sent.into_inner(), "each was written once");
        let mut within: BTreeMap<Id, i64> = BTreeMap::new();
        for row in &rows {
            *within.entry(row.period_id).or_default() += 1;
            let of =
                all.iter().filter(|(period, _)| period.start_at <= row.created_at && row.created_at < period.end_at);
            let of: Vec<Id> = of.map(|(period, _)| period.id).collect();
            assert_eq!(of, [row.period_id], "the one period of {}", row.created_at);
        }
        for (period, used) in &all {
            assert_eq!(within.get(&period.id).copied().unwrap_or(0), *used, "{}", period.start_at);
        }
        println!("{} messages in {} periods on {:?}", rows.len(), within.len(), app.app.db.backend());
        assert!(within.len() > 4, "{}", within.len());
    })
    .await;
}
