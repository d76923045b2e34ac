//! What the queries of pages, API lists, workers and housekeeping read at 100,000 sub accounts and 50,000 rows of one:
//! what they need and no table. SQLite is asked for its plan, PostgreSQL counts the rows it has read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use canopy::actions::ensure_period::ensure_period;
use canopy::actions::refresh_summary::refresh_summary;
use canopy::actions::services::Services;
use canopy::actions::{Cx, housekeeping};
use canopy::domain::destination::Destinations;
use canopy::domain::ids::Id;
use canopy::domain::search_words::SearchWords;
use canopy::domain::waiting::Reason;
use canopy::models::families::Families;
use canopy::models::held::Shelves;
use canopy::models::queue_view::Whose;
use canopy::models::{
    AnyConnection, account_tags, accounts, api_keys, audit, clearings, counters, domains, held, installation, jobs,
    limits, messages, mta_sts, periods, queue, queue_view, saved_views, senders, smtp_credentials, sub_account_list,
    summaries, suppressions, suspensions, system_mails, usage,
};
use canopy::secrets::SecretKeys;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::connection::{Instrumentation, InstrumentationEvent, SimpleConnection};
use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::support::app::{TestApp, on_both};
use crate::support::many::{self, Agency, Dialect, Size};

const ACCOUNTS: usize = 100_000;
/// Rows of the one busy account: messages, queue, suppressions, audit.
const ROWS: usize = 50_000;
/// Rows that a query may read on PostgreSQL: a hundredth of the tables.
const MOST: i64 = 1_000;

/// Whom the queries are about.
#[derive(Clone, Copy)]
struct Big {
    agency: Agency,
    /// The busy account.
    child: Id,
    now: NaiveDateTime,
}

type Ask = fn(&mut AnyConnection, &Cx, Big) -> canopy::actions::ActionResult<()>;

fn address(account_id: Id) -> suppressions::Address {
    suppressions::Address { account_id, email_lower: "r777@x.example".into(), domain: "c1.example".into() }
}

macro_rules! asks {
    ($($name:literal: |$conn:ident, $cx:ident, $big:ident| $work:expr;)*) => {
        &[$(($name, (|$conn, $cx, $big| { let _ = (&$cx, &$big); $work?; Ok(()) }) as Ask)),*]
    };
}

