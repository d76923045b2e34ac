//! SQL that a connection keeps prepared. `diesel::sql_query` and `eq_any` are parsed and planned anew each time, which
//! costs PostgreSQL a second round trip and either database more than most of our statements take to run.

use std::marker::PhantomData;

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, Bool, HasSqlType, Integer, Nullable, Text, Timestamp, Untyped};

use super::AnyConnection;
use crate::domain::ids::Id;

/// A database that has every type a [`Bind`] may have: ours, and each of the two behind it.
pub trait Values: Backend {
    fn push<'b>(bind: &'b Bind, out: &mut AstPass<'_, 'b, Self>) -> QueryResult<()>;
}

impl<DB> Values for DB
where
    DB: Backend
        + HasSqlType<BigInt>
        + HasSqlType<Integer>
        + HasSqlType<Bool>
        + HasSqlType<Text>
        + HasSqlType<Binary>
        + HasSqlType<Timestamp>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
    Option<i32>: ToSql<Nullable<Integer>, DB>,
    bool: ToSql<Bool, DB>,
    Option<String>: ToSql<Nullable<Text>, DB>,
    Option<Vec<u8>>: ToSql<Nullable<Binary>, DB>,
    Option<NaiveDateTime>: ToSql<Nullable<Timestamp>, DB>,
{
    fn push<'b>(bind: &'b Bind, out: &mut AstPass<'_, 'b, Self>) -> QueryResult<()> {
        match bind {
            Bind::BigInt(value) => out.push_bind_param::<Nullable<BigInt>, _>(value),
            Bind::Integer(value) => out.push_bind_param::<Nullable<Integer>, _>(value),
            Bind::Bool(value) => out.push_bind_param::<Bool, _>(value),
            Bind::Text(value) => out.push_bind_param::<Nullable<Text>, _>(value),
            Bind::Binary(value) => out.push_bind_param::<Nullable<Binary>, _>(value),
            Bind::Time(value) => out.push_bind_param::<Nullable<Timestamp>, _>(value),
        }
    }
}

/// A value of a statement, with its type.
#[derive(Clone, Debug)]
pub enum Bind {
    BigInt(Option<i64>),
    Integer(Option<i32>),
    Bool(bool),
    Text(Option<String>),
    Binary(Option<Vec<u8>>),
    Time(Option<NaiveDateTime>),
}

/// What can be a value of the SQL type `ST`.
pub trait IntoBind<ST> {
    fn into_bind(self) -> Bind;
}

/// A value with its type.
pub fn bind<ST>(value: impl IntoBind<ST>) -> Bind {
    value.into_bind()
}

macro_rules! binds {
    ($($kind:ident $sql:ident { $($from:ty: $own:expr),* })*) => { $($(
        impl IntoBind<$sql> for $from {
            fn into_bind(self) -> Bind {
                Bind::$kind(Some($own(self)))
            }
        }
        impl IntoBind<Nullable<$sql>> for Option<$from> {
            fn into_bind(self) -> Bind {
                Bind::$kind(self.map($own))
            }
        }
    )*)* };
}

binds! {
    BigInt BigInt { i64: i64::from }
    Integer Integer { i32: i32::from }
    Text Text { String: String::from, &str: str::to_owned, &String: String::clone }
    Binary Binary { Id: |id: Id| id.as_bytes().to_vec(), Vec<u8>: Vec::from, &[u8]: <[u8]>::to_vec, &Vec<u8>: Vec::clone }
    Time Timestamp { NaiveDateTime: NaiveDateTime::from }
}

impl IntoBind<Bool> for bool {
    fn into_bind(self) -> Bind {
        Bind::Bool(self)
    }
}

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
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut parts = self.text.split('$');
        out.push_sql(parts.next().unwrap_or_default());
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = part.split_at(digits);
            let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            match place.and_then(|place| self.binds.get(place)) {
                Some(bind) => DB::push(bind, &mut out)?,
                None => return Err(diesel::result::Error::QueryBuilderError("a value is not bound".into())),
            }
            out.push_sql(rest);
        }
        Ok(())
    }
}

