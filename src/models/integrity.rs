//! Whether what lies in the database's files is whole, as far as the database can tell.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::AnyConnection;

/// Problems that a look tells at most.
const PROBLEMS: usize = 20;

/// How much is looked at in a SQLite file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every page and every row.
    Quick,
    /// That each index has what its table has, too.
    Full,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What is damaged in a SQLite file; nothing where it is whole. Reads all of it.
///
/// # Errors
/// Only the database's; damage may be told so, too.
pub fn of_file(conn: &mut AnyConnection, depth: Depth) -> QueryResult<Vec<String>> {
    let check = match depth {
        Depth::Quick => "quick_check",
        Depth::Full => "integrity_check",
    };
    let sql = format!("SELECT {check} AS line FROM pragma_{check} LIMIT {PROBLEMS}");
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).filter(|line| line != "ok").collect())
}

/// What a PostgreSQL server knows of damage without looking.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Checksums {
    /// A page that was changed on the disk is noticed when it is read.
    #[diesel(sql_type = Bool)]
    pub on: bool,
    /// Pages of this database that were found changed.
    #[diesel(sql_type = BigInt)]
    pub failures: i64,
    /// The extension that looks is there.
    #[diesel(sql_type = Bool)]
    pub amcheck: bool,
}

/// Asks a PostgreSQL server.
///
/// # Errors
/// Only the database's.
pub fn checksums(conn: &mut AnyConnection) -> QueryResult<Checksums> {
    diesel::sql_query(
        "SELECT current_setting('data_checksums') = 'on' AS \"on\", \
         COALESCE((SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()), 0) AS failures, \
         EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'amcheck') AS amcheck",
    )
    .get_result(conn)
}

/// The tables and B-tree indexes of this program on a PostgreSQL server, as the statements that look at them: the name,
/// and a statement that answers a line for each problem, or fails with it.
///
/// # Errors
/// Only the database's.
pub fn amchecks(conn: &mut AnyConnection) -> QueryResult<Vec<(String, String)>> {
    #[derive(QueryableByName)]
    struct Relation {
        #[diesel(sql_type = Text)]
        line: String,
        #[diesel(sql_type = BigInt)]
        number: i64,
        #[diesel(sql_type = Bool)]
        is_index: bool,
    }
    let all: Vec<Relation> = diesel::sql_query(
        "SELECT c.relname::text AS line, c.oid::bigint AS number, c.relkind = 'i' AS is_index \
         FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam \
         WHERE c.relnamespace = current_schema()::regnamespace \
         AND (c.relkind = 'r' OR (c.relkind = 'i' AND a.amname = 'btree')) ORDER BY c.relname",
    )
    .load(conn)?;
    let statement = |relation: Relation| {
        let Relation { line, number, is_index } = relation;
        let sql = if is_index {
            format!("SELECT bt_index_check({number}::oid::regclass)::text AS line")
        } else {
            format!("SELECT msg AS line FROM verify_heapam({number}::oid::regclass) LIMIT {PROBLEMS}")
        };
        (line, sql)
    };
    Ok(all.into_iter().map(statement).collect())
}

/// Runs one of [`amchecks`]; answers its problems.
///
/// # Errors
/// The database's, which may be a problem it found.
pub fn amcheck(conn: &mut AnyConnection, sql: &str) -> QueryResult<Vec<String>> {
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn)?;
    Ok(lines.into_iter().map(|line| line.line).filter(|line| !line.is_empty()).collect())
}
