//! What a page and a message read of the days.

use canopy::domain::ids::Id;
use canopy::jobs::make_ahead;
use canopy::models::AnyConnection;
use canopy::models::messages;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::on_postgres;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

fn plan(conn: &mut AnyConnection, query: &str) -> QueryResult<String> {
    let lines: Vec<Line> = sql_query(format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}")).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn a_page_reads_what_it_shows_and_a_message_is_looked_for_in_its_day() {
    let Some(app) = on_postgres().await else { return };
    let now = app.app.clock.now();
    make_ahead(&app.app, now).await.expect("made");
    let (page, next, one, story) = app
        .write(move |conn, _| {
            let account = Id::new(now);
            let hex = account.0.simple();
            // 15 days of 2,000 messages, a message every 43 seconds.
            let start = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
            conn.batch_execute(&format!(
                "INSERT INTO messages (id, account_id, domain_id, period_id, day, content_id, sender, sender_domain, recipient, \
                 recipient_lower, subject, status, expires_at, created_at, updated_at, retain_until, purge_at) \
                 SELECT id, decode('{hex}', 'hex'), id, id, '', id, '', '', '', '', '', 'delivered', at, at, at, at, at FROM ( \
                 SELECT decode(lpad(to_hex({start} + i * 43200), 12, '0') || '7000' || substr(md5(i::text), 1, 16), 'hex') AS id, \
                 to_timestamp(0)::timestamp AS at FROM generate_series(0::bigint, 29999) i) m; ANALYZE messages;"
            ))?;
            let newest = messages::page(conn, account, &messages::Filter::default(), None, false, 51)?;
            assert_eq!(newest.len(), 51);
            let edge = newest[50].id.0.simple();
            let list = "SELECT * FROM messages WHERE account_id = decode";
            Ok((
                plan(conn, &format!("{list}('{hex}', 'hex') ORDER BY id DESC LIMIT 51"))?,
                plan(conn, &format!("{list}('{hex}', 'hex') AND id < decode('{edge}', 'hex') ORDER BY id DESC LIMIT 51"))?,
                plan(conn, &format!("SELECT * FROM messages WHERE id IN (decode('{edge}', 'hex'))"))?,
                plan(conn, &format!("SELECT * FROM attempts WHERE message_id IN (decode('{edge}', 'hex')) ORDER BY message_id, id"))?,
            ))
        })
        .await;
    for plan in [&page, &next] {
        assert!(plan.contains("Append") && !plan.contains("Sort Method"), "nothing is sorted:\n{plan}");
        assert!(!plan.contains("Seq Scan on messages_d"), "{plan}");
        let read: i64 = plan.lines().filter(|line| line.contains("Scan")).filter_map(rows_of).sum();
        assert!(read <= 51 + 17, "one row of each day, and the page: {read}\n{plan}");
    }
    assert!(one.matches("Scan using").count() == 1 && !one.contains("Append"), "one day alone:\n{one}");
    assert!(story.matches("attempts_d").count() >= 1 && !story.contains("Append"), "one day alone:\n{story}");
}

/// Rows that a step of a plan really read.
fn rows_of(line: &str) -> Option<i64> {
    line.split_once("actual rows=")?.1.split(' ').next()?.parse().ok()
}
