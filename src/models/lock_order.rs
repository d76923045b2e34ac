//! The order in which transactions on PostgreSQL take their locks, so that no two wait for one another in a circle.
//!
//! This is its one place in code; ARCHITECTURE.md ("Locks on PostgreSQL") tells it. Every connection of a debug build, which
//! tests are, has a watch that reads the statements of its transactions and panics at one that takes a lock after a later
//! one. A release build has none.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// Tables whose rows transactions of several kinds wait for, in the order in which they are locked. Tables of one line are
/// locked together.
pub const ORDER: &[&[&str]] = &[
    &["accounts"],
    &["domains"],
    &["pool_counters"],
    &["account_queues"],
    &["queue_leases"],
    &["queue"],
    &["messages", "attempts", "message_events"],
    &["contents", "attachments"],
    &["returned_reports", "departed"],
    &["suppressions"],
    &["counters"],
    &["usage_days"],
    &["usage_domains"],
    &["usage_tags"],
    &["usage_totals"],
    &["audit_heads", "audit_entries"],
];

/// Tables whose rows are changed under the lock of their account alone: whoever has that waits for nobody there.
pub const OF_THEIR_ACCOUNT: &[&str] = &[
    "account_summaries",
    "account_tags",
    "api_keys",
    "api_key_scopes",
    "cap_alerts",
    "clearings",
    "held_messages",
    "key_makers",
    "memberships",
    "periods",
    "plans",
    "saved_views",
    "sending_limits",
    "suppression_copies",
    "smtp_credentials",
    "smtp_credential_domains",
    "suspensions",
    "takeovers",
    "transports",
    "transport_choices",
    "usage_hours",
    "view_as_grants",
];

/// Tables that transactions change which lock nothing above after them, or take a row of which they pass over where
/// another has it.
pub const ALONE: &[&str] = &[
    "idempotency_keys",
    "inbound_refusals",
    "job_rows",
    "jobs",
    "leases",
    "mta_sts_policies",
    "nodes",
    "operator_letters",
    "rate_buckets",
    "sessions",
    "sign_in_failures",
    "system_mails",
    "user_tokens",
    "users",
];

/// Locked as a whole at the beginning, so that a row of them may be changed later on.
const UP_FRONT: &[&str] = &["accounts", "pool_counters", "account_queues", "queue_leases", "messages"];
/// Transactions of several actions, which an import and tests are, lock the accounts of the next after the audit of the one
/// before. Nobody who waits for the audit of a parent has what these accounts are locked for.
const BETWEEN_ACTIONS: &str = "audit_heads";

/// What is kept of a statement: its text, and the ids that locks of accounts name.
const LONGEST: usize = 200_000;

/// A lock that a statement takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock<'a> {
    /// Of rows that it names alone, as `accounts::lock` does.
    Chosen(&'a str),
    /// Of rows that it changes.
    Changed(&'a str),
    /// Of rows that nobody else has at the moment: it waits for nobody.
    Free(&'a str),
}

/// Watches the transactions of one connection.
#[derive(Default)]
pub struct Watch {
    open: bool,
    /// The place of the last lock in the order, and the statement that took it.
    last: Option<(usize, String)>,
    taken: HashSet<&'static str>,
    /// The values that statements named which locked accounts.
    accounts: HashSet<String>,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            // A part of a transaction ends with its locks kept.
            InstrumentationEvent::BeginTransaction { depth, .. } if depth.get() == 1 => {
                *self = Self { open: true, ..Self::default() };
            }
            InstrumentationEvent::CommitTransaction { depth, .. }
            | InstrumentationEvent::RollbackTransaction { depth, .. }
                if depth.get() == 1 =>
            {
                *self = Self::default();
            }
            InstrumentationEvent::StartQuery { query, .. } if self.open => {
                let mut text = Bounded(String::new());
                // What does not fit is cut off.
                let _ = write!(text, "{query}");
                self.statement(&text.0);
            }
            _ => {}
        }
    }
}

impl Watch {
    /// Notes what a statement locks.
    ///
    /// # Panics
    /// When that is against the order.
    fn statement(&mut self, text: &str) {
        let (sql, binds) = text.split_once("-- binds:").unwrap_or((text, ""));
        if sql.starts_with("INSERT INTO \"accounts\"") {
            self.names(binds);
        }
        for lock in locks(sql) {
            let (Lock::Chosen(table) | Lock::Changed(table) | Lock::Free(table)) = lock;
            let found = ORDER
                .iter()
                .enumerate()
                .find_map(|(place, tables)| tables.iter().find(|known| **known == table).map(|known| (place, *known)));
            let Some((place, table)) = found else { continue };
            if table == "accounts" && self.last.as_ref().is_some_and(|(last, _)| ORDER[*last][0] == BETWEEN_ACTIONS) {
                self.last = None;
            }
            let again = match lock {
                Lock::Chosen("accounts") => !self.names(binds),
                _ => UP_FRONT.contains(&table) && self.taken.contains(table),
            };
            self.taken.insert(table);
            let Some((last, by)) = &self.last else {
                self.last = Some((place, sql.to_owned()));
                continue;
            };
            let against = place < *last && !again && !matches!(lock, Lock::Free(_));
            assert!(
                !against,
                "{table} is locked after {}, against models/lock_order.rs:\n{sql}\nafter:\n{by}",
                ORDER[*last][0]
            );
            if place > *last {
                self.last = Some((place, sql.to_owned()));
            }
        }
    }

