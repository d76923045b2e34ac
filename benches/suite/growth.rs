//! What the queries of the list cost at many sub accounts against few: a page by name, a page in the middle of
//! another order, a search that finds one, and a search that finds everybody.

use std::time::Instant;

use canopy::domain::ids::Id;
use canopy::models::sub_account_list::{Edge, Filter, Query, Sort, page};

use crate::fill::{self, Size};
use crate::table::{Line, Table, median, millis};
use crate::{On, World};

const SMALL: usize = 1_000;
const LARGE: [usize; 2] = [100_000, 1_000_000];
/// Times that each query is asked.
const TIMES: usize = 300;

pub fn run(on: On, table: &mut Table) {
    let small = costs(on, SMALL);
    for children in LARGE {
        for ((what, large), (_, small)) in costs(on, children).into_iter().zip(&small) {
            let (many, few) = (canopy::web::format::number(children), canopy::web::format::number(SMALL));
            table.add(Line {
                what: format!("{what}, {many} sub accounts against {few}"),
                on: on.name(),
                measured: millis(large),
                ceiling: format!("{few}: {}", millis(*small)),
                ratio: large / small,
                target: if on == On::Sqlite { "at most 2, goal flat" } else { "at most 4, goal flat" },
            });
        }
    }
}

/// The median seconds of each query.
fn costs(on: On, children: usize) -> Vec<(&'static str, f64)> {
    let world = World::new(on);
    let begun = Instant::now();
    let parent = fill::agency(&world, Size { children, days: 1, daily: 100 }).id;
    eprintln!("{children} sub accounts written in {:.1} s", begun.elapsed().as_secs_f64());
    let search = |words: &str| Filter { search: words.into(), ..Filter::default() };
    let middle = query(
        parent,
        Sort::Sent,
        Filter::default(),
        Some(Edge { key: canopy::models::sub_account_list::Key::Number(25_000), id: parent }),
    );
    vec![
        ("query of a page by name", cost(&world, &query(parent, Sort::Name, Filter::default(), None))),
        ("query of a page by messages, from the middle", cost(&world, &middle)),
        (
            "search that finds one",
            cost(&world, &query(parent, Sort::Name, search(&format!("c{}.example", children - 23)), None)),
        ),
        ("search that finds everybody", cost(&world, &query(parent, Sort::Name, search("example"), None))),
    ]
}

fn query(parent: Id, sort: Sort, filter: Filter, edge: Option<Edge>) -> Query {
    Query {
        parent,
        filter,
        sort,
        descending: sort == Sort::Sent,
        edge,
        backward: false,
        limit: 50,
        deleted_since: chrono::DateTime::UNIX_EPOCH.naive_utc(),
        open_days: Vec::new(),
    }
}

fn cost(world: &World, query: &Query) -> f64 {
    world.read(|conn| {
        let mut taken = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let asked = Instant::now();
            let found = page(conn, query)?;
            taken.push(asked.elapsed().as_secs_f64());
            assert!(!found.rows.is_empty(), "the query finds something");
        }
        Ok(median(taken))
    })
}
