//! Sending domains: keys, chosen names, and what the last look at DNS found.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};

use super::kept::{bind, load_rows, one_of};
use super::portable::with_row_locks;
use super::schema::{accounts, domains};
use super::{AnyConnection, suppression_copies};
use crate::domain::clocks::farthest;
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = domains)]
pub struct Domain {
    pub id: Id,
    pub account_id: Id,
    pub name: String,
    /// The selector asked for; `None` uses the default.
    pub dkim_selector: Option<String>,
    /// The selector that signs; locked once verified.
    pub active_selector: String,
    pub dkim_private_sealed: Vec<u8>,
    pub dkim_public: String,
    pub tracking_subdomain: Option<String>,
    pub return_path_subdomain: Option<String>,
    pub subscription_subdomain: Option<String>,
    pub media_subdomain: Option<String>,
    pub dkim_rotation_interval_days: Option<i32>,
    pub dsn_recipient: Option<String>,
    /// JSON: the state of each record at the last look.
    pub record_states: String,
    pub verified_at: Option<NaiveDateTime>,
    pub last_check_at: Option<NaiveDateTime>,
    pub next_check_at: NaiveDateTime,
    pub failed_checks: i32,
    pub share_digest: Option<Vec<u8>>,
    pub share_sealed: Option<Vec<u8>>,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
}

/// As many as an account may have: each has its own row of whatever is said of all of an account's domains.
pub const MOST: i64 = 1_000;
/// Waiting rows of a name that one transaction sees to.
pub const WAITING: i64 = 500;

/// Adds a domain; addresses suppressed for every domain are suppressed for it too.
pub fn insert(conn: &mut AnyConnection, domain: &Domain) -> QueryResult<()> {
    diesel::insert_into(domains::table).values(domain).execute(conn)?;
    suppression_copies::begin(conn, domain)
}

/// A live domain of an account by its name.
pub fn find(conn: &mut AnyConnection, account: Id, name: &str) -> QueryResult<Option<Domain>> {
    domains::table
        .filter(domains::account_id.eq(account))
        .filter(domains::name.eq(name))
        .filter(domains::deleted_at.is_null())
        .select(Domain::as_select())
        .first(conn)
        .optional()
}

/// What decides whether an account may send from a domain.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(table_name = domains)]
pub struct Sending {
    pub id: Id,
    pub account_id: Id,
    pub name: String,
    pub verified_at: Option<NaiveDateTime>,
}

/// The live domains among those asked for, by account and name.
pub fn sending(conn: &mut AnyConnection, asked: &[(Id, &str)]) -> QueryResult<Vec<Sending>> {
    let row = |(account, name): &(Id, &str)| vec![bind::<Binary>(*account), bind::<Text>(*name)];
    load_rows(
        conn,
        "WITH asked (account_id, name) AS (",
        &asked.iter().map(row).collect::<Vec<_>>(),
        ") SELECT d.id, d.account_id, d.name, d.verified_at FROM asked CROSS JOIN domains d \
         WHERE d.account_id = asked.account_id AND d.name = asked.name AND d.deleted_at IS NULL",
    )
}

