//! No action's transaction grows with what somebody has: with twenty times as much it writes as many rows.
//!
//! Rows are counted, by SQLite, and not time. Both worlds have more than two slices of everything.

use canopy::actions::bulk_list::list_rows;
use canopy::actions::bulk_start::{Selection, Started, bulk_start, matching};
use canopy::actions::bulk_work::Work as Bulk;
use canopy::actions::clear_queue;
use canopy::actions::copy_suppressions;
use canopy::actions::create_domain::{NewDomain, SealedKey, Subdomains, create_domain};
use canopy::actions::create_suppression::{NewSuppression, create_suppression};
use canopy::actions::delete_domain::delete_domain;
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::delete_suppressions::wipe_suppressions;
use canopy::actions::delete_transport::delete_transport;
use canopy::actions::error::ActionResult;
use canopy::actions::lift_suspension::{end_due_suspensions, lift_suspension};
use canopy::actions::suspend_account::{Hold, suspend_account};
use canopy::actions::{Cx, Services, housekeeping};
use canopy::actions::{roll_periods, take_over_name};
use canopy::domain::domain_name::DomainName;
use canopy::domain::email_address::EmailAddress;
use canopy::domain::ids::Id;
use canopy::domain::text::SuspendReason;
use canopy::models::sub_account_list::Filter;
use canopy::models::{AnyConnection, domains};
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use crate::support::app::{Agency, Client, TestApp};

const SMALL: usize = 1_200;
const LARGE: usize = 20 * SMALL;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Rows that this connection has changed so far.
fn changed(conn: &mut AnyConnection) -> i64 {
    sql_query("SELECT total_changes() AS n").get_result::<Count>(conn).expect("a number").n
}

/// Whom the actions are about.
struct World<'a> {
    services: &'a Services,
    parent: Id,
    child: Id,
    /// Of the child.
    domain: String,
}

