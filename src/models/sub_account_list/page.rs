//! One page of the list, forward or back from an edge.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use super::edge::{Edge, Key};
use super::filter::{Filter, Part};
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::accounts::Listed;
use crate::models::summaries::Summary;

type Backend = <AnyConnection as Connection>::Backend;
type Types<T> = diesel::dsl::SqlTypeOf<<T as Selectable<Backend>>::SelectExpression>;
/// The columns of a row, as `source` names them.
type Columns = (Types<Summary>, Types<Listed>);

/// A filter that leaves at most so many accounts is asked first, and what it leaves is sorted.
pub(super) const FEW: i64 = 2_000;

/// The column that orders the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    Status,
    Sent,
    Used,
    Bounces,
    Complaints,
    Domains,
    Activity,
    /// The same order as `Sent`: cost is shared out by volume.
    Cost,
    Created,
}

impl Sort {
    /// Every column, with the word that names it in a URL.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Name, "name"),
        (Self::Status, "status"),
        (Self::Sent, "sent"),
        (Self::Used, "used"),
        (Self::Bounces, "bounces"),
        (Self::Complaints, "complaints"),
        (Self::Domains, "domains"),
        (Self::Activity, "activity"),
        (Self::Cost, "cost"),
        (Self::Created, "created"),
    ];

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, word)| *word == text).map(|(sort, _)| sort)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(sort, _)| *sort == self).map_or("name", |(_, word)| word)
    }

    fn column(self) -> &'static str {
        match self {
            Self::Name => "name_lower",
            Self::Status => "state",
            Self::Sent | Self::Cost => "sent",
            Self::Used => "used_permille",
            Self::Bounces => "bounce_ppm",
            Self::Complaints => "complaint_ppm",
            Self::Domains => "domain_count",
            Self::Activity => "last_activity_at",
            Self::Created => "created_at",
        }
    }
}

/// The statement of a page with the types of its columns: rows are read by place, which is quicker than by name.
struct Lines(Sql);

