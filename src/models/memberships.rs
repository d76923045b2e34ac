//! Who belongs to which account, in which role. Inert until accepted.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::accounts::Account;
use super::schema::{accounts, memberships, users};
use super::users::User;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = memberships)]
pub struct Membership {
    pub account_id: Id,
    pub user_id: Id,
    pub role: String,
    pub invited_by: Option<Id>,
    pub accepted_at: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

/// As many as an account may have, invited ones included: whatever is told to all of them is a mail for each.
pub const MOST: i64 = 200;

/// As many as a person may have accepted: what they change about themselves is told in each account.
pub const MOST_OF_ONE: i64 = 500;

pub fn insert(conn: &mut AnyConnection, membership: &Membership) -> QueryResult<()> {
    diesel::insert_into(memberships::table).values(membership).execute(conn).map(drop)
}

pub fn find(conn: &mut AnyConnection, account: Id, user: Id) -> QueryResult<Option<Membership>> {
    memberships::table.find((account, user)).select(Membership::as_select()).first(conn).optional()
}

/// The accepted memberships of a user.
pub fn of_user(conn: &mut AnyConnection, user: Id) -> QueryResult<Vec<Membership>> {
    memberships::table
        .filter(memberships::user_id.eq(user))
        .filter(memberships::accepted_at.is_not_null())
        .order(memberships::account_id)
        .select(Membership::as_select())
        .load(conn)
}

/// A user and the live accounts they belong to, each with the name of their role; nobody when they belong to none.
pub fn with_accounts(conn: &mut AnyConnection, user: Id) -> QueryResult<Vec<(User, String, Account)>> {
    memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .inner_join(accounts::table.on(accounts::id.eq(memberships::account_id)))
        .filter(memberships::user_id.eq(user))
        .filter(memberships::accepted_at.is_not_null())
        .filter(accounts::deleted_at.is_null())
        .select((User::as_select(), memberships::role, Account::as_select()))
        .load(conn)
}

/// Everyone listed on an account, invited ones included, with the person.
pub fn of_account(conn: &mut AnyConnection, account: Id) -> QueryResult<Vec<(Membership, User)>> {
    memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::account_id.eq(account))
        .order((memberships::created_at, memberships::user_id))
        .select((Membership::as_select(), User::as_select()))
        .load(conn)
}

pub fn count(conn: &mut AnyConnection, account: Id) -> QueryResult<i64> {
    memberships::table.filter(memberships::account_id.eq(account)).count().get_result(conn)
}

/// How many a person has accepted.
pub fn count_of(conn: &mut AnyConnection, user: Id) -> QueryResult<i64> {
    let of_user = memberships::table.filter(memberships::user_id.eq(user));
    of_user.filter(memberships::accepted_at.is_not_null()).count().get_result(conn)
}

pub fn set_role(conn: &mut AnyConnection, account: Id, user: Id, role: &str, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(memberships::table.find((account, user)))
        .set((memberships::role.eq(role), memberships::updated_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Notes who sent the newest invitation.
pub fn set_inviter(
    conn: &mut AnyConnection,
    account: Id,
    user: Id,
    by: Option<Id>,
    now: NaiveDateTime,
) -> QueryResult<()> {
    diesel::update(memberships::table.find((account, user)))
        .set((memberships::invited_by.eq(by), memberships::updated_at.eq(now)))
        .execute(conn)
        .map(drop)
}

/// Accepts a membership; answers whether there was one waiting.
pub fn accept(conn: &mut AnyConnection, account: Id, user: Id, now: NaiveDateTime) -> QueryResult<bool> {
    let rows = diesel::update(memberships::table.find((account, user)).filter(memberships::accepted_at.is_null()))
        .set((memberships::accepted_at.eq(Some(now)), memberships::updated_at.eq(now)))
        .execute(conn)?;
    Ok(rows > 0)
}

pub fn delete(conn: &mut AnyConnection, account: Id, user: Id) -> QueryResult<bool> {
    Ok(diesel::delete(memberships::table.find((account, user))).execute(conn)? > 0)
}
