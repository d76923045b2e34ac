//! The ledger written anew from the messages and their stories alone, as text, beside the one that was kept.

use std::collections::{BTreeMap, BTreeSet};

use canopy::domain::ids::Id;
use canopy::models::AnyConnection;
use canopy::models::schema::{
    accounts, attempts, counters, message_events, messages, returned_reports, usage_days, usage_domains, usage_tags,
    usage_totals,
};
use diesel::prelude::*;

use crate::support::app::TestApp;

/// accepted, delivered, deferred, bounced, failed, suppressed, complained
type Counts = [i64; 7];
type Row = (Id, Id, Id, String, Id, String, String);
type Lines = BTreeSet<String>;

/// Fails at the first line that differs; how many there are.
pub async fn check(app: &TestApp) -> usize {
    let (kept, rebuilt) = app.read(|conn| Ok((kept(conn)?, rebuilt(conn)?))).await;
    let missing: Vec<_> = rebuilt.difference(&kept).take(5).collect();
    let strange: Vec<_> = kept.difference(&rebuilt).take(5).collect();
    assert_eq!((&missing, &strange), (&vec![], &vec![]), "what the messages say, and what was kept instead");
    assert_eq!(kept, rebuilt);
    kept.len()
}

/// What the stories say of messages.
struct Told {
    /// Put off at least once.
    put_off: BTreeSet<Id>,
    /// Called unwanted.
    unwanted: BTreeSet<Id>,
    /// Held at the cap and never released: they were never counted.
    held: BTreeSet<Id>,
}

fn told(conn: &mut AnyConnection) -> QueryResult<Told> {
    // Where nobody was there to record the answer, nobody put it off.
    let put_off = attempts::table.filter(attempts::status.eq("deferred")).filter(attempts::log.not_like("No answer%"));
    let put_off = put_off.select(attempts::message_id).load(conn)?.into_iter().collect();
    let unwanted = returned_reports::table.filter(returned_reports::kind.eq("complaint"));
    let unwanted = unwanted.select(returned_reports::message_id).load(conn)?.into_iter().collect();
    let held = message_events::table.filter(message_events::status.eq("held")).select(message_events::message_id);
    let held: BTreeSet<Id> = held.load(conn)?.into_iter().collect();
    let released = message_events::table.filter(message_events::log.like("Released:%"));
    let released: BTreeSet<Id> = released.select(message_events::message_id).load(conn)?.into_iter().collect();
    Ok(Told { put_off, unwanted, held: held.difference(&released).copied().collect() })
}

fn rebuilt(conn: &mut AnyConnection) -> QueryResult<Lines> {
    use messages as m;
    let rows: Vec<Row> =
        m::table.select((m::id, m::account_id, m::period_id, m::day, m::domain_id, m::tags, m::status)).load(conn)?;
    let parents: Vec<(Id, Option<Id>)> = accounts::table.select((accounts::id, accounts::parent_id)).load(conn)?;
    let parents: BTreeMap<Id, Id> = parents.into_iter().map(|(id, parent)| (id, parent.unwrap_or(id))).collect();
    let told = told(conn)?;
    let mut sums = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !told.held.contains(&row.0)) {
        count(&mut sums, &row, parents[&row.1], &told);
    }
    Ok(sums.into_iter().map(|(key, counts)| line(&key, counts)).collect())
}

