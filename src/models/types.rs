//! How our value types sit in columns, on either database: `Id` as 16 bytes, `NumberStyle` as its word.

use diesel::backend::Backend;
use diesel::deserialize::{FromSql, FromStaticSqlRow, Queryable};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Binary, Nullable, SingleValue, Text};
use uuid::Uuid;

use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;

impl<DB: Backend> ToSql<Binary, DB> for Id
where
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <[u8] as ToSql<Binary, DB>>::to_sql(&self.as_bytes()[..], out)
    }
}

impl<DB: Backend> ToSql<Nullable<Binary>, DB> for Id
where
    [u8]: ToSql<Binary, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        let written: IsNull = <Self as ToSql<Binary, DB>>::to_sql(self, out)?;
        Ok(written)
    }
}

impl<DB: Backend> FromSql<Binary, DB> for Id
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, DB>>::from_sql(bytes)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl<DB, ST> Queryable<ST, DB> for Id
where
    DB: Backend,
    ST: SingleValue,
    Self: FromStaticSqlRow<ST, DB>,
{
    type Row = Self;

    fn build(row: Self) -> diesel::deserialize::Result<Self> {
        Ok(row)
    }
}

impl AsExpression<Binary> for Id {
    type Expression = Bound<Binary, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl AsExpression<Nullable<Binary>> for Id {
    type Expression = Bound<Nullable<Binary>, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<'a> AsExpression<Binary> for &'a Id {
    type Expression = Bound<Binary, &'a Id>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<'a> AsExpression<Nullable<Binary>> for &'a Id {
    type Expression = Bound<Nullable<Binary>, &'a Id>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<DB: Backend> ToSql<Text, DB> for NumberStyle
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        <str as ToSql<Text, DB>>::to_sql(self.as_str(), out)
    }
}

impl<DB: Backend> FromSql<Text, DB> for NumberStyle
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        let word = <String as FromSql<Text, DB>>::from_sql(bytes)?;
        Ok(Self::parse(&word).map_err(|_| format!("accounts.number_style holds {word:?}"))?)
    }
}

impl<DB, ST> Queryable<ST, DB> for NumberStyle
where
    DB: Backend,
    ST: SingleValue,
    Self: FromStaticSqlRow<ST, DB>,
{
    type Row = Self;

    fn build(row: Self) -> diesel::deserialize::Result<Self> {
        Ok(row)
    }
}

impl AsExpression<Text> for NumberStyle {
    type Expression = Bound<Text, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<'a> AsExpression<Text> for &'a NumberStyle {
    type Expression = Bound<Text, &'a NumberStyle>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}