impl QueryId for Kept {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Kept {
    type SqlType = Untyped;
}

impl<Conn> RunQueryDsl<Conn> for Kept {}

/// Rows of one statement at most.
const ROWS: usize = 64;

/// A statement over several rows: its text depends on how many alone.
struct Batch<'a> {
    before: &'static str,
    rows: &'a [Vec<Bind>],
    after: &'static str,
}

/// Runs `before VALUES (...), (...) after` over `rows`, in parts of 64, 32, 16 and so on down to one, so that there are
/// few texts. Inserts that meet what is there, and with `before` opening a `WITH`, updates of many rows at once.
///
/// # Errors
/// Only the database's.
pub fn for_rows(
    conn: &mut AnyConnection,
    before: &'static str,
    rows: &[Vec<Bind>],
    after: &'static str,
) -> QueryResult<()> {
    let mut rest = rows;
    while !rest.is_empty() {
        let (now, later) = part(rest);
        Batch { before, rows: now, after }.execute(conn)?;
        rest = later;
    }
    Ok(())
}

/// The same for a query: everything that it finds for the rows.
///
/// # Errors
/// Only the database's.
pub fn load_rows<T>(
    conn: &mut AnyConnection,
    before: &'static str,
    rows: &[Vec<Bind>],
    after: &'static str,
) -> QueryResult<Vec<T>>
where
    T: diesel::deserialize::FromSqlRow<Untyped, <AnyConnection as Connection>::Backend> + 'static,
{
    let (mut found, mut rest) = (Vec::new(), rows);
    while !rest.is_empty() {
        let (now, later) = part(rest);
        found.extend(Batch { before, rows: now, after }.load::<T>(conn)?);
        rest = later;
    }
    Ok(found)
}

/// As many rows as one statement takes, and the others.
fn part(rows: &[Vec<Bind>]) -> (&[Vec<Bind>], &[Vec<Bind>]) {
    let most = rows.len().min(ROWS);
    rows.split_at(most.next_power_of_two() >> usize::from(!most.is_power_of_two()))
}

impl Query for Batch<'_> {
    type SqlType = Untyped;
}

impl<DB: Values> QueryFragment<DB> for Batch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.before);
        out.push_sql(" VALUES ");
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { ", (" });
            for (column, bind) in row.iter().enumerate() {
                if column > 0 {
                    out.push_sql(", ");
                }
                DB::push(bind, &mut out)?;
            }
            out.push_sql(")");
        }
        out.push_sql(" ");
        out.push_sql(self.after);
        Ok(())
    }
}

impl QueryId for Batch<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Batch<'_> {}

/// `column IN (...)`, for a number of values rounded up to a power of two by repeating the last: so there are few texts.
#[derive(Clone, Debug)]
pub struct OneOf<C, ST> {
    column: C,
    binds: Vec<Bind>,
    _type: PhantomData<ST>,
}

/// The column is one of `values`; of none, when there are none.
pub fn one_of<C, V>(column: C, values: impl IntoIterator<Item = V>) -> OneOf<C, C::SqlType>
where
    C: Expression,
    V: IntoBind<C::SqlType>,
{
    OneOf { column, binds: values.into_iter().map(IntoBind::into_bind).collect(), _type: PhantomData }
}

impl<DB: Values, C: QueryFragment<DB>, ST> QueryFragment<DB> for OneOf<C, ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        let Some(last) = self.binds.last() else {
            // Nothing is NULL, and an index finds that out at once.
            out.push_sql(" IN (NULL)");
            return Ok(());
        };
        out.push_sql(" IN (");
        for place in 0..self.binds.len().next_power_of_two() {
            if place > 0 {
                out.push_sql(", ");
            }
            DB::push(self.binds.get(place).unwrap_or(last), &mut out)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

impl<C, ST> QueryId for OneOf<C, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C: Expression, ST> Expression for OneOf<C, ST> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<QS>, ST, QS: ?Sized> AppearsOnTable<QS> for OneOf<C, ST> where Self: Expression {}

impl<C: SelectableExpression<QS>, ST, QS: ?Sized> SelectableExpression<QS> for OneOf<C, ST> where
    Self: AppearsOnTable<QS>
{
}

impl<C, ST> ValidGrouping<()> for OneOf<C, ST> {
    type IsAggregate = is_aggregate::No;
}
