//! Suspensions: rows that say what kind of hold, why, who, since when, until when.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Nullable, Timestamp};

use super::AnyConnection;
use super::kept::{bind, load_rows, one_of};
use super::schema::suspensions;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = suspensions)]
pub struct Suspension {
    pub id: Id,
    pub account_id: Id,
    pub kind: String,
    pub reason: String,
    pub customer_text: String,
    pub created_by: String,
    pub created_at: NaiveDateTime,
    pub until_at: Option<NaiveDateTime>,
    pub lifted_by: Option<String>,
    pub lifted_at: Option<NaiveDateTime>,
}

pub fn insert(conn: &mut AnyConnection, row: &Suspension) -> QueryResult<()> {
    diesel::insert_into(suspensions::table).values(row).execute(conn).map(drop)
}

/// The holds of an account that are open at `now`, oldest first.
pub fn open(conn: &mut AnyConnection, account: Id, now: NaiveDateTime) -> QueryResult<Vec<Suspension>> {
    suspensions::table
        .filter(suspensions::account_id.eq(account))
        .filter(suspensions::lifted_at.is_null())
        .filter(suspensions::until_at.is_null().or(suspensions::until_at.gt(now)))
        .order(suspensions::id)
        .select(Suspension::as_select())
        .load(conn)
}

/// Which of `accounts` have an open hold at `now`.
pub fn held(conn: &mut AnyConnection, accounts: &[Id], now: NaiveDateTime) -> QueryResult<Vec<Id>> {
    suspensions::table
        .filter(one_of(suspensions::account_id, accounts.to_vec()))
        .filter(suspensions::lifted_at.is_null())
        .filter(suspensions::until_at.is_null().or(suspensions::until_at.gt(now)))
        .select(suspensions::account_id)
        .distinct()
        .load(conn)
}

/// How an account that is there stands, for whoever hands in mail in its name.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Binary)]
    pub account_id: Id,
    #[diesel(sql_type = Bool)]
    pub held: bool,
    #[diesel(sql_type = Bool)]
    pub parent_held: bool,
    /// Neither its parent nor the SMTP credentials that were asked about are gone.
    #[diesel(sql_type = Bool)]
    pub complete: bool,
    /// What was accepted up to this message ends: its account was deleted, and brought back since.
    #[diesel(sql_type = Nullable<Binary>)]
    pub cleared_through: Option<Id>,
}

/// The standing of a live account at `now`, in one statement: it is asked for each request and command of a client.
pub fn standing(
    conn: &mut AnyConnection,
    account: Id,
    credential: Option<Id>,
    now: NaiveDateTime,
) -> QueryResult<Option<Standing>> {
    Ok(standings(conn, &[(account, credential)], now)?.into_iter().next())
}

/// The standings of those accounts that are live, each asked about with credentials or without.
pub fn standings(
    conn: &mut AnyConnection,
    asked: &[(Id, Option<Id>)],
    now: NaiveDateTime,
) -> QueryResult<Vec<Standing>> {
    let row = |(account, credential): &(Id, Option<Id>)| {
        vec![bind::<Binary>(*account), bind::<Nullable<Binary>>(*credential), bind::<Timestamp>(now)]
    };
    load_rows(
        conn,
        "WITH asked (account_id, credential_id, at) AS (",
        &asked.iter().map(row).collect::<Vec<_>>(),
        ") SELECT a.id AS account_id, EXISTS (SELECT 1 FROM suspensions s WHERE s.account_id = a.id AND s.lifted_at IS NULL \
         AND (s.until_at IS NULL OR s.until_at > asked.at)) AS held, \
         EXISTS (SELECT 1 FROM suspensions s WHERE s.account_id = a.parent_id AND s.lifted_at IS NULL \
         AND (s.until_at IS NULL OR s.until_at > asked.at)) AS parent_held, \
         (a.parent_id IS NULL OR EXISTS (SELECT 1 FROM accounts p WHERE p.id = a.parent_id AND p.deleted_at IS NULL)) \
         AND (asked.credential_id IS NULL OR EXISTS (SELECT 1 FROM smtp_credentials c WHERE c.id = asked.credential_id \
         AND c.account_id = a.id AND c.deleted_at IS NULL)) AS complete, \
         (SELECT through_id FROM clearings c WHERE c.id = a.id) AS cleared_through \
         FROM asked CROSS JOIN accounts a WHERE a.id = asked.account_id AND a.deleted_at IS NULL",
    )
}

/// Every hold an account ever had, newest first.
pub fn history(conn: &mut AnyConnection, account: Id) -> QueryResult<Vec<Suspension>> {
    suspensions::table
        .filter(suspensions::account_id.eq(account))
        .order(suspensions::id.desc())
        .limit(100)
        .select(Suspension::as_select())
        .load(conn)
}

/// Lifts every open hold of an account; answers how many.
pub fn lift_all(conn: &mut AnyConnection, account: Id, by: &str, now: NaiveDateTime) -> QueryResult<usize> {
    diesel::update(
        suspensions::table.filter(suspensions::account_id.eq(account)).filter(suspensions::lifted_at.is_null()),
    )
    .set((suspensions::lifted_at.eq(Some(now)), suspensions::lifted_by.eq(Some(by))))
    .execute(conn)
}

/// Holds whose end has come but which nobody lifted.
pub fn ended(conn: &mut AnyConnection, now: NaiveDateTime) -> QueryResult<Vec<Suspension>> {
    suspensions::table
        .filter(suspensions::lifted_at.is_null())
        .filter(suspensions::until_at.le(now))
        .order(suspensions::id)
        .limit(500)
        .select(Suspension::as_select())
        .load(conn)
}

/// Marks one hold as ended by its own date.
pub fn end(conn: &mut AnyConnection, id: Id, by: &str, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(suspensions::table.find(id))
        .set((suspensions::lifted_at.eq(Some(now)), suspensions::lifted_by.eq(Some(by))))
        .execute(conn)
        .map(drop)
}
