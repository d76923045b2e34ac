//! System mail waiting to leave: invitations, resets, alerts. Written with what caused it, sent by a worker.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::system_mails;
use crate::domain::clocks::farthest;
use crate::domain::ids::Id;
use crate::domain::retry::LONGEST;

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

/// What a worker may lease until `until`: what is due at `now` and nobody has. What is due later than any mail is put off,
/// and what is leased for longer than by us, was written by a clock that was ahead.
#[diesel::dsl::auto_type(no_type_alias)]
fn free(now: NaiveDateTime, until: NaiveDateTime) -> _ {
    let latest: NaiveDateTime = farthest(now, LONGEST);
    let longest: NaiveDateTime = farthest(until, TimeDelta::zero());
    let is_due = system_mails::due_at.le(now).or(system_mails::due_at.gt(latest));
    let leased_until = system_mails::leased_until;
    is_due.and(leased_until.is_null().or(leased_until.le(now)).or(leased_until.gt(longest)))
}

/// Whether there is a mail to be leased until `until`.
pub fn any_due(conn: &mut AnyConnection, now: NaiveDateTime, until: NaiveDateTime) -> QueryResult<bool> {
    let first: Option<Id> =
        system_mails::table.filter(free(now, until)).select(system_mails::id).first(conn).optional()?;
    Ok(first.is_some())
}

/// Leases up to `limit` due mails until `until`.
pub fn claim(
    conn: &mut AnyConnection,
    now: NaiveDateTime,
    until: NaiveDateTime,
    limit: i64,
) -> QueryResult<Vec<SystemMail>> {
    let due = system_mails::table.filter(free(now, until)).order((system_mails::due_at, system_mails::id)).limit(limit);
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