    /// Notes the accounts that a statement locks; whether there is a new one among them.
    fn names(&mut self, binds: &str) -> bool {
        let binds = binds.trim();
        let between = if binds.starts_with("[[") { "], [" } else { ", " };
        let values = binds.trim_start_matches('[').trim_end_matches(']').split(between);
        let new: Vec<String> = values.map(str::to_owned).filter(|value| !self.accounts.contains(value)).collect();
        self.accounts.extend(new.iter().cloned());
        !new.is_empty()
    }
}

/// The locks that a statement takes. Rows that it inserts are nobody else's yet.
fn locks(sql: &str) -> Vec<Lock<'_>> {
    let words: Vec<&str> =
        sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let mut locks = Vec::new();
    let mut inserted = None;
    for at in 0..words.len() {
        match (word(at), word(at + 1)) {
            ("INTO", table) => inserted = Some(table),
            ("DO", "UPDATE") => locks.extend(inserted.map(Lock::Changed)),
            ("DELETE", "FROM") => locks.push(Lock::Changed(word(at + 2))),
            ("UPDATE", table) if !matches!(at.checked_sub(1).map(word), Some("DO" | "FOR" | "KEY")) => {
                locks.push(Lock::Changed(table));
            }
            ("FOR", "UPDATE" | "SHARE" | "NO") => {
                let from = words.iter().position(|word| *word == "FROM").map_or("", |from| word(from + 1));
                let skips = words[at..].contains(&"SKIP");
                locks.push(if skips { Lock::Free(from) } else { Lock::Chosen(from) });
            }
            _ => {}
        }
    }
    locks
}

/// A text that takes no more than so much.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(statements: &[&str]) -> Watch {
        let mut watch = Watch { open: true, ..Watch::default() };
        statements.iter().for_each(|statement| watch.statement(statement));
        watch
    }

    #[test]
    fn what_a_statement_locks_is_read_from_it() {
        let one = |sql| locks(sql);
        assert_eq!(one("SELECT 1 FROM \"accounts\" WHERE id = $1"), []);
        assert_eq!(
            one("SELECT \"a\".\"id\" FROM \"accounts\" ORDER BY 1 FOR NO KEY UPDATE"),
            [Lock::Chosen("accounts")]
        );
        assert_eq!(one("SELECT x FROM \"queue_leases\" FOR UPDATE SKIP LOCKED"), [Lock::Free("queue_leases")]);
        assert_eq!(one("INSERT INTO queue (a) VALUES ($1)"), []);
        assert_eq!(
            one("INSERT INTO counters (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1"),
            [Lock::Changed("counters")]
        );
        assert_eq!(one("INSERT INTO counters (a) VALUES ($1) ON CONFLICT DO NOTHING"), []);
        assert_eq!(one("WITH m (id) AS (SELECT 1) UPDATE messages SET id = 1 FROM m"), [Lock::Changed("messages")]);
        assert_eq!(
            one("WITH e (id) AS (SELECT 1) DELETE FROM queue WHERE 1 IN (SELECT 1 FROM e)"),
            [Lock::Changed("queue")]
        );
    }

    #[test]
    fn the_order_itself_is_no_fault_nor_is_what_was_taken_up_front() {
        run(&[
            "SELECT id FROM accounts WHERE id IN ($1) FOR NO KEY UPDATE -- binds: [[1, 2]]",
            "INSERT INTO account_queues (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1",
            "UPDATE messages SET a = 1",
            "UPDATE account_queues SET a = 1",
            "SELECT id FROM accounts WHERE id IN ($1) FOR NO KEY UPDATE -- binds: [[1, 2]]",
            "UPDATE accounts SET a = 1",
            "INSERT INTO audit_heads (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1",
        ]);
    }

    #[test]
    #[should_panic(expected = "queue is locked after messages")]
    fn a_lock_after_a_later_one_is_caught() {
        run(&["UPDATE messages SET a = 1", "DELETE FROM queue WHERE a = 1"]);
    }

    #[test]
    #[should_panic(expected = "accounts is locked after counters")]
    fn another_account_after_what_is_counted_is_caught() {
        run(&[
            "SELECT id FROM accounts WHERE id IN ($1) FOR NO KEY UPDATE -- binds: [[1, 2]]",
            "UPDATE counters SET a = 1",
            "SELECT id FROM accounts WHERE id IN ($1) FOR NO KEY UPDATE -- binds: [[1, 3]]",
        ]);
    }

    #[test]
    fn every_table_has_its_place() {
        let schema = include_str!("schema.rs");
        let tables = schema.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {")?.split_once(" ("));
        let known: Vec<&str> = ORDER.iter().copied().flatten().chain(OF_THEIR_ACCOUNT).chain(ALONE).copied().collect();
        let mut found = 0;
        for (table, _) in tables {
            assert_eq!(
                known.iter().filter(|name| **name == table).count(),
                1,
                "{table} stands in one list of the three"
            );
            found += 1;
        }
        assert_eq!(found, known.len());
    }
}
