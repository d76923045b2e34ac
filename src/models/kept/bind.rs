//! Values of statements, with their types.

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, Bool, HasSqlType, Integer, Nullable, Text, Timestamp};

use crate::domain::ids::Id;

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
