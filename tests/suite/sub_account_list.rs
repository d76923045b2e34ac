//! The list of sub accounts at 100,000 rows on both databases: every order, every filter, every page, and the plans.

use canopy::actions::ensure_period::ensure_period;
use canopy::domain::ids::Id;
use canopy::models::accounts;
use canopy::models::sub_account_list::{
    CapFilter, Edge, Filter, Health, HoldFilter, Query, Sort, counts, explain, page, total,
};
use diesel::connection::SimpleConnection;

use crate::support::app::{Agency, TestApp, on_both};
use crate::support::many;

const ROWS: usize = 100_000;

/// Accounts in bulk, see `support::many`.
async fn fill(app: &TestApp, parent: Id, children: usize) {
    let today = app.app.clock.now().date_naive();
    app.write(move |conn, cx| {
        let agency = many::Agency { id: parent, period: ensure_period(conn, parent, cx.now)?.id };
        let sql = many::sql(conn, agency, many::Size { children, days: 1, daily: 100 }, today);
        Ok(conn.batch_execute(&sql)?)
    })
    .await;
}

fn query(agency: &Agency, sort: Sort, descending: bool, filter: Filter) -> Query {
    Query {
        parent: agency.id,
        filter,
        sort,
        descending,
        edge: None,
        backward: false,
        limit: 50,
        deleted_since: chrono::DateTime::UNIX_EPOCH.naive_utc(),
        open_days: vec!["2026-11-24".into(), "2026-11-23".into()],
    }
}

fn filters() -> Vec<(&'static str, Filter)> {
    let plain = Filter::default;
    vec![
        ("all", plain()),
        ("active", Filter { hold: HoldFilter::Active, ..plain() }),
        ("suspended", Filter { hold: HoldFilter::Suspended, ..plain() }),
        ("near", Filter { cap: CapFilter::Near, ..plain() }),
        ("high bounce", Filter { health: Health::HighBounce, ..plain() }),
        ("tag", Filter { tag: Some("vip".into()), ..plain() }),
        ("one name", Filter { search: "client 77777".into(), ..plain() }),
        ("every name", Filter { search: "example".into(), ..plain() }),
        ("two letters", Filter { search: "cl".into(), ..plain() }),
        ("no such letters", Filter { search: "zz".into(), ..plain() }),
        ("quotes", Filter { search: "a\"b'%_\\ \"\"\"".into(), ..plain() }),
        ("held and near", Filter { hold: HoldFilter::Suspended, cap: CapFilter::Near, ..plain() }),
    ]
}

/// A plan that reads the whole table, or sorts more than a few rows of it.
fn is_costly(plan: &[String]) -> bool {
    let few = plan.iter().any(|step| step.contains("few"));
    plan.iter().any(|step| {
        let whole = step.starts_with("SCAN s")
            || step.contains("Seq Scan on account_summaries")
            || step.contains("Seq Scan on accounts");
        let sorts = step.contains("USE TEMP B-TREE FOR ORDER BY") || step.contains("Sort Key") && !few;
        whole || (sorts && !few)
    })
}

