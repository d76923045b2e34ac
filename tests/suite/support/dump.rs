//! A whole database as text: every row of every table, bytes in hexadecimal.

use canopy::models::AnyConnection;
use diesel::prelude::*;
use diesel::sql_query;

use super::app::TestApp;

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// Everything that is stored.
pub async fn dump(app: &TestApp) -> String {
    let shared = app.app.db.is_shared();
    app.read(move |conn| Ok(if shared { of_postgres(conn)? } else { of_sqlite(conn)? })).await
}

fn texts(conn: &mut AnyConnection, sql: &str) -> QueryResult<Vec<String>> {
    Ok(sql_query(sql).load::<Text>(conn)?.into_iter().map(|row| row.text).collect())
}

/// Every row of PostgreSQL as it writes it itself.
fn of_postgres(conn: &mut AnyConnection) -> QueryResult<String> {
    let tables = "SELECT table_name::text AS text FROM information_schema.tables WHERE table_schema = 'public'";
    let mut all = String::new();
    for table in texts(conn, tables)? {
        for row in texts(conn, &format!("SELECT CAST(t AS TEXT) AS text FROM \"{table}\" t"))? {
            all.push_str(&row);
        }
    }
    Ok(all)
}

fn of_sqlite(conn: &mut AnyConnection) -> QueryResult<String> {
    let tables = "SELECT name AS text FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
    let mut all = String::new();
    for table in texts(conn, tables)? {
        let columns = texts(conn, &format!("SELECT name AS text FROM pragma_table_info('{table}')"))?;
        let quoted: Vec<String> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
        for row in texts(conn, &format!("SELECT {} AS text FROM \"{table}\"", quoted.join(" || ',' || ")))? {
            all.push_str(&row);
        }
    }
    Ok(all)
}
