//! SQL put together from parts, with its values bound and never written into it.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Text, Timestamp, Untyped};

use crate::domain::ids::Id;
use crate::models::AnyConnection;

type Backend = <AnyConnection as Connection>::Backend;

#[derive(Clone, Debug)]
pub enum Bind {
    Int(i64),
    Text(String),
    Id(Id),
    Time(NaiveDateTime),
}

/// How a database is told which index not to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    pub fn of(conn: &AnyConnection) -> Self {
        match conn {
            AnyConnection::Pg(_) => Self::Postgres,
            AnyConnection::Sqlite(_) => Self::Sqlite,
        }
    }

    /// A column that SQLite may test but not look up: it would take its index and then sort all it finds.
    /// PostgreSQL knows from its statistics.
    pub fn quiet(self, column: &str) -> String {
        match self {
            Self::Postgres => column.to_owned(),
            Self::Sqlite => format!("+{column}"),
        }
    }
}

/// Pieces of text with a value between each two.
#[derive(Clone, Debug, Default)]
pub struct Sql {
    pieces: Vec<String>,
    binds: Vec<Bind>,
    /// Whether its plan is the same whatever the values.
    steady: bool,
    /// Whether the connection keeps it prepared.
    kept: bool,
}

impl Sql {
    pub fn text(text: impl Into<String>) -> Self {
        Self { pieces: vec![text.into()], binds: Vec::new(), steady: false, kept: false }
    }

    pub fn and(mut self, text: &str) -> Self {
        match self.pieces.last_mut() {
            Some(last) => last.push_str(text),
            None => self.pieces.push(text.to_owned()),
        }
        self
    }

    pub fn bind(mut self, value: Bind) -> Self {
        self.binds.push(value);
        self.pieces.push(String::new());
        self
    }

    pub fn append(mut self, other: Self) -> Self {
        let mut pieces = other.pieces.into_iter();
        if let Some(first) = pieces.next() {
            self = self.and(&first);
        }
        self.pieces.extend(pieces);
        self.binds.extend(other.binds);
        self
    }

    /// Says that the plan is the same whatever the values.
    pub fn steady(mut self) -> Self {
        self.steady = true;
        self
    }

    /// SQLite makes one plan for all values. PostgreSQL plans for those it is given, which matters where one parent
    /// has a hundred thousand accounts and another three, unless it keeps the statement.
    pub(super) fn kept_by(mut self, conn: &AnyConnection) -> Self {
        self.kept = self.steady || Dialect::of(conn) == Dialect::Sqlite;
        self
    }

    pub fn load<T>(self, conn: &mut AnyConnection) -> QueryResult<Vec<T>>
    where
        T: diesel::deserialize::FromSqlRow<Untyped, Backend> + 'static,
    {
        RunQueryDsl::load(self.kept_by(conn), conn)
    }
}

/// Unlike `diesel::sql_query` it can be kept prepared: its text depends on what is asked, never on a value.
impl QueryFragment<Backend> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        if !self.kept {
            out.unsafe_to_cache_prepared();
        }
        let mut binds = self.binds.iter();
        for (place, piece) in self.pieces.iter().enumerate() {
            match (place > 0).then(|| binds.next()).flatten() {
                None => {}
                Some(Bind::Int(value)) => out.push_bind_param::<BigInt, _>(value)?,
                Some(Bind::Text(value)) => out.push_bind_param::<Text, _>(value)?,
                Some(Bind::Id(value)) => out.push_bind_param::<Binary, _>(value)?,
                Some(Bind::Time(value)) => out.push_bind_param::<Timestamp, _>(value)?,
            }
            out.push_sql(piece);
        }
        Ok(())
    }
}

impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl RunQueryDsl<AnyConnection> for Sql {}

#[derive(QueryableByName)]
struct PostgresStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    step: String,
}

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// How the database would run `sql`: one line a step.
///
/// # Errors
/// Only the database's.
pub(super) fn plan(conn: &mut AnyConnection, sql: Sql) -> QueryResult<Vec<String>> {
    match Dialect::of(conn) {
        Dialect::Postgres => {
            let steps: Vec<PostgresStep> = Sql::text("EXPLAIN ").append(sql).load(conn)?;
            Ok(steps.into_iter().map(|row| row.step).collect())
        }
        Dialect::Sqlite => {
            let steps: Vec<SqliteStep> = Sql::text("EXPLAIN QUERY PLAN ").append(sql).load(conn)?;
            Ok(steps.into_iter().map(|row| row.detail).collect())
        }
    }
}

/// The plans of every statement that a page runs, for tests: a list must not depend on how many accounts there are.
///
/// # Errors
/// Only the database's.
pub fn explain(conn: &mut AnyConnection, query: &super::Query) -> QueryResult<Vec<Vec<String>>> {
    let statements = super::page::statements(conn, query)?;
    statements.into_iter().map(|sql| plan(conn, sql)).collect()
}
