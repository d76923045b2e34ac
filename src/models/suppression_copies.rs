//! Domains that are still being given the suppressions which were made for every domain of their account: the first with the
//! domain itself, the others in slices after it. Until then the domain is not verified, so that nothing leaves from it.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::domains::Domain;
use super::schema::{suppression_copies, suppressions};
use super::suppressions::{self as list, EVERY_DOMAIN, Suppression};
use crate::domain::ids::Id;

/// Suppressions of one transaction.
const SLICE: i64 = 500;

#[derive(Clone, Copy, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = suppression_copies)]
pub struct Copying {
    pub domain_id: Id,
    /// The last suppression that was copied.
    pub after_id: Id,
}

/// Gives a new domain its first suppressions, and notes that there are more.
pub fn begin(conn: &mut AnyConnection, domain: &Domain) -> QueryResult<()> {
    let Some(after_id) = copy(conn, domain, None, domain.created_at)? else { return Ok(()) };
    let row = Copying { domain_id: domain.id, after_id };
    diesel::insert_into(suppression_copies::table).values(row).execute(conn).map(drop)
}

/// One that has more to come.
pub fn next(conn: &mut AnyConnection) -> QueryResult<Option<Copying>> {
    let all = suppression_copies::table.order(suppression_copies::domain_id);
    all.select(Copying::as_select()).first(conn).optional()
}

/// Whether a domain has more to come.
pub fn is_under_way(conn: &mut AnyConnection, domain: Id) -> QueryResult<bool> {
    let row: Option<Id> =
        suppression_copies::table.find(domain).select(suppression_copies::domain_id).first(conn).optional()?;
    Ok(row.is_some())
}

/// Gives a domain some more. Answers whether there may be others.
pub fn go_on(conn: &mut AnyConnection, domain: &Domain, after: Id, now: NaiveDateTime) -> QueryResult<bool> {
    let Some(after) = copy(conn, domain, Some(after), now)? else {
        return end(conn, domain.id).map(|()| false);
    };
    diesel::update(suppression_copies::table.find(domain.id))
        .set(suppression_copies::after_id.eq(after))
        .execute(conn)
        .map(|_| true)
}

/// The domain has them all, or is gone.
pub fn end(conn: &mut AnyConnection, domain: Id) -> QueryResult<()> {
    diesel::delete(suppression_copies::table.find(domain)).execute(conn).map(drop)
}

/// Copies a slice; answers the last of it, unless it was the end. Those made since the domain was added have a row for it.
fn copy(conn: &mut AnyConnection, domain: &Domain, after: Option<Id>, now: NaiveDateTime) -> QueryResult<Option<Id>> {
    let mut of_account = suppressions::table
        .filter(suppressions::account_id.eq(domain.account_id))
        .filter(suppressions::domain.eq(EVERY_DOMAIN))
        .filter(suppressions::created_at.le(domain.created_at))
        .into_boxed();
    if let Some(after) = after {
        of_account = of_account.filter(suppressions::id.gt(after));
    }
    let rows: Vec<Suppression> =
        of_account.order(suppressions::id).limit(SLICE).select(Suppression::as_select()).load(conn)?;
    let last = rows.last().filter(|_| i64::try_from(rows.len()) == Ok(SLICE)).map(|row| row.id);
    let of_domain = |row: Suppression| Suppression {
        id: Id::new(now.and_utc()),
        domain: domain.name.clone(),
        created_at: now,
        ..row
    };
    let live = rows.into_iter().filter(|row| row.expires_at > now);
    list::upsert_many(conn, &live.map(of_domain).collect::<Vec<_>>())?;
    Ok(last)
}
