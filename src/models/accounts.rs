//! Accounts: parents and their sub accounts (a tree of depth two).

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::AnyConnection;
use super::kept::one_of;
use super::portable::with_row_locks;
use super::schema::accounts;
use crate::domain::ids::Id;
use crate::domain::number::NumberStyle;
use crate::domain::search_words::SearchWords;

/// An account without its logo, which only the logo's own address reads.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
pub struct Account {
    pub id: Id,
    pub parent_id: Option<Id>,
    pub name: String,
    pub name_lower: String,
    pub website: String,
    pub about: String,
    pub external_id: Option<String>,
    pub owner_id: Option<Id>,
    pub track_opens: bool,
    pub track_clicks: bool,
    pub reject_bad_recipients: bool,
    pub reject_mistyped_recipients: bool,
    pub metadata_retention: i32,
    pub data_retention: i32,
    /// The monthly cap in messages; 0 is no cap.
    pub monthly_credit: i64,
    pub time_zone: String,
    pub anchor_day: i32,
    pub brand_name: Option<String>,
    pub logo_type: Option<String>,
    /// How its people, and those of its sub accounts, write numbers. A sub account's own counts for nothing.
    pub number_style: NumberStyle,
    pub search_text: String,
    pub created_at: NaiveDateTime,
    pub updated_at: NaiveDateTime,
    pub deleted_at: Option<NaiveDateTime>,
}

impl Account {
    /// The account that is billed: the parent, or the account itself.
    #[must_use]
    pub fn root_id(&self) -> Id {
        self.parent_id.unwrap_or(self.id)
    }

