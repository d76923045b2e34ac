//! Many rows at once, for filling a database that nobody uses yet.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::accounts::Account;
use super::api_keys::{ApiKey, KeyScope};
use super::connection::OpenError;
use super::counters::Counter;
use super::domains::Domain;
use super::held::Held;
use super::kept::kept;
use super::limits::{LimitsRow, Told};
use super::memberships::Membership;
use super::messages::{Attempt, Content, Event, Message};
use super::portable::insert_many;
use super::queue::Queued;
use super::schema::*;
use super::summaries::Summary;
use super::suppressions::Suppression;
use super::suspensions::Suspension;
use super::usage::{UsageDay, UsageTotal};
use super::users::User;
use super::{AnyConnection, Db, held, migrate, queue, transports};
use crate::domain::ids::Id;

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = account_tags)]
pub struct AccountTag {
    pub account_id: Id,
    pub tag: String,
    pub parent_id: Id,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = usage_domains)]
pub struct UsageDomain {
    pub account_id: Id,
    pub period_id: Id,
    pub day: String,
    pub domain_id: Id,
    pub accepted: i64,
    pub delivered: i64,
    pub bounced: i64,
    pub complained: i64,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = usage_tags)]
pub struct UsageTag {
    pub account_id: Id,
    pub period_id: Id,
    pub day: String,
    pub tag: String,
    pub accepted: i64,
}

/// Rows waiting to be written, in the order that references ask for.
#[derive(Default)]
pub struct Rows {
    pub accounts: Vec<Account>,
    pub account_tags: Vec<AccountTag>,
    pub users: Vec<User>,
    pub memberships: Vec<Membership>,
    pub api_keys: Vec<ApiKey>,
    pub api_key_scopes: Vec<KeyScope>,
    pub domains: Vec<Domain>,
    pub suspensions: Vec<Suspension>,
    pub suppressions: Vec<Suppression>,
    pub counters: Vec<Counter>,
    pub told: Vec<Told>,
    pub usage_days: Vec<UsageDay>,
    pub usage_domains: Vec<UsageDomain>,
    pub usage_tags: Vec<UsageTag>,
    pub usage_totals: Vec<UsageTotal>,
    pub summaries: Vec<Summary>,
    pub contents: Vec<Content>,
    pub messages: Vec<Message>,
    pub events: Vec<Event>,
    pub attempts: Vec<Attempt>,
    pub queue: Vec<Queued>,
    pub held: Vec<Held>,
    pub limits: Vec<LimitsRow>,
    /// Accounts, the transport that each chose, and when.
    pub chosen: Vec<(Id, Id, NaiveDateTime)>,
}

impl Rows {
    /// Writes everything and is empty again.
    pub fn write(&mut self, conn: &mut AnyConnection) -> QueryResult<()> {
        let rows = std::mem::take(self);
        insert_many!(&mut *conn, accounts::table, &rows.accounts)?;
        insert_many!(&mut *conn, account_tags::table, &rows.account_tags)?;
        insert_many!(&mut *conn, users::table, &rows.users)?;
        insert_many!(&mut *conn, memberships::table, &rows.memberships)?;
        insert_many!(&mut *conn, api_keys::table, &rows.api_keys)?;
        insert_many!(&mut *conn, api_key_scopes::table, &rows.api_key_scopes)?;
        insert_many!(&mut *conn, domains::table, &rows.domains)?;
        insert_many!(&mut *conn, suspensions::table, &rows.suspensions)?;
        insert_many!(&mut *conn, suppressions::table, &rows.suppressions)?;
        insert_many!(&mut *conn, counters::table, &rows.counters)?;
        insert_many!(&mut *conn, cap_alerts::table, &rows.told)?;
        insert_many!(&mut *conn, usage_days::table, &rows.usage_days)?;
        insert_many!(&mut *conn, usage_domains::table, &rows.usage_domains)?;
        insert_many!(&mut *conn, usage_tags::table, &rows.usage_tags)?;
        insert_many!(&mut *conn, usage_totals::table, &rows.usage_totals)?;
        insert_many!(&mut *conn, account_summaries::table, &rows.summaries)?;
        insert_many!(&mut *conn, contents::table, &rows.contents)?;
        insert_many!(&mut *conn, messages::table, &rows.messages)?;
        insert_many!(&mut *conn, message_events::table, &rows.events)?;
        insert_many!(&mut *conn, attempts::table, &rows.attempts)?;
        insert_many!(&mut *conn, sending_limits::table, &rows.limits)?;
        for (account, transport, at) in &rows.chosen {
            transports::choose(conn, *account, Some(*transport), *at)?;
        }
        held::insert(conn, &rows.held)?;
        queue::insert(conn, &rows.queue)?;
        let mut dues: BTreeMap<Id, NaiveDateTime> = BTreeMap::new();
        for row in &rows.queue {
            dues.entry(row.account_id).and_modify(|due| *due = row.due_at.min(*due)).or_insert(row.due_at);
        }
        queue::wake(conn, &dues.into_iter().collect::<Vec<_>>())
    }
}

/// Makes a new SQLite database at `path`, lets `work` fill it in one transaction, and checks every reference.
///
/// Fast and not safe against a crash: nothing is journalled. Fill a file of its own and rename it when this is done,
/// so that nobody ever meets a half of it. Indexes are made when the rows are there.
///
/// # Errors
/// Whatever `work` answers, or the database's words.
pub fn fill<T>(path: &str, work: impl FnOnce(&mut AnyConnection) -> Result<T, OpenError>) -> Result<T, OpenError> {
    let told = |error: diesel::result::Error| OpenError(format!("cannot fill {path}: {error}"));
    let db = Db::open(&format!("sqlite://{path}"), 1)?;
    migrate::up(&db)?;
    drop(db);
    let mut conn = SqliteConnection::establish(path)
        .map_err(|error| OpenError(format!("cannot open the SQLite database {path}: {error}")))?;
    conn.batch_execute(
        "PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; \
         PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -262144; PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE;",
    )
    .map_err(told)?;
    let later = set_aside(&mut conn).map_err(told)?;
    let mut conn = AnyConnection::Sqlite(conn);
    let value = work(&mut conn)?;
    conn.batch_execute(&later).map_err(told)?;
    conn.batch_execute("COMMIT; PRAGMA optimize = 0x10002;").map_err(told)?;
    drop(conn);
    let file = std::fs::File::open(path).and_then(|file| file.sync_all());
    file.map_err(|error| OpenError(format!("cannot keep {path}: {error}")))?;
    Ok(value)
}

/// An index or a trigger: its name and the words that make it.
#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    words: String,
}

/// Drops what is quicker made once at the end than kept up row by row; answers the SQL that makes it again.
/// Unique indexes stay: upserts need them.
fn set_aside(conn: &mut SqliteConnection) -> QueryResult<String> {
    let made: Vec<Made> = kept(
        "SELECT type AS kind, name, sql AS words FROM sqlite_master WHERE sql IS NOT NULL AND (type = 'index' AND sql NOT \
         LIKE 'CREATE UNIQUE%' OR type = 'trigger' AND name = 'account_search_insert') ORDER BY name",
    )
    .load(conn)?;
    let mut later = String::from(
        "INSERT OR IGNORE INTO account_search_rows (account_id) SELECT id FROM accounts;\n\
         INSERT INTO account_search (account_search) VALUES ('rebuild');\n",
    );
    for one in made {
        conn.batch_execute(&format!("DROP {} {}", one.kind, one.name))?;
        later.push_str(&one.words);
        later.push_str(";\n");
    }
    Ok(later)
}
