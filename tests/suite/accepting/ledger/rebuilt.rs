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

fn rebuilt(conn: &mut AnyConnection) -> QueryResult<Lines> {
    let columns = (
        messages::id,
        messages::account_id,
        messages::period_id,
        messages::day,
        messages::domain_id,
        messages::tags,
        messages::status,
    );
    let rows: Vec<Row> = messages::table.select(columns).load(conn)?;
    let parents: Vec<(Id, Option<Id>)> = accounts::table.select((accounts::id, accounts::parent_id)).load(conn)?;
    let parents: BTreeMap<Id, Id> = parents.into_iter().map(|(id, parent)| (id, parent.unwrap_or(id))).collect();
    // Where nobody was there to record the answer, nobody put it off.
    let put_off = attempts::table.filter(attempts::status.eq("deferred")).filter(attempts::log.not_like("No answer%"));
    let put_off: BTreeSet<Id> = put_off.select(attempts::message_id).load(conn)?.into_iter().collect();
    let unwanted = returned_reports::table.filter(returned_reports::kind.eq("complaint"));
    let unwanted: BTreeSet<Id> = unwanted.select(returned_reports::message_id).load(conn)?.into_iter().collect();
    let story: Vec<(Id, String, String)> = message_events::table
        .select((message_events::message_id, message_events::status, message_events::log))
        .load(conn)?;
    let with = |wanted: &dyn Fn(&str, &str) -> bool| -> BTreeSet<Id> {
        story.iter().filter(|(_, status, log)| wanted(status, log)).map(|(id, ..)| *id).collect()
    };
    let (held, released) = (with(&|status, _| status == "held"), with(&|_, log| log.starts_with("Released:")));
    let mut sums: BTreeMap<String, Counts> = BTreeMap::new();
    for (id, account, period, day, domain, tags, status) in rows {
        if held.contains(&id) && !released.contains(&id) {
            continue;
        }
        let is = |wanted: &str| i64::from(status == wanted);
        let counts = [
            1 - is("suppressed"),
            is("delivered"),
            i64::from(put_off.contains(&id)),
            is("bounced"),
            is("failed"),
            is("suppressed"),
            i64::from(unwanted.contains(&id)),
        ];
        let parent = parents[&account];
        let [accepted, delivered, _, bounced, _, _, complained] = counts;
        add(&mut sums, format!("counter {account} {period} of {parent}"), counts);
        add(&mut sums, format!("day {account} {period} {day} of {parent}"), counts);
        let left = [accepted, delivered, 0, bounced, 0, 0, complained];
        add(&mut sums, format!("total {parent} {day}"), left);
        if left != [0; 7] {
            add(&mut sums, format!("domain {account} {period} {day} {domain}"), left);
        }
        let tags: Vec<String> = serde_json::from_str(&tags).expect("a list");
        for tag in tags.iter().filter(|_| accepted > 0) {
            add(&mut sums, format!("tag {account} {period} {day} {tag}"), [accepted, 0, 0, 0, 0, 0, 0]);
        }
    }
    Ok(sums.into_iter().map(|(key, counts)| line(&key, counts)).collect())
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
    let rows: Vec<(Id, String, i64, i64, i64, i64)> =
        t::table.select((t::parent_id, t::day, t::accepted, t::delivered, t::bounced, t::complained)).load(conn)?;
    all.extend(rows.into_iter().map(|(parent, day, accepted, delivered, bounced, complained)| {
        line(&format!("total {parent} {day}"), [accepted, delivered, 0, bounced, 0, 0, complained])
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
