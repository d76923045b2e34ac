//! Upserts and batches for both databases. `sql_query` with `$1` binds runs on either; a batch insert does not go
//! through `AnyConnection`, so PostgreSQL gets rows in chunks and SQLite one by one inside the transaction.

use diesel::pg::PgConnection;

use super::AnyConnection;

/// The connection where it is one to PostgreSQL.
pub fn postgres(conn: &mut AnyConnection) -> Option<&mut PgConnection> {
    match conn {
        AnyConnection::Pg(conn) => Some(conn),
        AnyConnection::Sqlite(_) => None,
    }
}

/// The connection where rows have locks of their own, which PostgreSQL has; on SQLite the transaction itself is the lock.
pub fn with_row_locks(conn: &mut AnyConnection) -> Option<&mut PgConnection> {
    postgres(conn)
}

/// Inserts `rows` (a slice of an `Insertable` struct) into `table`.
macro_rules! insert_many {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let rows = $rows;
        match $conn {
            $crate::models::AnyConnection::Pg(conn) => {
                for chunk in rows.chunks(500) {
                    diesel::insert_into($table).values(chunk).execute(conn)?;
                }
            }
            $crate::models::AnyConnection::Sqlite(conn) => {
                for row in rows {
                    diesel::insert_into($table).values(row).execute(conn)?;
                }
            }
        }
        diesel::QueryResult::Ok(())
    }};
}

/// Deletes up to `limit` rows of a table for which a condition holds of `$1`; answers how many.
macro_rules! delete_some {
    ($conn:expr, $table:literal, $condition:literal, $type:ty, $value:expr, $limit:expr) => {{
        let text = match $conn {
            $crate::models::AnyConnection::Pg(_) => concat!(
                "DELETE FROM ",
                $table,
                " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ",
                $table,
                " WHERE ",
                $condition,
                " LIMIT $2))"
            ),
            $crate::models::AnyConnection::Sqlite(_) => concat!(
                "DELETE FROM ",
                $table,
                " WHERE rowid IN (SELECT rowid FROM ",
                $table,
                " WHERE ",
                $condition,
                " LIMIT $2)"
            ),
        };
        let rows = $crate::models::kept::kept(text);
        rows.bind::<$type, _>($value).bind::<diesel::sql_types::BigInt, _>($limit).execute($conn)
    }};
}

pub(crate) use {delete_some, insert_many};