impl QueryFragment<Backend> for Lines {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl QueryId for Lines {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl diesel::query_builder::Query for Lines {
    type SqlType = Columns;
}

impl RunQueryDsl<AnyConnection> for Lines {}

/// What page is wanted.
#[derive(Clone, Debug)]
pub struct Query {
    pub parent: Id,
    pub filter: Filter,
    pub sort: Sort,
    pub descending: bool,
    /// The row before the page, or with `backward` the one after it.
    pub edge: Option<Edge>,
    pub backward: bool,
    pub limit: usize,
    /// Accounts deleted before this cannot be undeleted.
    pub deleted_since: NaiveDateTime,
}

/// A page, in the order it is shown.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<Summary>,
    /// What else is shown of each of them.
    pub accounts: Vec<Listed>,
    /// Whether there are rows before and after.
    pub before: bool,
    pub after: bool,
}

/// Reads a page.
///
/// # Errors
/// Only the database's.
pub fn page(conn: &mut AnyConnection, query: &Query) -> QueryResult<Page> {
    let mut rows: Vec<(Summary, Listed)> = Vec::new();
    for sql in statements(conn, query)? {
        if rows.len() <= query.limit {
            let lines = Lines(sql.kept_by(conn));
            rows.extend(lines.load::<(Summary, Listed)>(conn)?);
        }
    }
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    if query.backward {
        rows.reverse();
    }
    let (before, after) = if query.backward { (more, true) } else { (query.edge.is_some(), more) };
    let (rows, accounts) = rows.into_iter().unzip();
    Ok(Page { rows, accounts, before, after })
}

/// The rows of one page, walked in the direction that is asked for. NULLs, which only the last activity has, come
/// last when descending and are a statement of their own: the databases disagree on where they sort.
pub(super) fn statements(conn: &mut AnyConnection, query: &Query) -> QueryResult<Vec<Sql>> {
    let dialect = Dialect::of(conn);
    let parts = query.filter.parts(query.parent, query.deleted_since, dialect);
    let driver = rarest(conn, &parts)?;
    let down = query.descending != query.backward;
    let nulls = query.sort == Sort::Activity;
    let at_null = query.edge.as_ref().is_some_and(|edge| edge.key == Key::Null);
    let one = |null: bool| statement(query, &parts, driver, dialect, down, null);
    Ok(match (nulls, down) {
        (false, _) => vec![one(false)],
        (true, true) if at_null => vec![one(true)],
        (true, true) => vec![one(false), one(true)],
        (true, false) if at_null || query.edge.is_none() => vec![one(true), one(false)],
        (true, false) => vec![one(false)],
    })
}

/// The filter that leaves fewest accounts, when those are few.
fn rarest(conn: &mut AnyConnection, parts: &[Part]) -> QueryResult<Option<usize>> {
    let mut best: Option<(usize, i64)> = None;
    for (index, part) in parts.iter().enumerate() {
        let most = best.map_or(FEW + 1, |(_, count)| count);
        let count = super::count::at_most(conn, part.source.clone(), most)?;
        if count < most {
            best = Some((index, count));
        }
    }
    Ok(best.map(|(index, _)| index))
}

fn statement(query: &Query, parts: &[Part], driver: Option<usize>, dialect: Dialect, down: bool, null: bool) -> Sql {
    let column = query.sort.column();
    let mut sql = source(query.parent, parts, driver, dialect);
    sql = sql.and(" AND ").append(query.filter.live_test(dialect));
    for (_, part) in parts.iter().enumerate().filter(|(index, _)| Some(*index) != driver) {
        sql = sql.and(" AND ").append(part.test.clone());
    }
    if query.sort == Sort::Activity {
        sql = sql.and(if null { " AND s.last_activity_at IS NULL" } else { " AND s.last_activity_at IS NOT NULL" });
    }
    if let Some(edge) = query.edge.as_ref().filter(|edge| (edge.key == Key::Null) == null) {
        sql = sql.append(beyond(edge, column, down));
    }
    let way = if down { "DESC" } else { "ASC" };
    let order = if null { format!("s.account_id {way}") } else { format!("s.{column} {way}, s.account_id {way}") };
    sql = sql.and(&format!(" ORDER BY {order} LIMIT {}", query.limit + 1));
    // All accounts of a parent in an order that has an index: there is no better way, however many there are.
    if parts.is_empty() { sql.steady() } else { sql }
}

fn source(parent: Id, parts: &[Part], driver: Option<usize>, dialect: Dialect) -> Sql {
    let all = "SELECT s.account_id, s.parent_id, s.name_lower, s.state, s.cap_state, s.monthly_credit, s.period_id, s.sent, \
               s.used_permille, s.delivered, s.bounced, s.complained, s.bounce_ppm, s.complaint_ppm, s.domain_count, \
               s.member_count, s.last_activity_at, s.created_at, a.id, a.name, a.website, a.external_id, a.monthly_credit, \
               a.created_at, a.deleted_at FROM ";
    // The account of each row is looked up by its id, and never leads.
    let account = match dialect {
        Dialect::Postgres => {
            " CROSS JOIN LATERAL (SELECT * FROM accounts one WHERE one.id = s.account_id LIMIT 1) a WHERE s.parent_id = "
        }
        Dialect::Sqlite => " CROSS JOIN accounts a WHERE a.id = s.account_id AND s.parent_id = ",
    };
    match driver.and_then(|index| parts.get(index)) {
        None => Sql::text(all).and("account_summaries s").and(account).bind(Bind::Id(parent)),
        Some(part) => Sql::text("WITH few AS MATERIALIZED (")
            .append(part.source.clone())
            .and(") ")
            .and(all)
            // The few are looked up by their own ids. PostgreSQL would read all accounts into a hash as soon as that
            // seems cheaper for this many; a subquery of one row each leaves it no such choice.
            .and(match dialect {
                Dialect::Postgres => {
                    "few CROSS JOIN LATERAL (SELECT * FROM account_summaries one WHERE one.account_id = few.account_id \
                     LIMIT 1) s"
                }
                Dialect::Sqlite => "few CROSS JOIN account_summaries s ON s.account_id = few.account_id",
            })
            .and(account)
            .bind(Bind::Id(parent)),
    }
}

fn beyond(edge: &Edge, column: &str, down: bool) -> Sql {
    let sign = if down { "<" } else { ">" };
    let value = match &edge.key {
        Key::Null => return Sql::text(format!(" AND s.account_id {sign} ")).bind(Bind::Id(edge.id)),
        Key::Text(text) => Bind::Text(text.clone()),
        Key::Number(number) => Bind::Int(*number),
        Key::Time(at) => Bind::Time(*at),
    };
    Sql::text(format!(" AND (s.{column}, s.account_id) {sign} ("))
        .bind(value)
        .and(", ")
        .bind(Bind::Id(edge.id))
        .and(")")
}
