//! Whose role bounds a key or SMTP credentials: a member of the account that they acted from. What they made names a row
//! here, so that all of it passes to somebody else at once, however much it is.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};

use super::AnyConnection;
use super::api_keys::ApiKey;
use super::kept::one_of;
use super::schema::{api_keys, key_makers, smtp_credentials};
use super::smtp_credentials::SmtpCredential;
use crate::domain::ids::Id;
use crate::domain::scopes::Scope;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = key_makers)]
pub struct KeyMaker {
    pub id: Id,
    /// Where they are a member: of a client's key it may be the agency.
    pub account_id: Id,
    pub user_id: Id,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
}

/// A member: an account, and the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub account: Id,
    pub user: Id,
}

pub fn find(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<KeyMaker>> {
    key_makers::table.find(id).select(KeyMaker::as_select()).first(conn).optional()
}

/// Whoever made a key, where that is known.
pub fn of_key(conn: &mut AnyConnection, key: Id) -> QueryResult<Option<KeyMaker>> {
    match super::api_keys::find_any(conn, key)?.and_then(|key| key.maker_id) {
        Some(maker) => find(conn, maker),
        None => Ok(None),
    }
}

/// The row of a member, made where there is none. Two made at once do no harm.
pub fn of(conn: &mut AnyConnection, member: Member, fresh: Id, now: NaiveDateTime) -> QueryResult<Id> {
    let known = key_makers::table
        .filter(key_makers::account_id.eq(member.account))
        .filter(key_makers::user_id.eq(member.user))
        .order(key_makers::id)
        .select(key_makers::id)
        .first(conn)
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    let row =
        KeyMaker { id: fresh, account_id: member.account, user_id: member.user, created_at: now, updated_at: now };
    diesel::insert_into(key_makers::table).values(&row).execute(conn)?;
    Ok(fresh)
}

/// What one member made counts as another's from now on.
pub fn pass_on(conn: &mut AnyConnection, from: Member, to: Member, now: NaiveDateTime) -> QueryResult<usize> {
    let rows =
        key_makers::table.filter(key_makers::account_id.eq(from.account)).filter(key_makers::user_id.eq(from.user));
    diesel::update(rows)
        .set((key_makers::account_id.eq(to.account), key_makers::user_id.eq(to.user), key_makers::updated_at.eq(now)))
        .execute(conn)
}

/// How many live keys and SMTP credentials a member made.
pub fn count_made(conn: &mut AnyConnection, member: Member) -> QueryResult<(i64, i64)> {
    let keys = api_keys::table
        .inner_join(key_makers::table.on(api_keys::maker_id.eq(key_makers::id.nullable())))
        .filter(key_makers::account_id.eq(member.account))
        .filter(key_makers::user_id.eq(member.user))
        .filter(api_keys::deleted_at.is_null())
        .count()
        .get_result(conn)?;
    let credentials = smtp_credentials::table
        .inner_join(key_makers::table.on(smtp_credentials::maker_id.eq(key_makers::id.nullable())))
        .filter(key_makers::account_id.eq(member.account))
        .filter(key_makers::user_id.eq(member.user))
        .filter(smtp_credentials::deleted_at.is_null())
        .count()
        .get_result(conn)?;
    Ok((keys, credentials))
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Binary)]
    id: Id,
}

/// The live keys of a member that hold any of `scopes`, whatever their domain, by id; at most `limit`.
pub fn keys_holding(
    conn: &mut AnyConnection,
    member: Member,
    scopes: &[Scope],
    limit: i64,
) -> QueryResult<Vec<ApiKey>> {
    if scopes.is_empty() {
        return Ok(Vec::new());
    }
    // Texts of our own table of scopes, without domains: nothing in them is anybody's input.
    let tests: Vec<String> = scopes
        .iter()
        .map(|scope| match scope {
            Scope::Plain(name) => format!("s.scope = '{name}'"),
            Scope::All(family) | Scope::Domain(family, _) => format!("s.scope LIKE '{}:%'", family.as_str()),
        })
        .collect();
    let found: Vec<Found> = diesel::sql_query(format!(
        "SELECT k.id FROM key_makers m JOIN api_keys k ON k.maker_id = m.id \
         WHERE m.account_id = $1 AND m.user_id = $2 AND k.deleted_at IS NULL AND EXISTS \
         (SELECT 1 FROM api_key_scopes s WHERE s.api_key_id = k.id AND ({})) ORDER BY k.id LIMIT $3",
        tests.join(" OR ")
    ))
    .bind::<Binary, _>(member.account)
    .bind::<Binary, _>(member.user)
    .bind::<BigInt, _>(limit)
    .load(conn)?;
    let ids: Vec<Id> = found.into_iter().map(|row| row.id).collect();
    api_keys::table.filter(one_of(api_keys::id, ids)).order(api_keys::id).select(ApiKey::as_select()).load(conn)
}

/// The live SMTP credentials of a member, by id; at most `limit`.
pub fn credentials_of(conn: &mut AnyConnection, member: Member, limit: i64) -> QueryResult<Vec<SmtpCredential>> {
    smtp_credentials::table
        .inner_join(key_makers::table.on(smtp_credentials::maker_id.eq(key_makers::id.nullable())))
        .filter(key_makers::account_id.eq(member.account))
        .filter(key_makers::user_id.eq(member.user))
        .filter(smtp_credentials::deleted_at.is_null())
        .order(smtp_credentials::id)
        .limit(limit)
        .select(SmtpCredential::as_select())
        .load(conn)
}