/// One row of everything for each number `i`, as the child's and, where rows are nobody's, as long over.
fn everything(agency: &Agency, client: &Client, many: usize) -> String {
    let (parent, child) = (agency.id.0.simple().to_string(), client.id.0.simple().to_string());
    let (id, zero) = ("CAST(substr('0000000000000000' || i, -16) AS BLOB)", "zeroblob(16)");
    let gone = "CAST('g' || substr('000000000000000' || i, -15) AS BLOB)";
    let (past, soon) = ("'2001-01-01 00:00:00'", "'2100-01-01 00:00:00'");
    let numbers =
        format!("(WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {many}) SELECT i FROM s) n");
    let domain = format!("(SELECT id FROM domains WHERE account_id = x'{child}' LIMIT 1)");
    let rows = [
        format!(
            "accounts (id, parent_id, name, name_lower, website, search_text, created_at, updated_at) \
             SELECT {id}, x'{parent}', 'c' || i, 'c' || i, 'c.example', '', {past}, {past}"
        ),
        format!(
            "account_summaries (account_id, parent_id, name_lower, state, cap_state, monthly_credit, sent, used_permille, \
             delivered, bounced, bounce_ppm, complaint_ppm, domain_count, created_at) \
             SELECT {id}, x'{parent}', 'c' || i, 'active', 'none', 0, 0, 0, 0, 0, 0, 0, 0, {past}"
        ),
        format!("account_queues (account_id, next_due_at, served_at) SELECT {id}, {soon}, {past}"),
        format!(
            "queue (message_id, account_id, due_at, attempts, expires_at, parent_id, destination, state) \
             SELECT {id}, x'{child}', {soon}, 0, {soon}, x'{parent}', 'x.example', 'scheduled'"
        ),
        format!(
            "held_messages (message_id, account_id, held_at, expires_at, due_at, parent_id, destination) \
             SELECT {id}, x'{child}', {past}, {soon}, {soon}, x'{parent}', 'x.example'"
        ),
        format!(
            "api_keys (id, account_id, label, public_key, secret_digest, ip_allow_list, created_by, created_at, updated_at) \
             SELECT {id}, x'{child}', 'k', 'k' || i, {id}, '[]', '', {past}, {past}"
        ),
        format!(
            "api_key_scopes (id, api_key_id, scope, domain_id, created_at, updated_at) \
             SELECT {id}, {id}, 'messages:send', {domain}, {past}, {past}"
        ),
        format!(
            "smtp_credentials (id, account_id, name, username, password_digest, sandbox, is_global, created_by, created_at, \
             updated_at) SELECT {id}, x'{child}', 'c', 'u' || i, {id}, FALSE, FALSE, '', {past}, {past}"
        ),
        format!("smtp_credential_domains (credential_id, domain_id, domain) SELECT {id}, {domain}, 'x.example'"),
        // Deleted ones, which chose a transport when they were there.
        format!(
            "accounts (id, parent_id, name, name_lower, website, search_text, created_at, updated_at, deleted_at) \
             SELECT {gone}, x'{parent}', 'g' || i, 'g' || i, 'g.example', '', {past}, {past}, {past}"
        ),
        format!("transport_choices (account_id, transport_id, updated_at) SELECT {gone}, {zero}, {past}"),
        // A name that each of the others added too, and waits for.
        format!(
            "domains (id, account_id, name, active_selector, dkim_private_sealed, dkim_public, next_check_at, created_at, \
             updated_at) SELECT {id}, {id}, 'wanted.example', '', {zero}, '', {soon}, {past}, {past}"
        ),
        // As many as an account may have, but for two.
        format!(
            "domains (id, account_id, name, active_selector, dkim_private_sealed, dkim_public, next_check_at, created_at, \
             updated_at) SELECT CAST('d' || substr('000000000000000' || i, -15) AS BLOB), x'{child}', 'd' || i || '.example', '', {zero}, '', {soon}, {past}, {past}"
        ),
        format!(
            "suppressions (id, account_id, email, email_lower, domain, reason, created_at, expires_at) \
             SELECT {id}, x'{child}', i || '@x.example', i || '@x.example', '*', '', {past}, {soon}"
        ),
        format!(
            "sessions (digest, state, address, user_agent, created_at, last_seen_at, expires_at) \
             SELECT {id}, '', '', '', {past}, {past}, {past}"
        ),
        format!("sign_in_failures (id, subject, at) SELECT {id}, {zero}, {past}"),
        format!("user_tokens (id, kind, digest, created_at, expires_at) SELECT {id}, 'reset', {id}, {past}, {past}"),
        format!(
            "idempotency_keys (account_id, key, fingerprint, lease_until, lease_owner, expires_at) \
             SELECT x'{child}', 'k' || i, {zero}, {past}, {zero}, {past}"
        ),
        format!("usage_hours (account_id, hour, accepted, released) SELECT x'{child}', i, 1, 0"),
        format!(
            "departed (message_id, account_id, domain_id, period_id, day, sender_domain, recipient_sealed, status, left_at) \
             SELECT {id}, x'{child}', {zero}, {zero}, '2001-01-01', 'x', {zero}, 'delivered', {past}"
        ),
        format!(
            "returned_reports (message_id, kind, account_id, sender_domain, recipient_digest, weight, at) \
             SELECT {id}, 'bounce', x'{child}', 'x', {zero}, 'none', {past}"
        ),
    ];
    let few = domains::MOST - 3;
    let insert = |rows: &String| match rows.contains("'d' || i") {
        true => format!("INSERT INTO {rows} FROM {numbers} WHERE i <= {few};"),
        false => format!("INSERT INTO {rows} FROM {numbers};"),
    };
    let hold = format!(
        "INSERT INTO suspensions (id, account_id, kind, reason, customer_text, created_by, created_at, until_at) \
         VALUES ({zero}, x'{parent}', 'manual', 'r', '', '', {past}, {past});"
    );
    let transport = format!(
        "INSERT INTO transports (id, account_id, name, kind, host, port, tls, username, source_ip, helo, max_connections, \
         messages_per_second, created_at, updated_at) \
         VALUES ({zero}, x'{parent}', 'Old', 'relay', 'mx.example', 25, 'required', '', '', '', 0, 0, {past}, {past});"
    );
    [transport, hold].into_iter().chain(rows.iter().map(insert)).collect()
}

