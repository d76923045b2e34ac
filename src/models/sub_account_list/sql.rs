//! SQL put together from parts, with its values bound and never written into it.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text, Timestamp};

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
}

impl Sql {
    pub fn text(text: impl Into<String>) -> Self {
        Self { pieces: vec![text.into()], binds: Vec::new() }
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

    fn numbered(&self, prefix: &str) -> String {
        let mut text = prefix.to_owned();
        for (index, piece) in self.pieces.iter().enumerate() {
            if index > 0 {
                text.push_str(&format!("${index}"));
            }
            text.push_str(piece);
        }
        text
    }

    fn query(
        self,
        prefix: &str,
    ) -> diesel::query_builder::BoxedSqlQuery<'static, Backend, diesel::query_builder::SqlQuery> {
        let mut query = diesel::sql_query(self.numbered(prefix)).into_boxed::<Backend>();
        for bind in self.binds {
            query = match bind {
                Bind::Int(value) => query.bind::<BigInt, _>(value),
                Bind::Text(value) => query.bind::<Text, _>(value),
                Bind::Id(value) => query.bind::<Binary, _>(value),
                Bind::Time(value) => query.bind::<Timestamp, _>(value),
            };
        }
        query
    }

    pub fn load<T>(self, conn: &mut AnyConnection) -> QueryResult<Vec<T>>
    where
        T: diesel::deserialize::QueryableByName<Backend> + 'static,
    {
        self.query("").load(conn)
    }

    pub fn execute(self, conn: &mut AnyConnection) -> QueryResult<usize> {
        self.query("").execute(conn)
    }
}

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
            let steps: Vec<PostgresStep> = sql.query("EXPLAIN ").load(conn)?;
            Ok(steps.into_iter().map(|row| row.step).collect())
        }
        Dialect::Sqlite => {
            let steps: Vec<SqliteStep> = sql.query("EXPLAIN QUERY PLAN ").load(conn)?;
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
