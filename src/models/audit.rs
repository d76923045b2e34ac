//! The audit: one chain of entries per parent account, each holding the hash of the one before.

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::AnyConnection;
use super::kept::kept;
use super::portable::insert_many;
use super::schema::{audit_entries, audit_heads};
use crate::domain::ids::Id;
use crate::domain::search_words::{SearchWords, literal};

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_entries)]
pub struct Entry {
    pub id: Id,
    /// The parent account whose chain this is.
    pub root_id: Id,
    pub seq: i64,
    pub account_id: Id,
    pub at: NaiveDateTime,
    pub actor_kind: String,
    pub actor_id: Option<Id>,
    pub actor_label: String,
    pub on_behalf_of: Option<Id>,
    pub action: String,
    pub target: String,
    /// JSON.
    pub before: Option<String>,
    /// JSON.
    pub after: Option<String>,
    pub address: String,
    pub request_id: String,
    pub previous_hash: Vec<u8>,
    /// A MAC; of entries of before, a SHA-256.
    pub hash: Vec<u8>,
    /// Of the key that made `hash`; `None` for a SHA-256.
    pub key_version: Option<i32>,
}

/// How a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_heads)]
pub struct Head {
    pub root_id: Id,
    /// Of the last entry.
    pub seq: i64,
    pub hash: Vec<u8>,
    /// Of the key that made `tag`; `None` where no entry was signed yet.
    pub key_version: Option<i32>,
    /// A MAC of the three above.
    pub tag: Option<Vec<u8>>,
    /// The last entry that was there before entries were signed, until the chain was sealed; then 0.
    pub unsealed: i64,
}

/// What signs a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub key_version: i32,
    pub tag: Vec<u8>,
}

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// Locks the end of a chain and answers it: the last sequence number and hash, (0, zeros) for a new chain.
pub fn lock_head(conn: &mut AnyConnection, root: Id) -> QueryResult<(i64, Vec<u8>)> {
    let head: Locked = kept(
        "INSERT INTO audit_heads (root_id, seq, hash) VALUES ($1, 0, $2) \
         ON CONFLICT (root_id) DO UPDATE SET seq = audit_heads.seq RETURNING seq, hash",
    )
    .bind::<Binary, _>(root)
    .bind::<Binary, _>(vec![0_u8; 32])
    .get_result(conn)?;
    Ok((head.seq, head.hash))
}

/// Appends entries whose `seq` and hashes follow the locked head, and moves the head, which `mark` signs.
pub fn append(conn: &mut AnyConnection, root: Id, entries: &[Entry], mark: &Mark) -> QueryResult<()> {
    let Some(last) = entries.last() else { return Ok(()) };
    insert_many!(&mut *conn, audit_entries::table, entries)?;
    diesel::update(audit_heads::table.find(root))
        .set((
            audit_heads::seq.eq(last.seq),
            audit_heads::hash.eq(&last.hash),
            audit_heads::key_version.eq(Some(mark.key_version)),
            audit_heads::tag.eq(Some(&mark.tag)),
        ))
        .execute(conn)
        .map(drop)
}

/// What a page of the audit is narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub account_id: Option<Id>,
    /// Entries about any of these accounts.
    pub among: Option<Vec<Id>>,
    pub action_prefix: Option<String>,
    pub actor: Option<SearchWords>,
    pub from: Option<NaiveDateTime>,
    pub to: Option<NaiveDateTime>,
    /// Beginnings of actions that are left out.
    pub hidden: &'static [&'static str],
}

/// Clocks of several nodes may differ by this much: the entries of a chain are in the order of their times but for it.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// The entries just before and just after the times of `filter`, so that a page does not read what lies outside them.
fn around(conn: &mut AnyConnection, root: Id, filter: &Filter) -> QueryResult<(Option<i64>, Option<i64>)> {
    let chain = audit_entries::table.filter(audit_entries::root_id.eq(root)).select(audit_entries::seq);
    let before = match filter.from.and_then(|from| from.checked_sub_signed(SKEW)) {
        None => None,
        Some(from) => chain
            .filter(audit_entries::at.lt(from))
            .order((audit_entries::at.desc(), audit_entries::seq.desc()))
            .first(conn)
            .optional()?,
    };
    let after = match filter.to.and_then(|to| to.checked_add_signed(SKEW)) {
        None => None,
        Some(to) => chain
            .filter(audit_entries::at.gt(to))
            .order((audit_entries::at.asc(), audit_entries::seq.asc()))
            .first(conn)
            .optional()?,
    };
    Ok((before, after))
}

