//! What the database says of itself: how it keeps what was committed, and what time it is there.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::AnyConnection;
use super::connection::Backend;
use super::schema::messages;
use crate::domain::ids::Id;

/// Name, value in this program's sessions, and value without their own wishes.
pub type Setting = (String, String, String);

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub settings: Vec<Setting>,
    /// The language of the server's messages to this program; a SQLite file has one only.
    pub language: Option<String>,
    /// The server's clock; a SQLite file has none.
    pub time: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Text)]
    otherwise: String,
}

#[derive(QueryableByName)]
struct Micros {
    #[diesel(sql_type = BigInt)]
    micros: i64,
}

/// PostgreSQL's setting.
const LANGUAGE: &str = "lc_messages";

/// Reads it on a connection that writes: SQLite's settings are each connection's own.
///
/// # Errors
/// Only the database's.
pub fn read(conn: &mut AnyConnection, backend: Backend) -> QueryResult<Read> {
    let (sql, clock) = match backend {
        Backend::Postgres => (
            "SELECT name, setting AS value, reset_val AS otherwise FROM pg_settings \
             WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'lc_messages') ORDER BY name",
            Some("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS micros"),
        ),
        Backend::Sqlite => (
            "SELECT 'journal_mode' AS name, journal_mode AS value, '' AS otherwise FROM pragma_journal_mode \
             UNION ALL SELECT 'synchronous', CAST(synchronous AS TEXT), '' FROM pragma_synchronous",
            None,
        ),
    };
    let rows: Vec<Row> = diesel::sql_query(sql).load(conn)?;
    let time = match clock {
        Some(sql) => DateTime::from_timestamp_micros(diesel::sql_query(sql).get_result::<Micros>(conn)?.micros),
        None => None,
    };
    let (said, settings): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.name == LANGUAGE);
    Ok(Read {
        settings: settings.into_iter().map(|row| (row.name, row.value, row.otherwise)).collect(),
        language: said.into_iter().next().map(|row| row.value),
        time,
    })
}

/// When the newest message was written, by the clock of whoever wrote it.
///
/// # Errors
/// Only the database's.
pub fn newest(conn: &mut AnyConnection) -> QueryResult<Option<DateTime<Utc>>> {
    let newest: Option<Id> = messages::table.order(messages::id.desc()).select(messages::id).first(conn).optional()?;
    Ok(newest.map(Id::made_at))
}
