//! API keys and their scopes. Only a digest of the secret is stored.

use chrono::NaiveDateTime;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::AnyConnection;
use super::accounts::Account;
use super::kept::one_of;
use super::portable::delete_some;
use super::schema::{accounts, api_key_scopes, api_keys};
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    pub id: Id,
    pub account_id: Id,
    pub label: String,
    pub public_key: String,
    pub secret_digest: Vec<u8>,
    /// JSON array of canonical CIDR blocks.
    pub ip_allow_list: String,
    pub created_by: String,
    pub last_used_at: Option<NaiveDateTime>,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
    /// Whose role bounds it (`key_makers`); `None` for keys of before there were makers, and of the program itself.
    pub maker_id: Option<Id>,
}

impl ApiKey {
    /// The sources that may use the key; none: any. A list that cannot be read is one entry that fits no source, so
    /// that damage shuts the key in rather than letting everybody use it.
    #[must_use]
    pub fn allowed(&self) -> Vec<String> {
        serde_json::from_str(&self.ip_allow_list).unwrap_or_else(|error| {
            log::error!("the allow-list of the API key {} cannot be read, so it is refused: {error}", self.id);
            vec![UNREADABLE.to_owned()]
        })
    }
}

/// Stands for an allow-list that cannot be read.
pub const UNREADABLE: &str = "(unreadable)";

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_key_scopes)]
pub struct KeyScope {
    pub id: Id,
    pub api_key_id: Id,
    pub scope: String,
    pub domain_id: Option<Id>,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

pub fn insert(conn: &mut AnyConnection, key: &ApiKey, scopes: &[KeyScope]) -> QueryResult<()> {
    diesel::insert_into(api_keys::table).values(key).execute(conn)?;
    insert_scopes(conn, scopes)
}

fn insert_scopes(conn: &mut AnyConnection, scopes: &[KeyScope]) -> QueryResult<()> {
    super::portable::insert_many!(conn, api_key_scopes::table, scopes)
}

/// The live key whose secret has this digest, and the live account it is of.
pub fn find_by_digest(conn: &mut AnyConnection, digest: &[u8]) -> QueryResult<Option<(ApiKey, Account)>> {
    api_keys::table
        .inner_join(accounts::table.on(accounts::id.eq(api_keys::account_id)))
        .filter(api_keys::secret_digest.eq(digest))
        .filter(api_keys::deleted_at.is_null())
        .filter(accounts::deleted_at.is_null())
        .select((ApiKey::as_select(), Account::as_select()))
        .first(conn)
        .optional()
}

/// A key, deleted or not.
pub fn find_any(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<ApiKey>> {
    api_keys::table.find(id).select(ApiKey::as_select()).first(conn).optional()
}

/// A live key of an account.
pub fn find(conn: &mut AnyConnection, account: Id, id: Id) -> QueryResult<Option<ApiKey>> {
    api_keys::table
        .find(id)
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .select(ApiKey::as_select())
        .first(conn)
        .optional()
}

/// A page of an account's live keys by id: newest first, or with `ascending` those just newer than `edge`.
pub fn page(
    conn: &mut AnyConnection,
    account: Id,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<ApiKey>> {
    let mut query = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .select(ApiKey::as_select())
        .into_boxed();
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(api_keys::id.gt(edge)),
        (Some(edge), false) => query = query.filter(api_keys::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(api_keys::id.asc()).limit(limit).load(conn)
    } else {
        query.order(api_keys::id.desc()).limit(limit).load(conn)
    }
}

/// The scopes of several keys, in the order they were given.
pub fn scopes_of(conn: &mut AnyConnection, keys: &[Id]) -> QueryResult<Vec<KeyScope>> {
    api_key_scopes::table
        .filter(one_of(api_key_scopes::api_key_id, keys.to_vec()))
        .order((api_key_scopes::api_key_id, api_key_scopes::id))
        .select(KeyScope::as_select())
        .load(conn)
}

/// Writes label and allow-list back, and, where given, replaces the scopes.
pub fn save(conn: &mut AnyConnection, key: &ApiKey, scopes: Option<&[KeyScope]>) -> QueryResult<()> {
    diesel::update(api_keys::table.find(key.id))
        .set((
            api_keys::label.eq(&key.label),
            api_keys::ip_allow_list.eq(&key.ip_allow_list),
            api_keys::updated_at.eq(key.updated_at),
        ))
        .execute(conn)?;
    if let Some(scopes) = scopes {
        diesel::delete(api_key_scopes::table.filter(api_key_scopes::api_key_id.eq(key.id))).execute(conn)?;
        insert_scopes(conn, scopes)?;
    }
    Ok(())
}

/// Ends a key at once; the row stays for the audit.
pub fn delete(conn: &mut AnyConnection, id: Id, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(api_keys::table.find(id)).set(api_keys::deleted_at.eq(Some(now))).execute(conn).map(drop)
}

/// Ends up to `limit` keys of an account; answers how many.
pub fn delete_some(conn: &mut AnyConnection, account: Id, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let some: Vec<Id> = api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .order(api_keys::id)
        .limit(limit)
        .select(api_keys::id)
        .load(conn)?;
    diesel::update(api_keys::table.filter(one_of(api_keys::id, some)))
        .set(api_keys::deleted_at.eq(Some(now)))
        .execute(conn)
}

/// Whether an account has any that is good.
pub fn any(conn: &mut AnyConnection, account: Id) -> QueryResult<bool> {
    let live = api_keys::table.filter(api_keys::account_id.eq(account)).filter(api_keys::deleted_at.is_null());
    diesel::select(exists(live)).get_result(conn)
}

pub fn count(conn: &mut AnyConnection, account: Id) -> QueryResult<i64> {
    api_keys::table
        .filter(api_keys::account_id.eq(account))
        .filter(api_keys::deleted_at.is_null())
        .count()
        .get_result(conn)
}

/// Notes that keys were used; called a few times a minute, not per request.
pub fn touch(conn: &mut AnyConnection, ids: &[Id], now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(api_keys::table.filter(one_of(api_keys::id, ids.to_vec())))
        .set(api_keys::last_used_at.eq(Some(now)))
        .execute(conn)
        .map(drop)
}

/// Removes up to `limit` scopes that name a domain which is gone.
pub fn drop_domain_scopes(conn: &mut AnyConnection, domain: Id, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "api_key_scopes", "domain_id = $1", Binary, domain, limit)
}