/// A page of a chain, newest first; with `ascending`, the entries just newer than `edge`, oldest first.
pub fn page(
    conn: &mut AnyConnection,
    root: Id,
    filter: &Filter,
    edge: Option<i64>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Entry>> {
    let (before, after) = around(conn, root, filter)?;
    let mut query =
        audit_entries::table.filter(audit_entries::root_id.eq(root)).select(Entry::as_select()).into_boxed();
    if let Some(account) = filter.account_id {
        query = query.filter(audit_entries::account_id.eq(account));
    }
    if let Some(accounts) = &filter.among {
        query = query.filter(audit_entries::account_id.eq_any(accounts.clone()));
    }
    if let Some(prefix) = &filter.action_prefix {
        query = query.filter(audit_entries::action.like(format!("{}%", literal(prefix))).escape('\\'));
    }
    for prefix in filter.hidden {
        let pattern = format!("{}%", literal(prefix));
        query = query.filter(audit_entries::action.not_like(pattern).escape('\\'));
    }
    if let Some(actor) = &filter.actor {
        query = query.filter(audit_entries::actor_label.like(actor.anywhere()).escape('\\'));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit_entries::at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(audit_entries::at.le(to));
    }
    if let Some(before) = before {
        query = query.filter(audit_entries::seq.gt(before));
    }
    if let Some(after) = after {
        query = query.filter(audit_entries::seq.lt(after));
    }
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(audit_entries::seq.gt(edge)),
        (Some(edge), false) => query = query.filter(audit_entries::seq.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(audit_entries::seq.asc()).limit(limit).load(conn)
    } else {
        query.order(audit_entries::seq.desc()).limit(limit).load(conn)
    }
}

/// The end of one chain. `None` before its first entry.
pub fn head(conn: &mut AnyConnection, root: Id) -> QueryResult<Option<Head>> {
    audit_heads::table.find(root).select(Head::as_select()).first(conn).optional()
}

/// The chains there are, with their heads.
pub fn heads(conn: &mut AnyConnection) -> QueryResult<Vec<Head>> {
    audit_heads::table.order(audit_heads::root_id).select(Head::as_select()).load(conn)
}

/// The same in pages: those after `root`.
pub fn heads_after(conn: &mut AnyConnection, root: Option<Id>, limit: i64) -> QueryResult<Vec<Head>> {
    let mut query = audit_heads::table.order(audit_heads::root_id).limit(limit).select(Head::as_select()).into_boxed();
    if let Some(root) = root {
        query = query.filter(audit_heads::root_id.gt(root));
    }
    query.load(conn)
}

/// A chain that was begun before entries were signed, and is not sealed yet.
pub fn unsealed(conn: &mut AnyConnection) -> QueryResult<Option<Head>> {
    audit_heads::table
        .filter(audit_heads::unsealed.gt(0))
        .order(audit_heads::root_id)
        .select(Head::as_select())
        .first(conn)
        .optional()
}

/// Notes that a chain is sealed; answers whether it waited for that, up to the entry `until`.
pub fn mark_sealed(conn: &mut AnyConnection, root: Id, until: i64) -> QueryResult<bool> {
    let rows = diesel::update(audit_heads::table.find(root).filter(audit_heads::unsealed.eq(until)))
        .set(audit_heads::unsealed.eq(0))
        .execute(conn)?;
    Ok(rows > 0)
}

/// The hash of one entry.
pub fn hash_at(conn: &mut AnyConnection, root: Id, seq: i64) -> QueryResult<Option<Vec<u8>>> {
    audit_entries::table
        .filter(audit_entries::root_id.eq(root))
        .filter(audit_entries::seq.eq(seq))
        .select(audit_entries::hash)
        .first(conn)
        .optional()
}

/// Parents whose chain has entries and no head.
pub fn without_head(conn: &mut AnyConnection) -> QueryResult<Vec<Id>> {
    let known: Vec<Id> = audit_heads::table.select(audit_heads::root_id).load(conn)?;
    let roots: Vec<Id> =
        audit_entries::table.select(audit_entries::root_id).distinct().order(audit_entries::root_id).load(conn)?;
    Ok(roots.into_iter().filter(|root| !known.contains(root)).collect())
}