type Work = fn(&mut AnyConnection, &Cx, &World<'_>) -> ActionResult<()>;

macro_rules! works {
    ($($name:literal: |$conn:ident, $cx:ident, $world:ident| $work:expr;)*) => {
        &[$(($name, (|$conn, $cx, $world| { let _ = (&$cx, &$world); $work?; Ok(()) }) as Work)),*]
    };
}

/// Each in a transaction of its own, one after another; what is cleared was noted by those before.
const WORKS: &[(&str, Work)] = works! {
    "start something for all": |conn, cx, world| start_for_all(conn, cx, world);
    "write down more of whom it is for": |conn, cx, world| write_down_more(conn, cx, world);
    "a hold of the parent ends": |conn, cx, world| end_due_suspensions(conn, cx);
    "suspend": |conn, cx, world| suspend_account(conn, cx, world.services, world.parent, world.child, &hold());
    "lift": |conn, cx, world| lift_suspension(conn, cx, world.parent, world.child);
    "add a domain": |conn, cx, world| create_domain(conn, cx, world.child, new_domain(world));
    "go on with its suppressions": |conn, cx, world| go_on_copying(conn, cx);
    "suppress an address for all domains": |conn, cx, world| create_suppression(conn, cx, world.child, &for_all(cx));
    "remove a domain": |conn, cx, world| delete_domain(conn, cx, world.child, &world.domain);
    "clear a slice": |conn, cx, world| clear_some(conn, cx);
    "delete a transport": |conn, cx, world| delete_transport(conn, cx, world.parent, Id(uuid::Uuid::nil()));
    "wipe suppressions": |conn, cx, world| wipe_suppressions(conn, cx, world.child, None);
    "hold a name that others wait for": |conn, cx, world| hold_wanted(conn, cx, world);
    "see to those who waited": |conn, cx, world| see_to_others(conn, cx);
    "hasten those who wait for a name": |conn, cx, world| domains::hasten(conn, "wanted.example", cx.at(), world.child);
    "delete a client": |conn, cx, world| delete_sub_account(conn, cx, world.parent, world.child);
    "purge": |conn, cx, world| housekeeping::purge(conn, cx.now, world.services);
    "begin the summaries of a period": |conn, cx, world| begin_summaries(conn, cx, world);
};

fn hold() -> Hold {
    Hold::manual(SuspendReason::parse("abuse").expect("a reason"))
}

fn start_for_all(conn: &mut AnyConnection, cx: &Cx, world: &World<'_>) -> ActionResult<Started> {
    let all = matching(conn, cx.now, world.parent, &Filter::default())?;
    bulk_start(conn, cx, world.parent, Bulk::Lift, Selection::All(all))
}

fn write_down_more(conn: &mut AnyConnection, cx: &Cx, world: &World<'_>) -> ActionResult<()> {
    let rest = start_for_all(conn, cx, world)?.rest.expect("there are more than one transaction writes");
    list_rows(conn, cx.now, &rest).map(drop)
}

fn new_domain(world: &World<'_>) -> NewDomain {
    NewDomain {
        name: DomainName::parse("new.example").expect("a name"),
        selector: None,
        subdomains: Subdomains::default(),
        key: SealedKey::generate(world.services),
    }
}

fn for_all(cx: &Cx) -> NewSuppression {
    let email = EmailAddress::parse("ann@x.example").expect("an address");
    NewSuppression { email, domain: None, reason: None, expires_at: cx.now + chrono::TimeDelta::days(1) }
}

/// The last that the child may have.
fn hold_wanted(conn: &mut AnyConnection, cx: &Cx, world: &World<'_>) -> ActionResult<()> {
    let mut domain = domains::find(conn, world.child, "new.example")?.expect("it was added");
    domain.id = Id::new(cx.now);
    domain.name = "wanted.example".into();
    domain.verified_at = Some(cx.at());
    domains::insert(conn, &domain)?;
    take_over_name::take_over_name(conn, &domain)
}

fn see_to_others(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<()> {
    let takeover = take_over_name::next(conn)?.expect("a name was taken over");
    take_over_name::go_on(conn, cx.now, takeover)
}

fn go_on_copying(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<()> {
    let copying = copy_suppressions::next(conn)?.expect("there are more than one transaction copies");
    copy_suppressions::go_on(conn, cx.now, copying)
}

/// As the leader does, 500 of those that speak of another period at a time.
fn begin_summaries(conn: &mut AnyConnection, cx: &Cx, world: &World<'_>) -> ActionResult<()> {
    let period = roll_periods::begin(conn, world.parent, cx.now)?;
    let mut stale = roll_periods::stale(conn, world.parent, period)?;
    stale.truncate(500);
    roll_periods::reset(conn, &stale, period).map(drop)
}

fn clear_some(conn: &mut AnyConnection, cx: &Cx) -> ActionResult<()> {
    let place = clear_queue::begin(conn)?.expect("a domain was removed");
    let slice = clear_queue::look(conn, place, 500)?;
    clear_queue::end(conn, cx.now, slice.here, &slice.ids).map(drop)
}

/// How many rows each work changed in a world of that size.
async fn written(many: usize) -> Vec<(&'static str, i64)> {
    let app = TestApp::sqlite().await;
    app.without_waiting_for_the_disk();
    let agency = app.agency("Bounded").await;
    let client = app.client(&agency, "bounded", 0).await;
    let rows = everything(&agency, &client, many);
    app.write(move |conn, _| Ok(conn.batch_execute(&rows)?)).await;
    let services = app.app.services.clone();
    let mut all = Vec::new();
    for (name, work) in WORKS {
        let (services, parent, child, domain) = (services.clone(), agency.id, client.id, client.domain.clone());
        let rows = app.write(move |conn, cx| {
            let before = changed(conn);
            work(conn, cx, &World { services: &services, parent, child, domain })?;
            Ok(changed(conn) - before)
        });
        all.push((*name, rows.await));
    }
    all
}

#[tokio::test]
async fn no_transaction_writes_more_rows_for_whoever_has_twenty_times_as_much() {
    let (small, large) = (written(SMALL).await, written(LARGE).await);
    println!("rows of one transaction each: {small:?}");
    assert_eq!(small, large);
    assert!(small.iter().all(|(name, rows)| *rows > 0 || *name == "clear a slice"), "each did something: {small:?}");
    assert!(small.iter().all(|(_, rows)| *rows < 5_000), "a few slices at most: {small:?}");
}
