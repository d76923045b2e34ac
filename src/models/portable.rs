//! Upserts and batches for both databases. `sql_query` with `$1` binds runs on either; a batch insert does not go
//! through `AnyConnection`, so PostgreSQL gets rows in chunks and SQLite one by one inside the transaction.

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

pub(crate) use insert_many;
