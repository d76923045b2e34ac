//! SQL that a connection keeps prepared. `diesel::sql_query` and `eq_any` are parsed and planned anew each time, which
//! costs PostgreSQL a second round trip and either database more than most of our statements take to run.

mod batch;
mod bind;
mod columns;
mod one_of;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

pub use batch::{for_rows, load_each, load_rows};
pub use bind::{Bind, bind};
use bind::{IntoBind, Values};
pub use one_of::one_of;

/// A statement whose text is always the same.
#[derive(Clone, Debug)]
pub struct Kept {
    text: &'static str,
    binds: Vec<Bind>,
}

/// `text` has its values as `$1`, `$2` and so on, each as often as it needs; they are bound in the order of their numbers.
pub fn kept(text: &'static str) -> Kept {
    Kept { text, binds: Vec::new() }
}

impl Kept {
    pub fn bind<ST, V: IntoBind<ST>>(mut self, value: V) -> Self {
        self.binds.push(value.into_bind());
        self
    }
}

impl<DB: Values> QueryFragment<DB> for Kept {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        numbered(self.text, &self.binds, out)
    }
}

/// Writes `text` with `binds` where their numbers stand.
fn numbered<'b, DB: Values>(text: &str, binds: &'b [Bind], mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
    let mut parts = text.split('$');
    out.push_sql(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match place.and_then(|place| binds.get(place)) {
            Some(bind) => DB::push(bind, &mut out)?,
            None => return Err(diesel::result::Error::QueryBuilderError("a value is not bound".into())),
        }
        out.push_sql(rest);
    }
    Ok(())
}

impl QueryId for Kept {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Kept {
    type SqlType = Untyped;
}

impl<Conn> RunQueryDsl<Conn> for Kept {}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::sql_types::{BigInt, Text};

    use super::*;
    use crate::models::AnyConnection;

    diesel::table! {
        things (name) {
            name -> Text,
            n -> BigInt,
        }
    }

    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }

    /// A table of `r0` to `r{rows - 1}`, written as one batch.
    fn filled(rows: i64) -> AnyConnection {
        let mut conn = SqliteConnection::establish(":memory:").expect("a database");
        conn.batch_execute("CREATE TABLE things (name TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)").expect("a table");
        let mut conn = AnyConnection::Sqlite(conn);
        let rows: Vec<_> = (0..rows).map(|n| vec![bind::<Text>(format!("r{n}")), bind::<BigInt>(n)]).collect();
        let add = "ON CONFLICT (name) DO UPDATE SET n = things.n + excluded.n";
        for _ in 0..2 {
            for_rows(&mut conn, "INSERT INTO things (name, n)", &rows, add).expect("rows");
        }
        conn
    }

    #[test]
    fn a_batch_of_any_size_meets_each_row_once() {
        for size in [0, 1, 2, 3, 63, 64, 65, 200] {
            let mut conn = filled(size);
            let sum: Option<i64> = things::table
                .select(diesel::dsl::sql::<diesel::sql_types::Nullable<BigInt>>("CAST(SUM(n) AS BIGINT)"))
                .first(&mut conn)
                .expect("a sum");
            assert_eq!(sum.unwrap_or(0), size * (size - 1).max(0), "{size} rows, twice");
            let asked: Vec<_> = (0..size).map(|n| vec![bind::<Text>(format!("r{n}"))]).collect();
            let after = ") SELECT t.n FROM asked CROSS JOIN things t WHERE t.name = asked.name";
            let found: Vec<Found> = load_rows(&mut conn, "WITH asked (name) AS (", &asked, after).expect("rows");
            let mut found: Vec<i64> = found.iter().map(|row| row.n).collect();
            found.sort_unstable();
            assert_eq!(found, (0..size).map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_of_none_is_none_and_of_several_each_once() {
        let mut conn = filled(9);
        let mut names = |wanted: &[&str]| -> Vec<String> {
            let asked = things::table.filter(one_of(things::name, wanted.iter().copied()));
            asked.order(things::name).select(things::name).load(&mut conn).expect("rows")
        };
        assert!(names(&[]).is_empty());
        assert_eq!(names(&["r3"]), ["r3"]);
        assert_eq!(names(&["r8", "r1", "r5", "nobody", "r1"]), ["r1", "r5", "r8"]);
    }

    #[test]
    fn values_stand_where_their_numbers_are_and_a_missing_one_is_an_error() {
        let mut conn = filled(3);
        let sql = "UPDATE things SET n = $2 WHERE name = $1 OR (n = $2 AND $2 < 0)";
        assert_eq!(kept(sql).bind::<Text, _>("r1").bind::<BigInt, _>(70).execute(&mut conn), Ok(1));
        let n: i64 = things::table.find("r1").select(things::n).first(&mut conn).expect("the row");
        assert_eq!(n, 70);
        assert!(kept(sql).bind::<Text, _>("r1").execute(&mut conn).is_err());
    }
}