#[tokio::test]
async fn no_order_and_no_filter_reads_or_sorts_a_hundred_thousand_rows() {
    on_both(|app| async move {
        let agency = app.agency("Big").await;
        fill(&app, agency.id, ROWS).await;
        for (name, filter) in filters() {
            // The last ones differ by their filter alone: three kinds of column stand for all.
            let thorough = matches!(name, "all" | "active" | "near");
            let some = [Sort::Name, Sort::Sent, Sort::Activity];
            for (sort, word) in Sort::ALL.into_iter().filter(|(sort, _)| thorough || some.contains(sort)) {
                for descending in [false, true] {
                    let mut wanted = query(&agency, sort, descending, filter.clone());
                    let (plans, second) = app
                        .read(move |conn| {
                            let mut plans = explain(conn, &wanted)?;
                            let first = page(conn, &wanted)?;
                            wanted.edge = first.rows.last().map(|row| Edge::of(row, sort));
                            plans.extend(explain(conn, &wanted)?);
                            Ok((plans, page(conn, &wanted)?))
                        })
                        .await;
                    for plan in &plans {
                        assert!(!is_costly(plan), "{name} by {word}, descending {descending}:\n{}", plan.join("\n"));
                    }
                    assert!(second.rows.len() <= 50);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn pages_forward_and_back_show_every_account_once_in_order() {
    on_both(|app| async move {
        let agency = app.agency("Small").await;
        fill(&app, agency.id, 230).await;
        for (sort, word) in Sort::ALL {
            for descending in [false, true] {
                let mut wanted = query(&agency, sort, descending, Filter::default());
                let (forward, back) = app
                    .read(move |conn| {
                        let mut forward: Vec<Id> = Vec::new();
                        let mut last = loop {
                            let shown = page(conn, &wanted)?;
                            forward.extend(shown.rows.iter().map(|row| row.account_id));
                            assert_eq!(shown.before, wanted.edge.is_some());
                            wanted.edge = shown
                                .rows
                                .last()
                                .map(|row| Edge::of(row, sort))
                                .map(|edge| Edge::decode(&edge.encode(), sort).expect("an edge survives its URL"));
                            if !shown.after {
                                break shown.rows;
                            }
                        };
                        let mut back: Vec<Id> = last.iter().map(|row| row.account_id).collect();
                        wanted.backward = true;
                        loop {
                            wanted.edge = last.first().map(|row| Edge::of(row, sort));
                            let shown = page(conn, &wanted)?;
                            back.splice(0..0, shown.rows.iter().map(|row| row.account_id));
                            if !shown.before {
                                break;
                            }
                            last = shown.rows;
                        }
                        Ok((forward, back))
                    })
                    .await;
                let mut unique = forward.clone();
                unique.sort_unstable();
                unique.dedup();
                assert_eq!((forward.len(), unique.len()), (230, 230), "{word}");
                assert_eq!(forward, back, "{word}, descending {descending}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn filters_find_what_they_name_and_chips_count_it() {
    on_both(|app| async move {
        let agency = app.agency("Small").await;
        fill(&app, agency.id, 2000).await;
        let other = app.agency("Other").await;
        app.client(&other, "client", 0).await;
        let since = chrono::DateTime::UNIX_EPOCH.naive_utc();
        let found = |filter: Filter| {
            let wanted = query(&agency, Sort::Name, false, filter.clone());
            let app = &app;
            async move {
                app.read(move |conn| Ok((page(conn, &wanted)?.rows.len(), total(conn, wanted.parent, &filter, since)?)))
                    .await
            }
        };
        for ((name, filter), expected) in filters().into_iter().zip([2000, 1998, 2, 40, 6, 20, 0, 2000, 2000, 0, 0, 2])
        {
            let (shown, all) = found(filter).await;
            assert_eq!((shown, all), (expected.min(50), expected as i64), "{name}");
        }
        assert_eq!(found(Filter { search: "c77.EXAMPLE client".into(), ..Filter::default() }).await, (1, 1));
        let parent = agency.id;
        let chips = app.read(move |conn| Ok(counts(conn, parent, since)?)).await;
        assert_eq!((chips.all(), chips.active, chips.suspended, chips.near, chips.deleted), (2000, 1998, 2, 40, 0));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_account_leaves_the_list_and_shows_only_among_the_deleted() {
    on_both(|app| async move {
        let agency = app.agency("Small").await;
        let client = app.client(&agency, "gone", 0).await;
        let parent = agency.id;
        app.write(move |conn, cx| canopy::actions::delete_sub_account::delete_sub_account(conn, cx, parent, client.id))
            .await;
        let live = query(&agency, Sort::Name, false, Filter::default());
        let mut gone = query(&agency, Sort::Name, false, Filter { hold: HoldFilter::Deleted, ..Filter::default() });
        gone.deleted_since = (app.app.clock.now() - chrono::TimeDelta::days(30)).naive_utc();
        let (live, recent, old) = app
            .read(move |conn| {
                let live = page(conn, &live)?.rows.len();
                let recent = page(conn, &gone)?.rows.len();
                let at = accounts::find_any(conn, client.id)?.and_then(|row| row.deleted_at).expect("deleted");
                gone.deleted_since = at + chrono::TimeDelta::seconds(1);
                Ok((live, recent, page(conn, &gone)?.rows.len()))
            })
            .await;
        assert_eq!((live, recent, old), (0, 1, 0));
    })
    .await;
}
