//! Every message has one end, or waits in one place.

use std::collections::BTreeSet;

use canopy::domain::ids::Id;
use canopy::models::AnyConnection;
use canopy::models::schema::{held_messages, message_events, messages, queue, queue_leases};
use diesel::prelude::*;

use crate::support::app::TestApp;

/// What has no end yet, by what messages say and by where they wait.
struct Waiting {
    said: BTreeSet<Id>,
    queued: BTreeSet<Id>,
    said_held: BTreeSet<Id>,
    held: BTreeSet<Id>,
    leased: BTreeSet<Id>,
    /// The messages of each step of a story that says `failed`.
    failed: Vec<Id>,
}

fn read(conn: &mut AnyConnection) -> QueryResult<Waiting> {
    let of = |conn: &mut AnyConnection, statuses: &[&str]| -> QueryResult<BTreeSet<Id>> {
        let rows: Vec<Id> =
            messages::table.filter(messages::status.eq_any(statuses.to_vec())).select(messages::id).load(conn)?;
        Ok(rows.into_iter().collect())
    };
    let failed = message_events::table.filter(message_events::status.eq("failed"));
    Ok(Waiting {
        said: of(conn, &["received", "scheduled", "deferred"])?,
        queued: queue::table.select(queue::message_id).load(conn)?.into_iter().collect(),
        said_held: of(conn, &["held"])?,
        held: held_messages::table.select(held_messages::message_id).load(conn)?.into_iter().collect(),
        leased: queue_leases::table.select(queue_leases::message_id).load(conn)?.into_iter().collect(),
        failed: failed.order(message_events::message_id).select(message_events::message_id).load(conn)?,
    })
}

/// Fails where a message is over and waits, is not over and waits nowhere, or ended twice.
pub async fn check(app: &TestApp) {
    let found = app.read(|conn| Ok(read(conn)?)).await;
    assert_eq!(found.said, found.queued, "who is not over is in the queue, and nobody else");
    assert_eq!(found.said_held, found.held, "who is held is at the cap, and nobody else");
    assert!(found.leased.is_subset(&found.queued), "who is leased is in the queue");
    let twice = found.failed.windows(2).find(|two| two[0] == two[1]);
    assert_eq!(twice, None, "nobody fails twice");
}
