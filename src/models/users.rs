//! People who sign in.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::kept::one_of;
use super::schema::users;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub struct User {
    pub id: Id,
    pub email: String,
    pub email_lower: String,
    pub name: String,
    /// `None` until an invitation is accepted.
    pub password_hash: Option<String>,
    pub disabled_at: Option<NaiveDateTime>,
    pub last_sign_in_at: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

pub fn insert(conn: &mut AnyConnection, user: &User) -> QueryResult<()> {
    diesel::insert_into(users::table).values(user).execute(conn).map(drop)
}

pub fn find(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<User>> {
    users::table.find(id).select(User::as_select()).first(conn).optional()
}

pub fn find_by_email(conn: &mut AnyConnection, email_lower: &str) -> QueryResult<Option<User>> {
    users::table.filter(users::email_lower.eq(email_lower)).select(User::as_select()).first(conn).optional()
}

pub fn find_many(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<User>> {
    users::table.filter(one_of(users::id, ids.to_vec())).select(User::as_select()).load(conn)
}

/// Writes every editable column of `user` back.
pub fn save(conn: &mut AnyConnection, user: &User) -> QueryResult<()> {
    diesel::update(users::table.find(user.id))
        .set((
            users::email.eq(&user.email),
            users::email_lower.eq(&user.email_lower),
            users::name.eq(&user.name),
            users::password_hash.eq(&user.password_hash),
            users::disabled_at.eq(user.disabled_at),
            users::last_sign_in_at.eq(user.last_sign_in_at),
            users::updated_at.eq(user.updated_at),
        ))
        .execute(conn)
        .map(drop)
}

pub fn count(conn: &mut AnyConnection) -> QueryResult<i64> {
    users::table.count().get_result(conn)
}
