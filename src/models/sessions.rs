//! Dashboard sessions. Only the digest of a session's key is stored: a copy of the table signs nobody in.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Timestamp;

use super::AnyConnection;
use super::kept::one_of;
use super::portable::delete_some;
use super::schema::sessions;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
pub struct Session {
    pub digest: Vec<u8>,
    /// `None` before sign-in.
    pub user_id: Option<Id>,
    /// JSON.
    pub state: String,
    /// Where it signed in from.
    pub address: String,
    pub user_agent: String,
    pub created_at: NaiveDateTime,
    pub last_seen_at: NaiveDateTime,
    /// The absolute limit.
    pub expires_at: NaiveDateTime,
}

/// As many as a person may have: what ends all of them ends them in one transaction.
pub const MOST: i64 = 100;

/// Begins a session. Where its person has [`MOST`] already, those used longest ago end.
pub fn insert(conn: &mut AnyConnection, session: &Session) -> QueryResult<()> {
    diesel::insert_into(sessions::table).values(session).execute(conn)?;
    let Some(user) = session.user_id else { return Ok(()) };
    let over: Vec<Vec<u8>> = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::digest.ne(&session.digest))
        .order((sessions::last_seen_at.desc(), sessions::digest))
        .offset(MOST - 1)
        .limit(MOST)
        .select(sessions::digest)
        .load(conn)?;
    if over.is_empty() {
        return Ok(());
    }
    diesel::delete(sessions::table.filter(one_of(sessions::digest, over))).execute(conn).map(drop)
}

pub fn find(conn: &mut AnyConnection, digest: &[u8]) -> QueryResult<Option<Session>> {
    sessions::table.find(digest.to_vec()).select(Session::as_select()).first(conn).optional()
}

/// Writes the state of a session that still exists; a session that was ended does not come back.
pub fn save_state(conn: &mut AnyConnection, digest: &[u8], state: &str, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(sessions::table.find(digest.to_vec()))
        .set((sessions::state.eq(state), sessions::last_seen_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Notes that it was used.
pub fn touch(conn: &mut AnyConnection, digest: &[u8], now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(sessions::table.find(digest.to_vec())).set(sessions::last_seen_at.eq(now)).execute(conn).map(drop)
}

pub fn delete(conn: &mut AnyConnection, digest: &[u8]) -> QueryResult<bool> {
    Ok(diesel::delete(sessions::table.find(digest.to_vec())).execute(conn)? > 0)
}

/// A user's sessions, the last used first.
pub fn of_user(conn: &mut AnyConnection, user: Id) -> QueryResult<Vec<Session>> {
    sessions::table
        .filter(sessions::user_id.eq(user))
        .order(sessions::last_seen_at.desc())
        .select(Session::as_select())
        .load(conn)
}

/// Ends one session of `user`; answers whether it was theirs.
pub fn delete_of(conn: &mut AnyConnection, user: Id, digest: &[u8]) -> QueryResult<bool> {
    let rows =
        diesel::delete(sessions::table.find(digest.to_vec()).filter(sessions::user_id.eq(user))).execute(conn)?;
    Ok(rows > 0)
}

/// Ends every session of `user` but `keep`; answers how many there were.
pub fn delete_all_of(conn: &mut AnyConnection, user: Id, keep: Option<&[u8]>) -> QueryResult<usize> {
    let keep = keep.unwrap_or_default().to_vec();
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::digest.ne(keep))).execute(conn)
}

/// Whether `user` has a session that was begun at `address`.
pub fn known_address(conn: &mut AnyConnection, user: Id, address: &str) -> QueryResult<bool> {
    let found = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::address.eq(address))
        .select(sessions::digest)
        .first::<Vec<u8>>(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Removes what is past its absolute limit.
pub fn purge(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "sessions", "expires_at <= $1", Timestamp, now, limit)
}