fn count(sums: &mut BTreeMap<String, Counts>, row: &Row, parent: Id, told: &Told) {
    let (id, account, period, day, domain, tags, status) = row;
    let is = |wanted: &str| i64::from(status == wanted);
    let (put_off, unwanted) = (i64::from(told.put_off.contains(id)), i64::from(told.unwanted.contains(id)));
    let accepted = 1 - is("suppressed");
    let counts = [accepted, is("delivered"), put_off, is("bounced"), is("failed"), is("suppressed"), unwanted];
    add(sums, format!("counter {account} {period} of {parent}"), counts);
    add(sums, format!("day {account} {period} {day} of {parent}"), counts);
    let left = [accepted, is("delivered"), 0, is("bounced"), 0, 0, unwanted];
    add(sums, format!("total {parent} {period} {day}"), left);
    if left != [0; 7] {
        add(sums, format!("domain {account} {period} {day} {domain}"), left);
    }
    let tags: Vec<String> = serde_json::from_str(tags).expect("a list");
    for tag in tags.iter().filter(|_| accepted > 0) {
        add(sums, format!("tag {account} {period} {day} {tag}"), [accepted, 0, 0, 0, 0, 0, 0]);
    }
}

fn add(sums: &mut BTreeMap<String, Counts>, key: String, counts: Counts) {
    sums.entry(key).or_default().iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}

fn line(key: &str, counts: Counts) -> String {
    format!("{key}: {}", counts.map(|count| count.to_string()).join(" "))
}

fn kept(conn: &mut AnyConnection) -> QueryResult<Lines> {
    let mut all = Lines::new();
    use counters as c;
    let columns = (c::accepted, c::delivered, c::deferred, c::bounced, c::failed, c::suppressed, c::complained);
    type Seven = (i64, i64, i64, i64, i64, i64, i64);
    let seven = |(a, b, c, d, e, f, g): Seven| [a, b, c, d, e, f, g];
    let rows: Vec<(Id, Id, Id, Seven)> =
        c::table.select((c::account_id, c::period_id, c::parent_id, columns)).load(conn)?;
    all.extend(rows.into_iter().map(|(account, period, parent, counts)| {
        line(&format!("counter {account} {period} of {parent}"), seven(counts))
    }));
    use usage_days as d;
    let columns = (d::accepted, d::delivered, d::deferred, d::bounced, d::failed, d::suppressed, d::complained);
    let rows: Vec<(Id, Id, String, Id, Seven)> =
        d::table.select((d::account_id, d::period_id, d::day, d::parent_id, columns)).load(conn)?;
    all.extend(rows.into_iter().map(|(account, period, day, parent, counts)| {
        line(&format!("day {account} {period} {day} of {parent}"), seven(counts))
    }));
    use usage_totals as t;
    let columns = (t::parent_id, t::period_id, t::day, t::accepted, t::delivered, t::bounced, t::complained);
    let rows: Vec<(Id, Id, String, i64, i64, i64, i64)> = t::table.select(columns).load(conn)?;
    all.extend(rows.into_iter().map(|(parent, period, day, accepted, delivered, bounced, complained)| {
        line(&format!("total {parent} {period} {day}"), [accepted, delivered, 0, bounced, 0, 0, complained])
    }));
    by_domain_and_tag(conn, &mut all)?;
    Ok(all)
}

fn by_domain_and_tag(conn: &mut AnyConnection, all: &mut Lines) -> QueryResult<()> {
    use usage_domains as d;
    let columns = (d::accepted, d::delivered, d::bounced, d::complained);
    type Four = (i64, i64, i64, i64);
    let rows: Vec<(Id, Id, String, Id, Four)> =
        d::table.select((d::account_id, d::period_id, d::day, d::domain_id, columns)).load(conn)?;
    all.extend(rows.into_iter().map(|(account, period, day, domain, (accepted, delivered, bounced, complained))| {
        let key = format!("domain {account} {period} {day} {domain}");
        line(&key, [accepted, delivered, 0, bounced, 0, 0, complained])
    }));
    use usage_tags as t;
    let rows: Vec<(Id, Id, String, String, i64)> =
        t::table.select((t::account_id, t::period_id, t::day, t::tag, t::accepted)).load(conn)?;
    all.extend(rows.into_iter().map(|(account, period, day, tag, accepted)| {
        line(&format!("tag {account} {period} {day} {tag}"), [accepted, 0, 0, 0, 0, 0, 0])
    }));
    Ok(())
}
