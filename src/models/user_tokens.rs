//! Single-use links: invitation, password reset, first set-up. Only the digest of the secret is stored.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Timestamp;

use super::AnyConnection;
use super::portable::delete_some;
use super::schema::user_tokens;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = user_tokens)]
pub struct UserToken {
    pub id: Id,
    /// `invite`, `reset`, `email` or `setup`.
    pub kind: String,
    pub digest: Vec<u8>,
    pub user_id: Option<Id>,
    pub account_id: Option<Id>,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub used_at: Option<NaiveDateTime>,
}

pub fn insert(conn: &mut AnyConnection, token: &UserToken) -> QueryResult<()> {
    diesel::insert_into(user_tokens::table).values(token).execute(conn).map(drop)
}

/// A link that still works.
pub fn find_live(
    conn: &mut AnyConnection,
    kind: &str,
    digest: &[u8],
    now: NaiveDateTime,
) -> QueryResult<Option<UserToken>> {
    user_tokens::table
        .filter(user_tokens::digest.eq(digest))
        .filter(user_tokens::kind.eq(kind))
        .filter(user_tokens::used_at.is_null())
        .filter(user_tokens::expires_at.gt(now))
        .select(UserToken::as_select())
        .first(conn)
        .optional()
}

/// Uses a link up; answers whether it was still unused, so that of two at once only one wins.
pub fn use_up(conn: &mut AnyConnection, id: Id, now: NaiveDateTime) -> QueryResult<bool> {
    let rows = diesel::update(user_tokens::table.find(id).filter(user_tokens::used_at.is_null()))
        .set(user_tokens::used_at.eq(Some(now)))
        .execute(conn)?;
    Ok(rows > 0)
}

/// Ends every unused link of one kind for a user; with `account`, only those to that account.
pub fn revoke(
    conn: &mut AnyConnection,
    kind: &str,
    user: Option<Id>,
    account: Option<Id>,
    now: NaiveDateTime,
) -> QueryResult<()> {
    let mut query = user_tokens::table
        .filter(user_tokens::kind.eq(kind))
        .filter(user_tokens::used_at.is_null())
        .select(user_tokens::id)
        .into_boxed();
    if let Some(user) = user {
        query = query.filter(user_tokens::user_id.eq(user));
    }
    if let Some(account) = account {
        query = query.filter(user_tokens::account_id.eq(account));
    }
    let ids: Vec<Id> = query.load(conn)?;
    diesel::update(user_tokens::table.filter(user_tokens::id.eq_any(ids)))
        .set(user_tokens::used_at.eq(Some(now)))
        .execute(conn)
        .map(drop)
}

/// Ends every unused link of these kinds that `user` was sent.
pub fn revoke_all_of(conn: &mut AnyConnection, kinds: &[&str], user: Id, now: NaiveDateTime) -> QueryResult<()> {
    let mut ids: Vec<Id> = user_tokens::table
        .filter(user_tokens::user_id.eq(user))
        .filter(user_tokens::used_at.is_null())
        .filter(user_tokens::kind.eq_any(kinds))
        .select(user_tokens::id)
        .load(conn)?;
    ids.sort_unstable();
    diesel::update(user_tokens::table.filter(user_tokens::id.eq_any(ids)))
        .set(user_tokens::used_at.eq(Some(now)))
        .execute(conn)
        .map(drop)
}

/// Forgets the links that are no longer good; answers how many.
pub fn purge(conn: &mut AnyConnection, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "user_tokens", "expires_at <= $1", Timestamp, now, limit)
}
