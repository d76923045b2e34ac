//! What a database lacks when it does not do what it is asked for: told from its errors, and remembered for probes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DbError};
use parking_lot::Mutex;

/// What is missing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The database does not answer.
    Database,
    /// The database answers and takes no writes: a standby, or a disk that turned read-only.
    Writes,
    /// There is no room on the database's disk.
    Disk,
    /// Too much waits to be committed on this node.
    Line,
    /// This node holds as much as it may of what arrives.
    Memory,
    /// Too many wait for what takes this node long.
    Places,
}

/// A database that answered last gets this long to give a connection.
const PATIENCE: Duration = Duration::from_secs(4);
/// One that did not gets this long, so that nobody waits for what is known to be gone.
const IMPATIENCE: Duration = Duration::from_millis(250);
/// A full disk, or a database that takes no writes, is told of for this long after the last write that found it so.
const TOLD: Duration = Duration::from_secs(30);

/// What the last use of a database has shown.
#[derive(Debug, Default)]
pub struct Health {
    silent: AtomicBool,
    refused: Mutex<Option<(Lack, Instant)>>,
}

impl Health {
    /// How long to wait for a connection.
    #[must_use]
    pub fn patience(&self) -> Duration {
        if self.silent.load(Ordering::Relaxed) { IMPATIENCE } else { PATIENCE }
    }

    /// A connection could be had, or not.
    pub fn answered(&self, answered: bool) {
        if self.silent.swap(!answered, Ordering::Relaxed) == answered {
            log::warn!("the database {}", if answered { "answers again" } else { "does not answer" });
        }
    }

    /// How a write ended: what was missing, if anything.
    pub fn wrote(&self, lack: Option<Lack>) {
        let refused = match lack {
            None => None,
            Some(lack @ (Lack::Disk | Lack::Writes)) => Some((lack, Instant::now())),
            Some(Lack::Database | Lack::Line | Lack::Memory | Lack::Places) => return,
        };
        *self.refused.lock() = refused;
    }

    /// What is missing, as far as is known.
    #[must_use]
    pub fn lack(&self) -> Option<Lack> {
        if self.silent.load(Ordering::Relaxed) {
            return Some(Lack::Database);
        }
        self.refused.lock().filter(|(_, at)| at.elapsed() < TOLD).map(|(lack, _)| lack)
    }
}

/// What an error says is missing; none for an error of another kind, which would come again.
#[must_use]
pub fn lack_of(error: &DbError) -> Option<Lack> {
    match error {
        DbError::BrokenTransactionManager => Some(Lack::Database),
        DbError::RollbackErrorOnCommit { commit_error, .. } => lack_of(commit_error),
        DbError::DatabaseError(DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection, _) => {
            Some(Lack::Database)
        }
        DbError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Some(Lack::Writes),
        DbError::DatabaseError(_, said) => in_words(said.message()),
        _ => None,
    }
}

/// Neither library gives its codes away. SQLite's words are fixed (sqlite3ErrStr); PostgreSQL's are those of its
/// messages in English (`opening.rs` asks for that), of libpq, and of the system.
fn in_words(said: &str) -> Option<Lack> {
    const FULL: [&str; 4] = ["disk is full", "No space left on device", "could not extend file", "Disk quota exceeded"];
    const GONE: [&str; 16] = [
        "database is locked",
        "disk I/O error",
        "unable to open database file",
        "server closed the connection",
        "terminating connection",
        "the database system is",
        "no connection to the server",
        "connection not open",
        "could not connect",
        "could not receive data",
        "could not send data",
        "SSL SYSCALL error",
        "Connection refused",
        "Connection reset",
        "too many clients",
        "remaining connection slots",
    ];
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["attempt to write a readonly database"]) {
        return Some(Lack::Writes);
    }
    if has(&FULL) { Some(Lack::Disk) } else { has(&GONE).then_some(Lack::Database) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(said: &str) -> DbError {
        DbError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said.to_owned()))
    }

    #[test]
    fn errors_that_pass_are_told_from_those_that_stay() {
        let gone = [
            unknown("server closed the connection unexpectedly"),
            unknown("terminating connection due to administrator command"),
            unknown("the database system is shutting down"),
            unknown("database is locked"),
            DbError::BrokenTransactionManager,
            DbError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, Box::new("x".to_owned())),
        ];
        assert!(gone.iter().all(|error| lack_of(error) == Some(Lack::Database)));
        let full = [unknown("database or disk is full"), unknown("could not extend file \"base/1/2\"")];
        assert!(full.iter().all(|error| lack_of(error) == Some(Lack::Disk)));
        let standby = "cannot execute INSERT in a read-only transaction".to_owned();
        let closed = [
            DbError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, Box::new(standby)),
            unknown("attempt to write a readonly database"),
        ];
        assert!(closed.iter().all(|error| lack_of(error) == Some(Lack::Writes)));
        assert_eq!(lack_of(&unknown("syntax error at or near SELECT")), None);
        assert_eq!(lack_of(&DbError::NotFound), None);
    }

    #[test]
    fn a_silent_database_is_asked_with_less_patience_until_it_answers() {
        let health = Health::default();
        assert_eq!((health.lack(), health.patience()), (None, PATIENCE));
        health.answered(false);
        assert_eq!((health.lack(), health.patience()), (Some(Lack::Database), IMPATIENCE));
        health.answered(true);
        assert_eq!((health.lack(), health.patience()), (None, PATIENCE));
    }

    #[test]
    fn a_database_that_takes_no_writes_is_remembered_until_one_succeeds() {
        let health = Health::default();
        health.wrote(Some(Lack::Writes));
        health.wrote(Some(Lack::Database));
        assert_eq!(health.lack(), Some(Lack::Writes));
        health.wrote(None);
        assert_eq!(health.lack(), None);
    }

    #[test]
    fn a_full_disk_is_remembered_until_a_write_succeeds() {
        let health = Health::default();
        health.wrote(Some(Lack::Disk));
        health.wrote(Some(Lack::Line));
        assert_eq!(health.lack(), Some(Lack::Disk));
        health.wrote(None);
        assert_eq!(health.lack(), None);
    }
}
