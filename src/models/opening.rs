//! Opening a connection to either database: by its URL, and as this program uses it.

use std::fmt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::connection::AnyConnection;
use super::lock_order::Watch;

/// Which database a URL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Postgres,
    Sqlite,
}

/// Why a database could not be opened, in words for the operator; the URL's password is not repeated.
#[derive(Debug)]
pub struct OpenError(pub String);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

/// Opens connections of one kind.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) backend: Backend,
    /// A URL of PostgreSQL, a path of SQLite.
    pub(super) target: String,
    pub(super) read_only: bool,
}

impl Opener {
    pub(super) fn open(&self) -> Result<AnyConnection, OpenError> {
        match self.backend {
            Backend::Postgres => open_postgres(&self.target),
            Backend::Sqlite => open_sqlite(&self.target, self.read_only),
        }
    }
}

fn open_postgres(url: &str) -> Result<AnyConnection, OpenError> {
    let mut conn = PgConnection::establish(&impatient(url))
        .map_err(|error| OpenError(format!("cannot open the PostgreSQL database: {error}")))?;
    conn.batch_execute(PREPARED)
        .map_err(|error| OpenError(format!("cannot prepare the PostgreSQL connection: {error}")))?;
    // Where only a superuser may: `canopy check` tells how to set it for the program's user.
    if let Err(error) = conn.batch_execute("SET lc_messages = 'C'") {
        log::debug!("PostgreSQL keeps the language of its messages: {error}");
    }
    if cfg!(debug_assertions) {
        conn.set_instrumentation(Watch::default());
    }
    Ok(AnyConnection::Pg(conn))
}

/// What a session is told. A node that stops in the middle of a transaction (a frozen machine; nothing of ours waits
/// there for anybody) gives its locks back after 20 seconds, unless the server or the URL says otherwise: all other
/// nodes would wait for them.
const PREPARED: &str = "SET TIME ZONE 'UTC'; SET synchronous_commit = on; SET client_min_messages = warning; \
     SELECT set_config('idle_in_transaction_session_timeout', '20s', false) \
     WHERE current_setting('idle_in_transaction_session_timeout') = '0'";

/// The URL with limits for a network that swallows everything, as far as it says nothing about them itself: 5 seconds
/// to connect, and 15 for what was sent to arrive.
fn impatient(url: &str) -> String {
    const LIMITS: [(&str, &str); 5] = [
        ("connect_timeout", "5"),
        ("tcp_user_timeout", "15000"),
        ("keepalives_idle", "10"),
        ("keepalives_interval", "5"),
        ("keepalives_count", "3"),
    ];
    let missing = LIMITS.iter().filter(|(name, _)| !url.contains(name));
    missing.fold(url.to_owned(), |url, (name, value)| {
        format!("{url}{}{name}={value}", if url.contains('?') { '&' } else { '?' })
    })
}

/// WAL with FULL: in WAL mode NORMAL can lose acknowledged work on power loss. 16 KiB pages were measured at 1.8
/// times the inserts of the default.
fn open_sqlite(path: &str, read_only: bool) -> Result<AnyConnection, OpenError> {
    let mut conn = SqliteConnection::establish(path)
        .map_err(|error| OpenError(format!("cannot open the SQLite database {path}: {error}")))?;
    let mut pragmas = String::from(
        "PRAGMA busy_timeout = 10000; PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 2000;",
    );
    if read_only {
        pragmas.push_str("PRAGMA query_only = ON;");
    }
    conn.batch_execute(&pragmas)
        .map_err(|error| OpenError(format!("cannot prepare the SQLite database {path}: {error}")))?;
    Ok(AnyConnection::Sqlite(conn))
}

/// The database that a URL names, and its URL or path.
pub(super) fn split_url(url: &str) -> Result<(Backend, String), OpenError> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        if path.is_empty() {
            return Err(OpenError("the database URL names no file: write sqlite://path/to/canopy.db".into()));
        }
        return Ok((Backend::Sqlite, path.to_owned()));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok((Backend::Postgres, url.to_owned()));
    }
    Err(OpenError("the database URL must start with sqlite:// or postgres://".into()))
}