const ASKS: &[(&str, Ask)] = asks! {
    "API, sub accounts": |conn, cx, big| accounts::page_of_children(conn, big.agency.id, None, false, 101);
    "API, sub accounts, next": |conn, cx, big| accounts::page_of_children(conn, big.agency.id, Some(big.child), true, 101);
    "API, domains": |conn, cx, big| domains::page(conn, big.child, None, None, false, 101);
    "API, keys": |conn, cx, big| api_keys::page(conn, big.child, None, false, 101);
    "API, SMTP credentials": |conn, cx, big| smtp_credentials::page(conn, big.child, None, (None, false), 101);
    "API, SMTP credentials of a domain": |conn, cx, big| smtp_credentials::page(conn, big.child, Some(&["c1.example".into()]), (None, false), 101);
    "SMTP credentials by name": |conn, cx, big| smtp_credentials::find_by_username(conn, "smtp-777");
    "SMTP credentials of an account": |conn, cx, big| smtp_credentials::find(conn, big.child, big.child);
    "domains of SMTP credentials": |conn, cx, big| smtp_credentials::domains_of(conn, &[big.child]);
    "SMTP credentials without their domain": |conn, cx, big| smtp_credentials::drop_domain(conn, big.child, 500);
    "SMTP credentials that end": |conn, cx, big| smtp_credentials::delete_some(conn, big.child, big.now, 500);
    "API, suppressions": |conn, cx, big| suppressions::page(conn, big.child, &Default::default(), big.now, None, false, 101);
    "suppressions of an address": |conn, cx, big| suppressions::page(conn, big.child,
        &suppressions::Filter { email_lower: Some("r777@x.example".into()), ..Default::default() }, big.now, None, false, 51);
    "suppressed": |conn, cx, big| suppressions::suppressed(conn, &[address(big.child)], big.now);
    "domains to send from": |conn, cx, big| domains::sending(conn, &[(big.child, "c1.example")]);
    "what bounds senders": |conn, cx, big| senders::find_many(conn, &[big.child, big.agency.id], big.now);
    "parents": |conn, cx, big| Families::default().parents_of(conn, &[big.child, big.agency.id]);
    "messages": |conn, cx, big| messages::page(conn, big.child, &Default::default(), None, false, 51);
    "messages, next": |conn, cx, big| messages::page(conn, big.child, &Default::default(), Some(big.child), true, 51);
    "messages by status": |conn, cx, big| messages::page(conn, big.child,
        &messages::Filter { statuses: vec!["Bounced".into()], ..Default::default() }, None, false, 51);
    "messages by recipient": |conn, cx, big| messages::page(conn, big.child,
        &messages::Filter { recipient_lower: Some("r777@x.example".into()), ..Default::default() }, None, false, 51);
    "a message": |conn, cx, big| messages::page(conn, big.child,
        &messages::Filter { id: Some(big.child), ..Default::default() }, None, false, 51);
    "activity": |conn, cx, big| audit::page(conn, big.agency.id, &Default::default(), None, false, 51);
    "activity of an account": |conn, cx, big| audit::page(conn, big.agency.id,
        &audit::Filter { account_id: Some(big.child), ..Default::default() }, None, false, 51);
    "activity of an old day": |conn, cx, big| audit::page(conn, big.agency.id, &old_day(), None, false, 51);
    "activity of an old day, newer": |conn, cx, big| audit::page(conn, big.agency.id, &old_day(), Some(3), true, 51);
    "anything due": |conn, cx, big| queue::any_due(conn, big.now);
    "due of an account": |conn, cx, big| queue::due(conn, &[big.child, big.agency.id], big.now, 16);
    "the end of a turn": |conn, cx, big| queue::end_turns(conn, &[big.child], big.now);
    "the queue": |conn, cx, big| seen(conn, big, Whose::Family(big.agency.id), None);
    "the queue of an account": |conn, cx, big| seen(conn, big, Whose::Account(big.child), None);
    "the queue of a destination": |conn, cx, big| queue_view::page(conn, Whose::Family(big.agency.id), big.agency.id,
        &queue_view::Filter { destination: Some("x7.example".into()), reason: None }, first(), big.now);
    "the queue, waiting": |conn, cx, big| seen(conn, big, Whose::Family(big.agency.id), Some(Reason::Waiting));
    "the queue, deferred": |conn, cx, big| seen(conn, big, Whose::Family(big.agency.id), Some(Reason::Deferred));
    "the queue, sending": |conn, cx, big| seen(conn, big, Whose::Family(big.agency.id), Some(Reason::Sending));
    "the queue, on hold": |conn, cx, big| seen(conn, big, Whose::Family(big.agency.id), Some(Reason::Suspended));
    "the queue, at the cap": |conn, cx, big| seen(conn, big, Whose::Family(big.agency.id), Some(Reason::AtCap));
    "the queue, oldest": |conn, cx, big| queue_view::oldest(conn, Whose::Family(big.agency.id));
    "what waits, of everybody": |conn, cx, big| installation::depths(conn, big.now, 20);
    "who is due longest": |conn, cx, big| installation::first_due(conn);
    "the lease of housekeeping": |conn, cx, big| installation::lease_until(conn, "housekeeping");
    "accounts to watch": |conn, cx, big| installation::watched(conn, big.now, 20);
    "dirty counters": |conn, cx, big| counters::dirty(conn, 50);
    "summary": |conn, cx, big| refresh_summary(conn, big.child, cx.now);
    "purge": |conn, cx, big| housekeeping::purge(conn, cx.now, &services());
    "accounts with held messages": |conn, cx, big| held::accounts(conn, Some(big.child), 256);
    "held messages, the oldest": |conn, cx, big| held::oldest(conn, big.child, 500);
    "a slice of a queue": |conn, cx, big| clearings::queued(conn, big.child, Some(step(big)), 500);
    "the newest of a queue": |conn, cx, big| queue::newest(conn, big.child);
    "the oldest of a queue": |conn, cx, big| queue::has_until(conn, big.child, big.child);
    "the newest held message": |conn, cx, big| held::newest(conn, big.child);
    "clearings, the oldest": |conn, cx, big| clearings::oldest(conn);
    "a slice of what is held": |conn, cx, big| clearings::held(conn, big.child, Some(step(big)), 500);
    "domains of a name, elsewhere": |conn, cx, big| domains::waiting_elsewhere(conn, big.agency.id, "c1.example", None, domains::WAITING);
    "held messages, over": |conn, cx, big| held::expired(conn, big.child, big.now, 500);
    "what an hour accepted": |conn, cx, big| limits::used_in_hour(conn, big.child, 1);
    "ended holds": |conn, cx, big| suspensions::ended(conn, big.now);
    "held": |conn, cx, big| suspensions::held(conn, &[big.child, big.agency.id], big.now);
    "the standing of who hands in mail": |conn, cx, big| suspensions::standing(conn, big.child, Some(big.child), big.now);
    "looks at DNS that are due": |conn, cx, big| domains::due(conn, (big.now, big.now + TimeDelta::days(1)), 50);
    "unverified domains": |conn, cx, big| domains::unverified_below(conn, big.agency.id, 5);
    "days of a parent": |conn, cx, big| usage::totals(conn, big.agency.id, "2026-01-01", "2026-12-31");
    "days of an account": |conn, cx, big| usage::days(conn, big.child, "2026-01-01", "2026-12-31");
    "days of a page": |conn, cx, big| usage::days_of_many(conn, &[big.child, big.agency.id], "2026-01-01");
    "names taken": |conn, cx, big| summaries::names_taken(conn, big.agency.id, &["client 777".into()]);
    "external ids taken": |conn, cx, big| accounts::external_ids_taken(conn, big.agency.id, &["k-77".into()]);
    "tags": |conn, cx, big| account_tags::used(conn, big.agency.id, 1);
    "the running period": |conn, cx, big| periods::containing(conn, big.agency.id, big.now);
    "figures of a page": |conn, cx, big| sub_account_list::some(conn, big.agency.id, &[big.child; 50]);
    "saved views": |conn, cx, big| saved_views::seen_by(conn, big.agency.id, big.agency.id);
    "a saved view": |conn, cx, big| saved_views::find(conn, big.agency.id, big.agency.id, big.child);
    "saved views that go with a member": |conn, cx, big| saved_views::delete_own(conn, big.agency.id, big.child);
    "an MTA-STS policy": |conn, cx, big| mta_sts::find(conn, "x7.example", big.now);
    "next job": |conn, cx, big| jobs::next(conn);
    "system mail": |conn, cx, big| system_mails::any_due(conn, big.now, big.now);
};

