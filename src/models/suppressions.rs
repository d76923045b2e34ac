//! Suppressions: addresses that an account must not mail, per domain, until they expire.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text, Timestamp};

use super::AnyConnection;
use super::kept::{bind, for_rows, load_rows, one_of};
use super::schema::suppressions;
use crate::domain::ids::Id;

/// Stands for the domains that the account adds later: each gets a row of its own from this one, which itself
/// suppresses nothing. Domains that are there have their own rows, so that one of them can be let go alone.
pub const EVERY_DOMAIN: &str = "*";

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = suppressions)]
pub struct Suppression {
    pub id: Id,
    pub account_id: Id,
    pub email: String,
    pub email_lower: String,
    pub domain: String,
    pub reason: String,
    pub created_at: NaiveDateTime,
    pub expires_at: NaiveDateTime,
}

/// An address that an account must not mail from a domain, in lower case; or one that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, QueryableByName)]
#[diesel(table_name = suppressions)]
pub struct Address {
    pub account_id: Id,
    pub email_lower: String,
    pub domain: String,
}

/// Which of the `asked` must not be mailed at `now`.
pub fn suppressed(conn: &mut AnyConnection, asked: &[Address], now: NaiveDateTime) -> QueryResult<Vec<Address>> {
    let row = |one: &Address| {
        vec![
            bind::<Binary>(one.account_id),
            bind::<Text>(&one.email_lower),
            bind::<Text>(&one.domain),
            bind::<Timestamp>(now),
        ]
    };
    load_rows(
        conn,
        "WITH asked (account_id, email_lower, domain, at) AS (",
        &asked.iter().map(row).collect::<Vec<_>>(),
        ") SELECT s.account_id, s.email_lower, s.domain FROM asked CROSS JOIN suppressions s \
         WHERE s.account_id = asked.account_id AND s.email_lower = asked.email_lower AND s.domain = asked.domain \
         AND s.expires_at > asked.at",
    )
}

/// Writes a suppression; one that is there already gets the later end and the newer reason.
pub fn upsert(conn: &mut AnyConnection, row: &Suppression) -> QueryResult<()> {
    upsert_many(conn, std::slice::from_ref(row))
}

/// The same for several, each of another address or domain.
pub fn upsert_many(conn: &mut AnyConnection, rows: &[Suppression]) -> QueryResult<()> {
    let binds = |row: &Suppression| {
        vec![
            bind::<Binary>(row.id),
            bind::<Binary>(row.account_id),
            bind::<Text>(&row.email),
            bind::<Text>(&row.email_lower),
            bind::<Text>(&row.domain),
            bind::<Text>(&row.reason),
            bind::<Timestamp>(row.created_at),
            bind::<Timestamp>(row.expires_at),
        ]
    };
    for_rows(
        conn,
        "INSERT INTO suppressions (id, account_id, email, email_lower, domain, reason, created_at, expires_at)",
        &rows.iter().map(binds).collect::<Vec<_>>(),
        "ON CONFLICT (account_id, email_lower, domain) DO UPDATE SET reason = excluded.reason, \
         expires_at = CASE WHEN excluded.expires_at > suppressions.expires_at THEN excluded.expires_at ELSE suppressions.expires_at END",
    )
}

/// The rows of one address that hold at `now`.
pub fn of_email(
    conn: &mut AnyConnection,
    account: Id,
    email: &str,
    now: NaiveDateTime,
) -> QueryResult<Vec<Suppression>> {
    suppressions::table
        .filter(suppressions::account_id.eq(account))
        .filter(suppressions::email_lower.eq(email))
        .filter(suppressions::expires_at.gt(now))
        .order(suppressions::domain)
        .select(Suppression::as_select())
        .load(conn)
}

/// What a list of suppressions is narrowed by. Empty fields do not narrow.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub domain: Option<String>,
    pub email_lower: Option<String>,
    pub from: Option<NaiveDateTime>,
    pub to: Option<NaiveDateTime>,
    /// Leaves the rows for later domains out.
    pub own_domains_only: bool,
}

/// A page of an account's suppressions that hold at `now`, by id: newest first, or, with `ascending`, the ones just
/// newer than `edge`.
pub fn page(
    conn: &mut AnyConnection,
    account: Id,
    filter: &Filter,
    now: NaiveDateTime,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Suppression>> {
    let mut query = suppressions::table
        .filter(suppressions::account_id.eq(account))
        .filter(suppressions::expires_at.gt(now))
        .select(Suppression::as_select())
        .into_boxed();
    if let Some(domain) = &filter.domain {
        query = query.filter(suppressions::domain.eq(domain.clone()));
    }
    if let Some(email) = &filter.email_lower {
        query = query.filter(suppressions::email_lower.eq(email.clone()));
    }
    if let Some(from) = filter.from {
        query = query.filter(suppressions::created_at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(suppressions::created_at.le(to));
    }
    if filter.own_domains_only {
        query = query.filter(suppressions::domain.ne(EVERY_DOMAIN));
    }
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(suppressions::id.gt(edge)),
        (Some(edge), false) => query = query.filter(suppressions::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(suppressions::id.asc()).limit(limit).load(conn)
    } else {
        query.order(suppressions::id.desc()).limit(limit).load(conn)
    }
}

/// Removes up to `limit` of an account's suppressions, for one domain or for every one. Answers how many.
pub fn delete_some(conn: &mut AnyConnection, account: Id, domain: Option<&str>, limit: i64) -> QueryResult<usize> {
    let mut some = suppressions::table.filter(suppressions::account_id.eq(account)).into_boxed();
    if let Some(domain) = domain {
        some = some.filter(suppressions::domain.eq(domain.to_owned()));
    }
    let some: Vec<Id> = some.order(suppressions::id).limit(limit).select(suppressions::id).load(conn)?;
    diesel::delete(suppressions::table.filter(one_of(suppressions::id, some))).execute(conn)
}

/// Removes an account's suppressions of one address, for one domain or for every one. Answers how many.
pub fn delete(conn: &mut AnyConnection, account: Id, email: &str, domain: Option<&str>) -> QueryResult<usize> {
    let of_account = suppressions::table.filter(suppressions::account_id.eq(account));
    let mut query = diesel::delete(of_account.filter(suppressions::email_lower.eq(email.to_owned()))).into_boxed();
    if let Some(domain) = domain {
        query = query.filter(suppressions::domain.eq(domain.to_owned()));
    }
    query.execute(conn)
}

/// Removes one address's rows that no longer hold, so that new ones begin afresh.
pub fn delete_expired(conn: &mut AnyConnection, account: Id, email: &str, now: NaiveDateTime) -> QueryResult<usize> {
    diesel::delete(
        suppressions::table
            .filter(suppressions::account_id.eq(account))
            .filter(suppressions::email_lower.eq(email))
            .filter(suppressions::expires_at.le(now)),
    )
    .execute(conn)
}
