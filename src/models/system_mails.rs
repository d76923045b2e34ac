//! System mail waiting to leave: invitations, resets, alerts. Written with what caused it, sent by a worker.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::system_mails;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = system_mails)]
pub struct SystemMail {
    pub id: Id,
    pub account_id: Option<Id>,
    pub kind: String,
    pub recipient: String,
    pub subject: String,
    /// JSON of text and HTML, sealed: a reset holds a live link.
    pub body_sealed: Vec<u8>,
    pub created_at: NaiveDateTime,
    pub due_at: NaiveDateTime,
    pub leased_until: Option<NaiveDateTime>,
    pub attempts: i32,
    pub last_error: String,
}

pub fn insert(conn: &mut AnyConnection, mail: &SystemMail) -> QueryResult<()> {
    diesel::insert_into(system_mails::table).values(mail).execute(conn).map(drop)
}

/// Whether a mail is due that no worker holds.
pub fn any_due(conn: &mut AnyConnection, now: NaiveDateTime) -> QueryResult<bool> {
    let first: Option<Id> = system_mails::table
        .filter(system_mails::due_at.le(now))
        .filter(system_mails::leased_until.is_null().or(system_mails::leased_until.le(now)))
        .select(system_mails::id)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Leases up to `limit` due mails until `until`.
pub fn claim(
    conn: &mut AnyConnection,
    now: NaiveDateTime,
    until: NaiveDateTime,
    limit: i64,
) -> QueryResult<Vec<SystemMail>> {
    let due = system_mails::table
        .filter(system_mails::due_at.le(now))
        .filter(system_mails::leased_until.is_null().or(system_mails::leased_until.le(now)))
        .order((system_mails::due_at, system_mails::id))
        .limit(limit);
    let ids: Vec<Id> = match conn {
        AnyConnection::Pg(conn) => due.select(system_mails::id).for_update().skip_locked().load(conn)?,
        AnyConnection::Sqlite(conn) => due.select(system_mails::id).load(conn)?,
    };
    diesel::update(system_mails::table.filter(system_mails::id.eq_any(ids.clone())))
        .set(system_mails::leased_until.eq(Some(until)))
        .execute(conn)?;
    system_mails::table
        .filter(system_mails::id.eq_any(ids))
        .order(system_mails::id)
        .select(SystemMail::as_select())
        .load(conn)
}

/// It left.
pub fn remove(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    diesel::delete(system_mails::table.find(id)).execute(conn).map(drop)
}

/// It did not leave: to be tried again at `due`.
pub fn retry(conn: &mut AnyConnection, id: Id, due: NaiveDateTime, attempts: i32, error: &str) -> QueryResult<()> {
    diesel::update(system_mails::table.find(id))
        .set((
            system_mails::due_at.eq(due),
            system_mails::attempts.eq(attempts),
            system_mails::last_error.eq(error),
            system_mails::leased_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)
        .map(drop)
}