/// The first page of a queue, and the page before its end.
fn seen(conn: &mut AnyConnection, big: Big, whose: Whose, reason: Option<Reason>) -> diesel::QueryResult<()> {
    let filter = queue_view::Filter { destination: None, reason };
    let last = queue_view::Page { edge: Some(Id(uuid::Uuid::max())), backwards: true, limit: 51 };
    for page in [first(), last] {
        queue_view::page(conn, whose, big.agency.id, &filter, page, big.now)?;
    }
    Ok(())
}

fn step(big: Big) -> clearings::Step {
    clearings::Step { message_id: big.child, at: big.now }
}

fn first() -> queue_view::Page {
    queue_view::Page { limit: 51, ..queue_view::Page::default() }
}

/// Keys of their own: nothing sealed is read.
fn services() -> Services {
    Services {
        secrets: SecretKeys::generate().0.into(),
        public_url: String::new(),
        destinations: Destinations::default(),
        families: Families::default(),
        shelves: Shelves::of(100_000),
    }
}

fn old_day() -> audit::Filter {
    let from = chrono::NaiveDate::from_ymd_opt(2026, 1, 10).and_then(|day| day.and_hms_opt(0, 0, 0));
    let to = from.map(|from| from + TimeDelta::hours(1));
    audit::Filter { from, to, ..audit::Filter::default() }
}

