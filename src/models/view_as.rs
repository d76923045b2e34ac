//! A parent's member acting inside a child: why, since when, until when, and whether raised to write.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::view_as_grants;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = view_as_grants)]
pub struct Grant {
    pub id: Id,
    pub user_id: Id,
    /// The child.
    pub account_id: Id,
    pub reason: String,
    pub raised: bool,
    pub started_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
    pub ended_at: Option<NaiveDateTime>,
}

pub fn insert(conn: &mut AnyConnection, grant: &Grant) -> QueryResult<()> {
    diesel::insert_into(view_as_grants::table).values(grant).execute(conn).map(drop)
}

/// A grant of `user` that has neither ended nor run out.
pub fn find_live(conn: &mut AnyConnection, id: Id, user: Id, now: NaiveDateTime) -> QueryResult<Option<Grant>> {
    view_as_grants::table
        .find(id)
        .filter(view_as_grants::user_id.eq(user))
        .filter(view_as_grants::ended_at.is_null())
        .filter(view_as_grants::expires_at.gt(now))
        .select(Grant::as_select())
        .first(conn)
        .optional()
}

pub fn raise(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    diesel::update(view_as_grants::table.find(id)).set(view_as_grants::raised.eq(true)).execute(conn).map(drop)
}

pub fn end(conn: &mut AnyConnection, id: Id, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(view_as_grants::table.find(id)).set(view_as_grants::ended_at.eq(Some(now))).execute(conn).map(drop)
}
