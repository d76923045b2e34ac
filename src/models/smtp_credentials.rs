//! SMTP credentials and the domains that they are bound to. Only a digest of the password is stored.

use chrono::NaiveDateTime;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Binary;

use super::AnyConnection;
use super::kept::one_of;
use super::portable::{delete_some, insert_many};
use super::schema::{smtp_credential_domains, smtp_credentials};
use crate::domain::ids::Id;

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = smtp_credentials)]
pub struct SmtpCredential {
    pub id: Id,
    pub account_id: Id,
    pub name: String,
    pub username: String,
    pub password_digest: Vec<u8>,
    /// Everything sent by it stays in the sandbox.
    pub sandbox: bool,
    /// For every domain of the account, later ones included.
    pub is_global: bool,
    pub created_by: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
    /// As of an API key.
    pub maker_id: Option<Id>,
}

#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = smtp_credential_domains)]
pub struct CredentialDomain {
    pub credential_id: Id,
    pub domain_id: Id,
    pub domain: String,
}

pub fn insert(conn: &mut AnyConnection, row: &SmtpCredential, domains: &[CredentialDomain]) -> QueryResult<()> {
    diesel::insert_into(smtp_credentials::table).values(row).execute(conn)?;
    insert_many!(conn, smtp_credential_domains::table, domains)
}

/// Live ones with this name, which no two have.
pub fn find_by_username(conn: &mut AnyConnection, username: &str) -> QueryResult<Option<SmtpCredential>> {
    smtp_credentials::table
        .filter(smtp_credentials::username.eq(username))
        .filter(smtp_credentials::deleted_at.is_null())
        .select(SmtpCredential::as_select())
        .first(conn)
        .optional()
}

/// Live ones of an account.
pub fn find(conn: &mut AnyConnection, account: Id, id: Id) -> QueryResult<Option<SmtpCredential>> {
    smtp_credentials::table
        .find(id)
        .filter(smtp_credentials::account_id.eq(account))
        .filter(smtp_credentials::deleted_at.is_null())
        .select(SmtpCredential::as_select())
        .first(conn)
        .optional()
}

/// A page of an account's live ones by id: newest first, or with `ascending` those just newer than `edge`. `domains`
/// narrows it to those bound to one of them.
pub fn page(
    conn: &mut AnyConnection,
    account: Id,
    domains: Option<&[String]>,
    (edge, ascending): (Option<Id>, bool),
    limit: i64,
) -> QueryResult<Vec<SmtpCredential>> {
    let mut query = smtp_credentials::table
        .filter(smtp_credentials::account_id.eq(account))
        .filter(smtp_credentials::deleted_at.is_null())
        .select(SmtpCredential::as_select())
        .into_boxed();
    if let Some(domains) = domains {
        let bound = smtp_credential_domains::table
            .filter(smtp_credential_domains::domain.eq_any(domains.to_vec()))
            .select(smtp_credential_domains::credential_id);
        query = query.filter(smtp_credentials::id.eq_any(bound));
    }
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(smtp_credentials::id.gt(edge)),
        (Some(edge), false) => query = query.filter(smtp_credentials::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(smtp_credentials::id.asc()).limit(limit).load(conn)
    } else {
        query.order(smtp_credentials::id.desc()).limit(limit).load(conn)
    }
}

/// The domains of several, by name.
pub fn domains_of(conn: &mut AnyConnection, credentials: &[Id]) -> QueryResult<Vec<CredentialDomain>> {
    smtp_credential_domains::table
        .filter(one_of(smtp_credential_domains::credential_id, credentials.to_vec()))
        .order((smtp_credential_domains::credential_id, smtp_credential_domains::domain))
        .select(CredentialDomain::as_select())
        .load(conn)
}

/// Ends one at once; the row stays for the audit.
pub fn delete(conn: &mut AnyConnection, id: Id, now: NaiveDateTime) -> QueryResult<()> {
    diesel::update(smtp_credentials::table.find(id))
        .set(smtp_credentials::deleted_at.eq(Some(now)))
        .execute(conn)
        .map(drop)
}

/// Ends up to `limit` of an account; answers how many.
pub fn delete_some(conn: &mut AnyConnection, account: Id, now: NaiveDateTime, limit: i64) -> QueryResult<usize> {
    let some: Vec<Id> = smtp_credentials::table
        .filter(smtp_credentials::account_id.eq(account))
        .filter(smtp_credentials::deleted_at.is_null())
        .order(smtp_credentials::id)
        .limit(limit)
        .select(smtp_credentials::id)
        .load(conn)?;
    diesel::update(smtp_credentials::table.filter(one_of(smtp_credentials::id, some)))
        .set(smtp_credentials::deleted_at.eq(Some(now)))
        .execute(conn)
}

/// Whether an account has any that is good.
pub fn any(conn: &mut AnyConnection, account: Id) -> QueryResult<bool> {
    let of_account = smtp_credentials::table.filter(smtp_credentials::account_id.eq(account));
    diesel::select(exists(of_account.filter(smtp_credentials::deleted_at.is_null()))).get_result(conn)
}

/// Unbinds up to `limit` from a domain that is gone: those bound to no other send from nowhere.
pub fn drop_domain(conn: &mut AnyConnection, domain: Id, limit: i64) -> QueryResult<usize> {
    delete_some!(conn, "smtp_credential_domains", "domain_id = $1", Binary, domain, limit)
}