#[tokio::test]
async fn no_page_and_no_job_reads_a_whole_table() {
    on_both(|app| async move {
        let big = fill(&app).await;
        let mut costly = Vec::new();
        for (name, ask) in ASKS {
            if let Some(why) = app.write(move |conn, cx| too_much(conn, cx, big, *ask)).await {
                costly.push(format!("{name}: {why}"));
            }
        }
        assert!(costly.is_empty(), "{}", costly.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn no_page_of_the_queue_reads_all_that_waits() {
    on_both(|app| async move {
        let big = fill(&app).await;
        let mut costly = Vec::new();
        for (name, ask) in ASKS.iter().filter(|(name, _)| name.starts_with("the queue")) {
            if let Some(why) = app.write(move |conn, cx| too_much(conn, cx, big, *ask)).await {
                costly.push(format!("{name}: {why}"));
            }
        }
        assert!(costly.is_empty(), "{}", costly.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn the_activity_of_a_day_is_that_days() {
    on_both(|app| async move {
        let big = fill_rows(&app, 300).await;
        let filter = old_day();
        let (some, none) = app
            .read(move |conn| {
                let some =
                    audit::page(conn, big.agency.id, &audit::Filter { from: None, ..filter.clone() }, None, false, 51)?;
                Ok((some, audit::page(conn, big.agency.id, &filter, None, false, 51)?))
            })
            .await;
        // The 300 entries are a minute apart and begin with the year.
        assert_eq!((some.first().map(|entry| entry.seq), some.len(), none.len()), (Some(300), 51, 0));
        let hour = |hour| chrono::NaiveDate::from_ymd_opt(2026, 1, 1).and_then(|day| day.and_hms_opt(hour, 0, 0));
        let filter = audit::Filter { from: hour(1), to: hour(2), ..audit::Filter::default() };
        let seqs = app
            .read(move |conn| Ok(audit::page(conn, big.agency.id, &filter, None, true, 100)?))
            .await
            .into_iter()
            .map(|entry| entry.seq)
            .collect::<Vec<_>>();
        assert_eq!(seqs, (60..=120).collect::<Vec<i64>>());
    })
    .await;
}

/// Why what `ask` runs costs too much, if it does.
fn too_much(conn: &mut AnyConnection, cx: &Cx, big: Big, ask: Ask) -> canopy::actions::ActionResult<Option<String>> {
    let before = rows_read(conn)?;
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let notes = Arc::clone(&asked);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let sql = text.split(" -- binds").next().unwrap_or_default().to_owned();
            notes.lock().expect("one thread").push(sql);
        }
    });
    let answered = ask(conn, cx, big);
    conn.set_instrumentation(None::<Box<dyn Instrumentation>>);
    answered?;
    match conn {
        AnyConnection::Pg(_) => {
            let read = rows_read(conn)?.into_iter().map(|(table, n)| (n - before.get(&table).unwrap_or(&0), table));
            let read: Vec<(i64, String)> = read.filter(|(n, _)| *n > 100).collect();
            let all: i64 = read.iter().map(|(n, _)| n).sum();
            Ok((all > MOST).then(|| format!("{all} rows read: {read:?}")))
        }
        AnyConnection::Sqlite(conn) => {
            let asked = asked.lock().expect("one thread").clone();
            assert!(!asked.is_empty(), "the statements are seen");
            let costly: Vec<String> = asked.iter().filter_map(|sql| costly_plan(conn, sql)).collect();
            Ok((!costly.is_empty()).then(|| costly.join("\n")))
        }
    }
}

#[derive(QueryableByName)]
struct Read {
    #[diesel(sql_type = Text)]
    relname: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// What a connection to PostgreSQL has read of each table; transactions before this one may be among it.
fn rows_read(conn: &mut AnyConnection) -> diesel::QueryResult<HashMap<String, i64>> {
    let AnyConnection::Pg(conn) = conn else { return Ok(HashMap::new()) };
    let sql = "SELECT CAST(relname AS TEXT) AS relname, seq_tup_read + COALESCE(idx_tup_fetch, 0) AS n \
               FROM pg_stat_xact_user_tables";
    Ok(sql_query(sql).load::<Read>(conn)?.into_iter().map(|read| (read.relname, read.n)).collect())
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// A plan that walks a large table from end to end, or sorts what it has found.
fn costly_plan(conn: &mut SqliteConnection, sql: &str) -> Option<String> {
    const LARGE: [&str; 17] = [
        "accounts",
        "account_summaries",
        "account_tags",
        "audit_entries",
        "contents",
        "counters",
        "domains",
        "held_messages",
        "idempotency_keys",
        "messages",
        "queue",
        "saved_views",
        "sessions",
        "smtp_credential_domains",
        "smtp_credentials",
        "suppressions",
        "usage_days",
    ];
    let looks = ["SELECT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| sql.starts_with(verb));
    // An empty list of ids: SQLite answers without looking.
    if !looks || sql.contains("(1=0)") {
        return None;
    }
    let steps: Vec<Step> = sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).expect("the plan of a statement");
    // What the exceptions have in an index of their own, and the rows of one address, are few.
    let few = ["counters_dirty", "domains_unverified", "suspensions_ending", "jobs_waiting", "email_lower=?"];
    let few = |step: &Step| few.iter().any(|name| step.detail.contains(name));
    let walks = |step: &Step| {
        let table = step.detail.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        table.is_some_and(|table| LARGE.contains(&table)) && !few(step)
    };
    let sorts = |step: &Step| !steps.iter().any(few) && step.detail.contains("TEMP B-TREE FOR ORDER BY");
    let bad = steps.iter().any(|step| walks(step) || sorts(step));
    bad.then(|| {
        format!("{sql}\n    {}", steps.iter().map(|step| step.detail.as_str()).collect::<Vec<_>>().join("\n    "))
    })
}

async fn fill(app: &TestApp) -> Big {
    fill_rows(app, ROWS).await
}

/// An agency of 100,000 (or few, for few rows), one of whose accounts has `rows` of everything.
async fn fill_rows(app: &TestApp, rows: usize) -> Big {
    let parent = app.agency("Big").await.id;
    let children = if rows == ROWS { ACCOUNTS } else { 10 };
    let today = app.app.clock.now().date_naive();
    let agency = app
        .write(move |conn, cx| {
            let agency = Agency { id: parent, period: ensure_period(conn, parent, cx.now)?.id };
            conn.batch_execute(&many::sql(conn, agency, Size { children, days: 1, daily: 10 }, today))?;
            conn.batch_execute(&everything(conn, agency, children, rows))?;
            Ok(agency)
        })
        .await;
    let now = app.app.clock.now().naive_utc();
    let child = app
        .read(move |conn| {
            Ok(accounts::of_family_named(conn, parent, &SearchWords::cut("client 1").expect("words"), 1)?)
        })
        .await[0];
    Big { agency, child, now }
}

fn everything(conn: &AnyConnection, agency: Agency, children: usize, rows: usize) -> String {
    let all = Dialect::of(conn, agency, children);
    let Dialect { parent, period, id, numbers, at } = Dialect::of(conn, agency, rows);
    let (accounts, future, past) = (all.numbers, "TIMESTAMP '2036-01-01 00:00:00'", "TIMESTAMP '2026-01-01 00:00:00'");
    let plain = |text: &str| {
        if matches!(conn, AnyConnection::Sqlite(_)) { text.replace("TIMESTAMP ", "") } else { text.into() }
    };
    let child = "(SELECT id FROM accounts WHERE name_lower = 'client 1')";
    plain(&format!(
        "INSERT INTO domains (id, account_id, name, active_selector, dkim_private_sealed, dkim_public, verified_at, next_check_at, created_at, updated_at) \
         SELECT {id}, {id}, 'c' || i || '.example', 'canopy', {id}, '', CASE WHEN i % 100 = 0 THEN NULL ELSE {past} END, {future}, {past}, {past} FROM {accounts}; \
         INSERT INTO smtp_credentials (id, account_id, name, username, password_digest, sandbox, is_global, created_by, created_at, updated_at) \
         SELECT {id}, {id}, 'Shop', 'smtp-' || i, {id}, FALSE, FALSE, 'test', {past}, {past} FROM {accounts}; \
         INSERT INTO smtp_credential_domains (credential_id, domain_id, domain) SELECT {id}, {id}, 'c' || i || '.example' FROM {accounts}; \
         INSERT INTO messages (id, account_id, domain_id, period_id, day, content_id, sender, sender_domain, recipient, recipient_lower, subject, status, \
         expires_at, created_at, updated_at, retain_until, purge_at) SELECT {id}, {child}, {child}, {period}, '2026-01-01', {id}, 'a@c1.example', 'c1.example', \
         'r' || i || '@x.example', 'r' || i || '@x.example', 'Hello', CASE WHEN i % 10 = 0 THEN 'Bounced' ELSE 'Delivered' END, {future}, {past}, {past}, {future}, {future} FROM {numbers}; \
         INSERT INTO contents (id, account_id, payload, request_id, purge_at, last_message_id, has_attachments) \
         SELECT {id}, {child}, {id}, {id}, {future}, {id}, i % 100 = 0 FROM {numbers}; \
         INSERT INTO queue (message_id, account_id, due_at, expires_at, parent_id, destination, state) \
         SELECT {id}, {child}, {past}, {future}, {parent}, 'x' || (i % 1000) || '.example', 'waiting' FROM {numbers}; \
         INSERT INTO queue_leases (message_id, account_id, parent_id, owner, until_at, attempt) \
         SELECT message_id, account_id, parent_id, {child}, {future}, 1 FROM queue LIMIT 10; \
         INSERT INTO held_messages (message_id, account_id, held_at, expires_at, due_at, parent_id, destination) \
         SELECT {id}, {child}, {past}, {future}, {past}, {parent}, 'x' || (i % 1000) || '.example' FROM {numbers}; \
         INSERT INTO account_queues (account_id, next_due_at, served_at) VALUES ({child}, {past}, {past}); \
         INSERT INTO suppressions (id, account_id, email, email_lower, domain, reason, created_at, expires_at) \
         SELECT {id}, {child}, 'r' || i || '@x.example', 'r' || i || '@x.example', 'c1.example', 'hard bounce', {past}, {future} FROM {numbers}; \
         INSERT INTO audit_entries (id, root_id, seq, account_id, at, actor_kind, actor_label, action, target, address, request_id, previous_hash, hash) \
         SELECT {id}, {parent}, i, CASE WHEN i % 100 = 0 THEN {child} ELSE {parent} END, {at}, 'user', 'ann@example.org', 'account.update', 'x', '', '', {id}, {id} FROM {numbers}; \
         INSERT INTO idempotency_keys (account_id, key, fingerprint, lease_until, lease_owner, expires_at) \
         SELECT {child}, 'key ' || i, {id}, {past}, {id}, {future} FROM {numbers}; \
         INSERT INTO users (id, name, email, email_lower, created_at, updated_at) SELECT {id}, 'Ann', 'u' || i, 'u' || i, {past}, {past} FROM {numbers}; \
         INSERT INTO saved_views (id, account_id, user_id, name, name_lower, shared, query, created_at, updated_at) \
         SELECT {id}, {parent}, {id}, 'View', 'view', i <= 50, '', {past}, {past} FROM {numbers}; \
         INSERT INTO sessions (digest, state, address, user_agent, created_at, last_seen_at, expires_at) \
         SELECT {id}, '', '', '', {past}, {past}, {future} FROM {numbers}; ANALYZE;"
    ))
}
