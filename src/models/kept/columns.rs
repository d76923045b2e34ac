//! Many rows as few values: on PostgreSQL each column of a batch is one array, so that a batch of any size has the same
//! text, is planned once, and takes one round trip.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamp, Untyped};

use super::bind::Bind;

/// The values of a column, one a row.
enum Column<'a> {
    BigInt(Vec<Option<i64>>),
    Integer(Vec<Option<i32>>),
    Bool(Vec<bool>),
    Text(Vec<Option<&'a str>>),
    Binary(Vec<Option<&'a [u8]>>),
    Time(Vec<Option<NaiveDateTime>>),
}

/// A statement over rows that lie in columns.
pub struct Columns<'a> {
    before: Cow<'static, str>,
    columns: Vec<Column<'a>>,
    after: Cow<'static, str>,
}

impl<'a> Columns<'a> {
    /// `before` and `after` stand around a query that answers `rows`, of which there is at least one.
    ///
    /// # Errors
    /// `QueryBuilderError` where two rows are not of the same types.
    pub fn of(before: &'static str, rows: &'a [Vec<Bind>], after: &'static str) -> QueryResult<Self> {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(mixed());
        }
        let columns = (0..width).map(|place| column(rows, place)).collect::<QueryResult<_>>()?;
        Ok(Self { before: before.into(), columns, after: after.into() })
    }

    /// Runs `each` for every one of `rows`, whose values it has as `$1`, `$2` and so on.
    ///
    /// # Errors
    /// As [`Columns::of`].
    pub fn each(each: &str, rows: &'a [Vec<Bind>]) -> QueryResult<Self> {
        let mut asked = Self::of("", rows, "")?;
        let names: Vec<String> = (1..=asked.columns.len()).map(|place| format!("c{place}")).collect();
        let each = each.replace('$', "asked.c");
        asked.before = format!("WITH asked ({}) AS (", names.join(", ")).into();
        asked.after = format!(") SELECT found.* FROM asked CROSS JOIN LATERAL ({each}) AS found").into();
        Ok(asked)
    }
}

fn mixed() -> Error {
    Error::QueryBuilderError("the rows of a batch are not of the same types".into())
}

/// The values at a place of each row.
fn column(rows: &[Vec<Bind>], place: usize) -> QueryResult<Column<'_>> {
    macro_rules! gather {
        ($kind:ident, $value:ident => $read:expr) => {
            rows.iter()
                .map(|row| match &row[place] {
                    Bind::$kind($value) => Ok($read),
                    _ => Err(mixed()),
                })
                .collect::<QueryResult<_>>()
                .map(Column::$kind)
        };
    }
    match &rows[0][place] {
        Bind::BigInt(_) => gather!(BigInt, value => *value),
        Bind::Integer(_) => gather!(Integer, value => *value),
        Bind::Bool(_) => gather!(Bool, value => *value),
        Bind::Text(_) => gather!(Text, value => value.as_deref()),
        Bind::Binary(_) => gather!(Binary, value => value.as_deref()),
        Bind::Time(_) => gather!(Time, value => *value),
    }
}

impl QueryFragment<Pg> for Column<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::BigInt(values) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(values),
            Self::Integer(values) => out.push_bind_param::<Array<Nullable<Integer>>, _>(values),
            Self::Bool(values) => out.push_bind_param::<Array<Bool>, _>(values),
            Self::Text(values) => out.push_bind_param::<Array<Nullable<Text>>, _>(values),
            Self::Binary(values) => out.push_bind_param::<Array<Nullable<Binary>>, _>(values),
            Self::Time(values) => out.push_bind_param::<Array<Nullable<Timestamp>>, _>(values),
        }
    }
}

impl QueryFragment<Pg> for Columns<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&self.before);
        out.push_sql(" SELECT * FROM unnest(");
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push_sql(", ");
            }
            column.walk_ast(out.reborrow())?;
        }
        out.push_sql(") AS batch ");
        out.push_sql(&self.after);
        Ok(())
    }
}

impl QueryId for Columns<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Columns<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Columns<'_> {}
