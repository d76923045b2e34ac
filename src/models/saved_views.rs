//! Searches of the list of sub accounts under a name: each member's own, and those shared with all members.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::saved_views;
use crate::domain::ids::Id;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = saved_views)]
pub struct SavedView {
    pub id: Id,
    /// The account whose sub accounts it lists.
    pub account_id: Id,
    /// Who made it.
    pub user_id: Id,
    pub name: String,
    pub name_lower: String,
    pub shared: bool,
    /// The list's address behind its question mark; empty is the list as it opens.
    pub query: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

pub fn insert(conn: &mut AnyConnection, row: &SavedView) -> QueryResult<()> {
    diesel::insert_into(saved_views::table).values(row).execute(conn).map(drop)
}

/// Writes every column of a row that is there.
pub fn save(conn: &mut AnyConnection, row: &SavedView) -> QueryResult<()> {
    diesel::update(saved_views::table.find(row.id)).set(row).execute(conn).map(drop)
}

pub fn delete(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    diesel::delete(saved_views::table.find(id)).execute(conn).map(drop)
}

/// A view that `user` sees in `account`: their own, or a shared one.
pub fn find(conn: &mut AnyConnection, account: Id, user: Id, id: Id) -> QueryResult<Option<SavedView>> {
    saved_views::table
        .find(id)
        .filter(saved_views::account_id.eq(account))
        .filter(saved_views::user_id.eq(user).or(saved_views::shared.eq(true)))
        .select(SavedView::as_select())
        .first(conn)
        .optional()
}

/// The views that `user` made in `account`, by name.
pub fn own(conn: &mut AnyConnection, account: Id, user: Id) -> QueryResult<Vec<SavedView>> {
    saved_views::table
        .filter(saved_views::account_id.eq(account))
        .filter(saved_views::user_id.eq(user))
        .order(saved_views::name_lower)
        .select(SavedView::as_select())
        .load(conn)
}

/// The views that all members of `account` see, by name.
pub fn shared(conn: &mut AnyConnection, account: Id) -> QueryResult<Vec<SavedView>> {
    saved_views::table
        .filter(saved_views::account_id.eq(account))
        .filter(saved_views::shared)
        .order((saved_views::name_lower, saved_views::id))
        .select(SavedView::as_select())
        .load(conn)
}

/// What `user` sees: their own by name, then what others shared.
pub fn seen_by(conn: &mut AnyConnection, account: Id, user: Id) -> QueryResult<Vec<SavedView>> {
    let mut all = own(conn, account, user)?;
    all.extend(shared(conn, account)?.into_iter().filter(|view| view.user_id != user));
    Ok(all)
}

/// Removes what `user` kept for themselves in `account`; what they shared stays with its members.
pub fn delete_own(conn: &mut AnyConnection, account: Id, user: Id) -> QueryResult<usize> {
    diesel::delete(
        saved_views::table
            .filter(saved_views::account_id.eq(account))
            .filter(saved_views::user_id.eq(user))
            .filter(saved_views::shared.eq(false)),
    )
    .execute(conn)
}