    /// A fresh account with the defaults of a new one.
    #[must_use]
    pub fn new(id: Id, parent_id: Option<Id>, name: &str, website: &str, now: NaiveDateTime) -> Self {
        Self {
            id,
            parent_id,
            name: name.to_owned(),
            name_lower: name.to_lowercase(),
            website: website.to_owned(),
            about: String::new(),
            external_id: None,
            owner_id: None,
            track_opens: false,
            track_clicks: false,
            reject_bad_recipients: false,
            reject_mistyped_recipients: false,
            metadata_retention: 30,
            data_retention: 7,
            monthly_credit: 0,
            time_zone: "UTC".into(),
            anchor_day: 1,
            brand_name: None,
            logo_type: None,
            number_style: NumberStyle::Point,
            search_text: format!("{} {website}", name.to_lowercase()),
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }
}

pub fn insert(conn: &mut AnyConnection, account: &Account) -> QueryResult<()> {
    diesel::insert_into(accounts::table).values(account).execute(conn).map(drop)
}

/// Any account, deleted ones included.
pub fn find_any(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<Account>> {
    accounts::table.find(id).select(Account::as_select()).first(conn).optional()
}

/// A live account.
pub fn find(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<Account>> {
    accounts::table.find(id).filter(accounts::deleted_at.is_null()).select(Account::as_select()).first(conn).optional()
}

/// A live sub account of `parent`.
pub fn find_child(conn: &mut AnyConnection, parent: Id, id: Id) -> QueryResult<Option<Account>> {
    accounts::table
        .find(id)
        .filter(accounts::parent_id.eq(parent))
        .filter(accounts::deleted_at.is_null())
        .select(Account::as_select())
        .first(conn)
        .optional()
}

/// A sub account of `parent`, deleted or not.
pub fn find_child_any(conn: &mut AnyConnection, parent: Id, id: Id) -> QueryResult<Option<Account>> {
    accounts::table.find(id).filter(accounts::parent_id.eq(parent)).select(Account::as_select()).first(conn).optional()
}

pub fn find_many(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Account>> {
    accounts::table.filter(one_of(accounts::id, ids.to_vec())).select(Account::as_select()).load(conn)
}

/// A page of a parent's live children by id: newest first, or with `ascending` those just newer than `edge`.
pub fn page_of_children(
    conn: &mut AnyConnection,
    parent: Id,
    edge: Option<Id>,
    ascending: bool,
    limit: i64,
) -> QueryResult<Vec<Account>> {
    let mut query = accounts::table
        .filter(accounts::parent_id.eq(parent))
        .filter(accounts::deleted_at.is_null())
        .select(Account::as_select())
        .into_boxed();
    match (edge, ascending) {
        (Some(edge), true) => query = query.filter(accounts::id.gt(edge)),
        (Some(edge), false) => query = query.filter(accounts::id.lt(edge)),
        (None, _) => {}
    }
    if ascending {
        query.order(accounts::id.asc()).limit(limit).load(conn)
    } else {
        query.order(accounts::id.desc()).limit(limit).load(conn)
    }
}

/// What a report names an account by: id, name, external id, and when it was deleted.
pub type Named = (Id, String, Option<String>, Option<NaiveDateTime>);

/// Every live child of a parent, oldest first, by name only: a report of 100,000 does not read their settings.
pub fn named_children(conn: &mut AnyConnection, parent: Id) -> QueryResult<Vec<Named>> {
    accounts::table
        .filter(accounts::parent_id.eq(parent))
        .filter(accounts::deleted_at.is_null())
        .order(accounts::id)
        .select((accounts::id, accounts::name, accounts::external_id, accounts::deleted_at))
        .load(conn)
}

/// Several accounts by name only, deleted ones included.
pub fn named(conn: &mut AnyConnection, ids: &[Id]) -> QueryResult<Vec<Named>> {
    accounts::table
        .filter(one_of(accounts::id, ids.to_vec()))
        .select((accounts::id, accounts::name, accounts::external_id, accounts::deleted_at))
        .load(conn)
}

/// Accounts of a family (a parent and its children, deleted ones included) whose name contains `words`.
pub fn of_family_named(conn: &mut AnyConnection, root: Id, words: &SearchWords, limit: i64) -> QueryResult<Vec<Id>> {
    let like = words.lower().anywhere();
    accounts::table
        .filter(accounts::parent_id.eq(root).or(accounts::id.eq(root).assume_not_null()))
        .filter(accounts::name_lower.like(like).escape('\\'))
        .order(accounts::id)
        .limit(limit)
        .select(accounts::id)
        .load(conn)
}

/// The parent accounts, oldest first.
pub fn roots(conn: &mut AnyConnection) -> QueryResult<Vec<Account>> {
    accounts::table
        .filter(accounts::parent_id.is_null())
        .filter(accounts::deleted_at.is_null())
        .order(accounts::id)
        .select(Account::as_select())
        .load(conn)
}

/// Which of `external_ids` live sub accounts of `parent` have.
pub fn external_ids_taken(conn: &mut AnyConnection, parent: Id, external_ids: &[String]) -> QueryResult<Vec<String>> {
    let mut taken = Vec::new();
    for chunk in external_ids.chunks(500) {
        let found: Vec<Option<String>> = accounts::table
            .filter(accounts::parent_id.eq(parent))
            .filter(accounts::deleted_at.is_null())
            .filter(one_of(accounts::external_id, chunk.iter().cloned().map(Some)))
            .select(accounts::external_id)
            .load(conn)?;
        taken.extend(found.into_iter().flatten());
    }
    Ok(taken)
}

/// Writes every editable column of `account` back.
pub fn save(conn: &mut AnyConnection, account: &Account) -> QueryResult<()> {
    diesel::update(accounts::table.find(account.id))
        .set((
            accounts::name.eq(&account.name),
            accounts::name_lower.eq(account.name.to_lowercase()),
            accounts::website.eq(&account.website),
            accounts::about.eq(&account.about),
            accounts::external_id.eq(&account.external_id),
            accounts::owner_id.eq(account.owner_id),
            accounts::track_opens.eq(account.track_opens),
            accounts::track_clicks.eq(account.track_clicks),
            accounts::reject_bad_recipients.eq(account.reject_bad_recipients),
            accounts::reject_mistyped_recipients.eq(account.reject_mistyped_recipients),
            accounts::metadata_retention.eq(account.metadata_retention),
            accounts::data_retention.eq(account.data_retention),
            accounts::monthly_credit.eq(account.monthly_credit),
            accounts::time_zone.eq(&account.time_zone),
            accounts::anchor_day.eq(account.anchor_day),
            accounts::brand_name.eq(&account.brand_name),
            accounts::number_style.eq(account.number_style),
            accounts::search_text.eq(&account.search_text),
            accounts::updated_at.eq(account.updated_at),
            accounts::deleted_at.eq(account.deleted_at),
        ))
        .execute(conn)
        .map(drop)
}

pub fn set_logo(conn: &mut AnyConnection, id: Id, logo: Option<(&str, &[u8])>) -> QueryResult<()> {
    diesel::update(accounts::table.find(id))
        .set((accounts::logo_type.eq(logo.map(|(kind, _)| kind)), accounts::logo.eq(logo.map(|(_, data)| data))))
        .execute(conn)
        .map(drop)
}

/// The logo's media type and bytes, where one is set.
pub fn logo(conn: &mut AnyConnection, id: Id) -> QueryResult<Option<(String, Vec<u8>)>> {
    let row: Option<(Option<String>, Option<Vec<u8>>)> =
        accounts::table.find(id).select((accounts::logo_type, accounts::logo)).first(conn).optional()?;
    Ok(row.and_then(|(kind, data)| Some((kind?, data?))))
}

/// The words a search finds an account by: name, website, external id and the names of its domains, the first
/// [`super::domains::MOST`] of them.
pub fn refresh_search_text(conn: &mut AnyConnection, id: Id) -> QueryResult<()> {
    use super::schema::domains;
    let Some(account) = find_any(conn, id)? else { return Ok(()) };
    let names: Vec<String> = domains::table
        .filter(domains::account_id.eq(id))
        .filter(domains::deleted_at.is_null())
        .order(domains::id)
        .limit(super::domains::MOST)
        .select(domains::name)
        .load(conn)?;
    let mut words =
        vec![account.name.to_lowercase(), account.website, account.external_id.unwrap_or_default().to_lowercase()];
    words.extend(names);
    words.push(id.to_string());
    diesel::update(accounts::table.find(id)).set(accounts::search_text.eq(words.join(" "))).execute(conn).map(drop)
}

/// Locks accounts against a change of hold, cap or life until the transaction ends, the `read` ones shared. Always in
/// the order of their ids, whatever the mode, so that no two transactions wait for one another. On SQLite the
/// transaction itself is the lock.
pub fn lock(conn: &mut AnyConnection, read: &[Id], write: &[Id]) -> QueryResult<()> {
    let Some(conn) = with_row_locks(conn) else { return Ok(()) };
    let mut modes: BTreeMap<Id, bool> = read.iter().map(|id| (*id, false)).collect();
    modes.extend(write.iter().map(|id| (*id, true)));
    let ordered: Vec<(Id, bool)> = modes.into_iter().collect();
    for run in ordered.chunk_by(|a, b| a.1 == b.1) {
        let ids: Vec<Id> = run.iter().map(|(id, _)| *id).collect();
        let rows = accounts::table.filter(one_of(accounts::id, ids)).order(accounts::id).select(accounts::id);
        if run[0].1 {
            rows.for_no_key_update().load::<Id>(conn)?;
        } else {
            rows.for_share().load::<Id>(conn)?;
        }
    }
    Ok(())
}
