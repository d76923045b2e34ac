//! One page of the list, forward or back from an edge.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Nullable, Text, Timestamp};

use super::edge::{Edge, Key};
use super::filter::{Filter, Part};
use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::models::AnyConnection;
use crate::models::trends::OpenDays;

type Backend = <AnyConnection as Connection>::Backend;
/// The columns of a [`Line`], as `source` and `with_open_days` name them.
type Columns = (
    (Binary, Text, Text, Nullable<Binary>, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt),
    (Nullable<Timestamp>, Timestamp, Text, Text, Nullable<Text>, BigInt, Nullable<Timestamp>),
    (Nullable<BigInt>, Nullable<BigInt>),
);

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
pub(super) struct Lines(pub(super) Sql);

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

/// One account of a page: what orders it, what is shown of it.
#[derive(Clone, Debug)]
pub struct Line {
    pub account_id: Id,
    pub name_lower: String,
    pub state: String,
    /// The period that the figures are of.
    pub period_id: Option<Id>,
    pub sent: i64,
    pub used_permille: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
    pub bounce_ppm: i64,
    pub complaint_ppm: i64,
    pub domain_count: i64,
    pub last_activity_at: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub name: String,
    pub website: String,
    pub external_id: Option<String>,
    pub monthly_credit: i64,
    pub deleted_at: Option<NaiveDateTime>,
    /// What was accepted on each of the days asked for.
    pub open_days: OpenDays,
}

type Figures = (Id, String, String, Option<Id>, i64, i64, i64, i64, i64, i64, i64, i64);
type About = (Option<NaiveDateTime>, NaiveDateTime, String, String, Option<String>, i64, Option<NaiveDateTime>);

/// A row as it is read.
pub(super) type Row = (Figures, About, (Option<i64>, Option<i64>));

impl Line {
    pub(super) fn of((figures, about, days): Row) -> Self {
        let (account_id, name_lower, state, period_id, sent, used_permille, delivered, bounced, complained, ..) =
            figures;
        let (bounce_ppm, complaint_ppm, domain_count) = (figures.9, figures.10, figures.11);
        let (last_activity_at, created_at, name, website, external_id, monthly_credit, deleted_at) = about;
        Self {
            account_id,
            name_lower,
            state,
            period_id,
            sent,
            used_permille,
            delivered,
            bounced,
            complained,
            bounce_ppm,
            complaint_ppm,
            domain_count,
            last_activity_at,
            created_at,
            name,
            website,
            external_id,
            monthly_credit,
            deleted_at,
            open_days: [days.0, days.1],
        }
    }
}

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
    /// Up to two days, as `YYYY-MM-DD`, of which each account's accepted messages are wanted too.
    pub open_days: Vec<String>,
}

/// A page, in the order it is shown.
#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<Line>,
    /// Whether there are rows before and after.
    pub before: bool,
    pub after: bool,
}

/// Reads a page.
///
/// # Errors
/// Only the database's.
pub fn page(conn: &mut AnyConnection, query: &Query) -> QueryResult<Page> {
    let mut rows: Vec<Line> = Vec::new();
    for sql in statements(conn, query)? {
        if rows.len() <= query.limit {
            let lines = Lines(sql.kept_by(conn)).load::<Row>(conn)?;
            rows.extend(lines.into_iter().map(Line::of));
        }
    }
    let more = rows.len() > query.limit;
    rows.truncate(query.limit);
    if query.backward {
        rows.reverse();
    }
    let (before, after) = if query.backward { (more, true) } else { (query.edge.is_some(), more) };
    Ok(Page { rows, before, after })
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
    let sql = with_open_days(sql, &query.open_days);
    // All accounts of a parent in an order that has an index: there is no better way, however many there are.
    if parts.is_empty() { sql.steady() } else { sql }
}

/// The same lines with two columns more. The days are looked up for lines of the page alone, not for all that are sorted.
pub(super) fn with_open_days(lines: Sql, days: &[String]) -> Sql {
    let mut sql = Sql::text("SELECT line.*");
    for place in 0..2 {
        sql = match days.get(place) {
            None => sql.and(", CAST(NULL AS BIGINT)"),
            Some(day) => sql
                .and(", (SELECT CAST(COALESCE(SUM(u.accepted), 0) AS BIGINT) FROM usage_days u WHERE ")
                .and("u.account_id = line.account_id AND u.day = ")
                .bind(Bind::Text(day.clone()))
                .and(")"),
        };
    }
    sql.and(" FROM (").append(lines).and(") line")
}

/// The columns of a line, from `s` and the account `a`.
pub(super) const LINE: &str = "SELECT s.account_id, s.name_lower, s.state, s.period_id, s.sent, s.used_permille, s.delivered, s.bounced, \
     s.complained, s.bounce_ppm, s.complaint_ppm, s.domain_count, s.last_activity_at, s.created_at, a.name, a.website, \
     a.external_id, a.monthly_credit, a.deleted_at FROM ";

fn source(parent: Id, parts: &[Part], driver: Option<usize>, dialect: Dialect) -> Sql {
    // The account of each row is looked up by its id, and never leads.
    let account = match dialect {
        Dialect::Postgres => {
            " CROSS JOIN LATERAL (SELECT * FROM accounts one WHERE one.id = s.account_id LIMIT 1) a WHERE s.parent_id = "
        }
        Dialect::Sqlite => " CROSS JOIN accounts a WHERE a.id = s.account_id AND s.parent_id = ",
    };
    match driver.and_then(|index| parts.get(index)) {
        None => Sql::text(LINE).and("account_summaries s").and(account).bind(Bind::Id(parent)),
        Some(part) => Sql::text("WITH few AS MATERIALIZED (")
            .append(part.source.clone())
            .and(") ")
            .and(LINE)
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