pub fn find_by_id(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<Domain>> {
    domains::table.find(id).select(Domain::as_select()).first(conn).optional()
}

pub fn find_many(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Domain>> {
    domains::table.filter(one_of(domains::id, ids.to_vec())).select(Domain::as_select()).load(conn)
}

pub fn find_by_share(conn: &mut AnyConnection, digest: &[u8]) -> QueryResult<Option<Domain>> {
    domains::table
        .filter(domains::share_digest.eq(digest))
        .filter(domains::deleted_at.is_null())
        .select(Domain::as_select())
        .first(conn)
        .optional()
}

/// An account's live domains, oldest first.
pub fn all(conn: &mut AnyConnection, account: Id) -> QueryResult<Vec<Domain>> {
    domains::table
        .filter(domains::account_id.eq(account))
        .filter(domains::deleted_at.is_null())
        .order(domains::id)
        .select(Domain::as_select())
        .load(conn)
}

/// The ids and names of an account's live domains.
pub fn names(conn: &mut AnyConnection, account: Id) -> QueryResult<Vec<(Id, String)>> {
    domains::table
        .filter(domains::account_id.eq(account))
        .filter(domains::deleted_at.is_null())
        .order(domains::name)
        .select((domains::id, domains::name))
        .load(conn)
}

/// A page of an account's live domains by id: newest first, or with `ascending` those just newer than `edge`.
pub fn page(
    conn: &mut AnyConnection,
    account: Id,
    verified: Option<bool>,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Domain>> {
    let mut query = domains::table
        .filter(domains::account_id.eq(account))
        .filter(domains::deleted_at.is_null())
        .select(Domain::as_select())
        .into_boxed();
    match verified {
        Some(true) => query = query.filter(domains::verified_at.is_not_null()),
        Some(false) => query = query.filter(domains::verified_at.is_null()),
        None => {}
    }
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(domains::id.gt(edge)),
        (Some(edge), false) => query = query.filter(domains::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(domains::id.asc()).limit(limit).load(conn)
    } else {
        query.order(domains::id.desc()).limit(limit).load(conn)
    }
}

/// Other accounts' rows of the same name that hold it verified, or let it go after `closed_since`.
pub fn holders_elsewhere(
    conn: &mut AnyConnection,
    account: Id,
    name: &str,
    closed_since: NaiveDateTime,
) -> QueryResult<Vec<Domain>> {
    domains::table
        .filter(domains::name.eq(name))
        .filter(domains::account_id.ne(account))
        .filter(domains::verified_at.is_not_null())
        .filter(domains::deleted_at.is_null().or(domains::deleted_at.gt(closed_since)))
        .select(Domain::as_select())
        .load(conn)
}

/// Writes every editable column of `domain` back.
pub fn save(conn: &mut AnyConnection, domain: &Domain) -> QueryResult<()> {
    diesel::update(domains::table.find(domain.id))
        .set((
            domains::dkim_selector.eq(&domain.dkim_selector),
            domains::active_selector.eq(&domain.active_selector),
            domains::tracking_subdomain.eq(&domain.tracking_subdomain),
            domains::return_path_subdomain.eq(&domain.return_path_subdomain),
            domains::subscription_subdomain.eq(&domain.subscription_subdomain),
            domains::media_subdomain.eq(&domain.media_subdomain),
            domains::dkim_rotation_interval_days.eq(domain.dkim_rotation_interval_days),
            domains::dsn_recipient.eq(&domain.dsn_recipient),
            domains::record_states.eq(&domain.record_states),
            domains::verified_at.eq(domain.verified_at),
            domains::last_check_at.eq(domain.last_check_at),
            domains::next_check_at.eq(domain.next_check_at),
            domains::failed_checks.eq(domain.failed_checks),
            domains::share_digest.eq(&domain.share_digest),
            domains::share_sealed.eq(&domain.share_sealed),
            domains::updated_at.eq(domain.updated_at),
            domains::deleted_at.eq(domain.deleted_at),
        ))
        .execute(conn)
        .map(drop)
}

/// Live domains of live accounts whose next look at DNS is due: by `now`, or only after `latest`, because a clock that was
/// ahead put it off.
pub fn due(
    conn: &mut AnyConnection,
    (now, latest): (NaiveDateTime, NaiveDateTime),
    limit: i64,
) -> QueryResult<Vec<Domain>> {
    let live = || {
        domains::table
            .inner_join(accounts::table.on(accounts::id.eq(domains::account_id)))
            .filter(domains::deleted_at.is_null())
            .filter(accounts::deleted_at.is_null())
            .order(domains::next_check_at)
            .select(Domain::as_select())
    };
    let mut found: Vec<Domain> = live().filter(domains::next_check_at.le(now)).limit(limit).load(conn)?;
    let left = limit.saturating_sub(i64::try_from(found.len()).unwrap_or(limit));
    if left > 0 {
        found.extend(live().filter(domains::next_check_at.gt(latest)).limit(left).load(conn)?);
    }
    Ok(found)
}

pub fn count(conn: &mut AnyConnection, account: Id) -> QueryResult<i64> {
    domains::table
        .filter(domains::account_id.eq(account))
        .filter(domains::deleted_at.is_null())
        .count()
        .get_result(conn)
}

/// Live rows of a name that other accounts than `account` have, none of which holds it: row and account, by id, the next
/// `limit` after `after`.
pub fn waiting_elsewhere(
    conn: &mut AnyConnection,
    account: Id,
    name: &str,
    after: Option<Id>,
    limit: i64,
) -> QueryResult<Vec<(Id, Id)>> {
    let mut waiting = domains::table
        .filter(domains::name.eq(name))
        .filter(domains::account_id.ne(account))
        .filter(domains::verified_at.is_null())
        .filter(domains::deleted_at.is_null())
        .order(domains::id)
        .limit(limit)
        .select((domains::id, domains::account_id))
        .into_boxed();
    if let Some(after) = after {
        waiting = waiting.filter(domains::id.gt(after));
    }
    waiting.load(conn)
}

/// Locks a name until the transaction ends, so that who holds it is decided one after the other: the name itself, and of its
/// rows, of which strangers may make any number, those that hold it and that of `account`. On SQLite the transaction itself
/// is the lock.
pub fn lock_name(conn: &mut AnyConnection, name: &str, account: Id) -> QueryResult<()> {
    let Some(conn) = with_row_locks(conn) else { return Ok(()) };
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind::<Text, _>(name).execute(conn)?;
    let of_name = || domains::table.filter(domains::name.eq(name)).order(domains::id).select(domains::id);
    let holding = of_name().filter(domains::verified_at.is_not_null());
    holding.for_no_key_update().load::<Id>(conn)?;
    let own = of_name().filter(domains::account_id.eq(account)).filter(domains::deleted_at.is_null());
    own.for_no_key_update().load::<Id>(conn).map(drop)
}

/// Claims the next look at DNS: true unless one was begun after `fresh_since`, with the settings of now. One that was begun
/// long after `now` says nothing: a clock was ahead.
pub fn claim_look(
    conn: &mut AnyConnection,
    id: Id,
    now: NaiveDateTime,
    fresh_since: NaiveDateTime,
) -> QueryResult<bool> {
    let stale = domains::last_check_at
        .is_null()
        .or(domains::last_check_at.le(fresh_since))
        .or(domains::last_check_at.gt(farthest(now, TimeDelta::zero())))
        .or(domains::last_check_at.lt(domains::updated_at.nullable()));
    let rows = diesel::update(domains::table.find(id).filter(domains::deleted_at.is_null()).filter(stale))
        .set(domains::last_check_at.eq(Some(now)))
        .execute(conn)?;
    Ok(rows > 0)
}

/// Puts a look off until `until` that is due as [`due`] has it; answers whether it was due still, so that one node takes it.
pub fn lease_due(
    conn: &mut AnyConnection,
    id: Id,
    (now, latest): (NaiveDateTime, NaiveDateTime),
    until: NaiveDateTime,
) -> QueryResult<bool> {
    let is_due = domains::next_check_at.le(now).or(domains::next_check_at.gt(latest));
    let rows =
        diesel::update(domains::table.find(id).filter(is_due)).set(domains::next_check_at.eq(until)).execute(conn)?;
    Ok(rows > 0)
}

/// Makes a domain due at once.
pub fn look_now(conn: &mut AnyConnection, id: Id, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(domains::table.find(id)).set(domains::next_check_at.eq(now)).execute(conn).map(drop)
}

/// Makes the first [`WAITING`] waiting rows of a name due at once that other accounts than `lost` have, which has let it go.
/// Others have their look when it is due.
pub fn hasten(conn: &mut AnyConnection, name: &str, now: NaiveDateTime, lost: Id) -> QueryResult<()> {
    let waiting = waiting_elsewhere(conn, lost, name, None, WAITING)?;
    diesel::update(domains::table.filter(one_of(domains::id, waiting.into_iter().map(|(id, _)| id))))
        .set(domains::next_check_at.eq(now))
        .execute(conn)
        .map(drop)
}

/// The verified live domains of every account, the next `limit` after `after`, by id.
pub fn verified(conn: &mut AnyConnection, after: Option<Id>, limit: i64) -> QueryResult<Vec<Domain>> {
    let mut query = domains::table
        .filter(domains::verified_at.is_not_null())
        .filter(domains::deleted_at.is_null())
        .order(domains::id)
        .limit(limit)
        .select(Domain::as_select())
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(domains::id.gt(after));
    }
    query.load(conn)
}

/// Which of these names live domains of `parent`'s sub accounts have.
pub fn taken_below(conn: &mut AnyConnection, parent: Id, names: &[String]) -> QueryResult<Vec<String>> {
    let mut taken = Vec::new();
    for chunk in names.chunks(500) {
        let found: Vec<String> = domains::table
            .inner_join(accounts::table.on(accounts::id.eq(domains::account_id)))
            .filter(one_of(domains::name, chunk.to_vec()))
            .filter(domains::deleted_at.is_null())
            .filter(accounts::parent_id.eq(parent))
            .filter(accounts::deleted_at.is_null())
            .select(domains::name)
            .load(conn)?;
        taken.extend(found);
    }
    Ok(taken)
}

/// The newest domains of `parent`'s live sub accounts that are not verified: account, its name, the domain, since when.
pub fn unverified_below(
    conn: &mut AnyConnection,
    parent: Id,
    limit: i64,
) -> QueryResult<Vec<(Id, String, String, NaiveDateTime)>> {
    domains::table
        .inner_join(accounts::table.on(accounts::id.eq(domains::account_id)))
        .filter(domains::verified_at.is_null())
        .filter(domains::deleted_at.is_null())
        .filter(accounts::parent_id.eq(parent))
        .filter(accounts::deleted_at.is_null())
        .order((domains::created_at.desc(), domains::account_id.desc()))
        .limit(limit)
        .select((accounts::id, accounts::name, domains::name, domains::created_at))
        .load(conn)
}
