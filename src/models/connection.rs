//! The database: one enum over SQLite and PostgreSQL, a writer, and readers.
//!
//! SQLite has one writer (a fair lock in front of one connection, so that no caller starves) and a pool of
//! `query_only` readers; PostgreSQL has one pool for both. Every write transaction goes through [`Db::write`].

use std::fmt;
use std::ops::DerefMut;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::result::Error as DbError;
use parking_lot::FairMutex;

/// A connection to either database; model functions take `&mut AnyConnection`.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

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

struct Manager {
    backend: Backend,
    target: String,
    read_only: bool,
}

impl Manager {
    fn open(&self) -> Result<AnyConnection, OpenError> {
        match self.backend {
            Backend::Postgres => open_postgres(&self.target),
            Backend::Sqlite => open_sqlite(&self.target, self.read_only),
        }
    }
}

fn open_postgres(url: &str) -> Result<AnyConnection, OpenError> {
    let mut conn = PgConnection::establish(url)
        .map_err(|error| OpenError(format!("cannot open the PostgreSQL database: {error}")))?;
    conn.batch_execute("SET TIME ZONE 'UTC'; SET synchronous_commit = on; SET client_min_messages = warning")
        .map_err(|error| OpenError(format!("cannot prepare the PostgreSQL connection: {error}")))?;
    Ok(AnyConnection::Pg(conn))
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

impl r2d2::ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = OpenError;

    fn connect(&self) -> Result<AnyConnection, OpenError> {
        self.open()
    }

    fn is_valid(&self, conn: &mut AnyConnection) -> Result<(), OpenError> {
        conn.batch_execute("SELECT 1").map_err(|error| OpenError(error.to_string()))
    }

    fn has_broken(&self, conn: &mut AnyConnection) -> bool {
        use diesel::r2d2::R2D2Connection;
        match conn {
            AnyConnection::Pg(conn) => conn.is_broken(),
            AnyConnection::Sqlite(conn) => conn.is_broken(),
        }
    }
}

/// The pooled connections of a node, at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    pub busy: u32,
    pub idle: u32,
    pub most: u32,
}

/// The open database of a node.
pub struct Db {
    backend: Backend,
    writer: Option<FairMutex<AnyConnection>>,
    pool: r2d2::Pool<Manager>,
}

impl Db {
    /// Opens `sqlite://path` or `postgres://...` with at most `connections` pooled connections.
    ///
    /// # Errors
    /// A sentence for the operator when the scheme is unknown or the database does not answer.
    pub fn open(url: &str, connections: u32) -> Result<Self, OpenError> {
        let (backend, target) = split_url(url)?;
        let manager = |read_only| Manager { backend, target: target.clone(), read_only };
        let writer = match backend {
            Backend::Sqlite => Some(FairMutex::new(manager(false).open()?)),
            Backend::Postgres => None,
        };
        // The first connection is made by hand: r2d2 would only say that it timed out.
        drop(manager(false).open()?);
        let pool = r2d2::Pool::builder()
            .max_size(connections.max(1))
            .min_idle(Some(1))
            .test_on_check_out(backend == Backend::Postgres)
            .connection_timeout(std::time::Duration::from_secs(10))
            .build(manager(backend == Backend::Sqlite))
            .map_err(|error| OpenError(format!("cannot open the database: {error}")))?;
        Ok(Self { backend, writer, pool })
    }

    #[must_use]
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// How many of the pooled connections are in use.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let state = self.pool.state();
        let busy = state.connections.saturating_sub(state.idle_connections);
        Connections { busy, idle: state.idle_connections, most: self.pool.max_size() }
    }

    /// Runs `work` on a reader. On SQLite it sees the last committed state and cannot write.
    ///
    /// # Errors
    /// Whatever `work` answers; a database without a free connection is a `DbError`.
    pub fn read<T, E: From<DbError>>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        let mut conn = self.pool.get().map_err(no_connection)?;
        work(&mut conn)
    }

    /// A connection to read with that waits for nothing: a free one to a SQLite file, none to PostgreSQL.
    #[must_use]
    pub fn idle_reader(&self) -> Option<impl DerefMut<Target = AnyConnection> + use<>> {
        (self.backend == Backend::Sqlite).then(|| self.pool.try_get()).flatten()
    }

    /// Runs `work` in one write transaction: committed when it answers `Ok`, rolled back when not.
    ///
    /// # Errors
    /// Whatever `work` answers, or the database's own refusal to commit.
    pub fn write<T, E: From<DbError>>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        match &self.writer {
            Some(writer) => transact(&mut writer.lock(), work),
            None => transact(&mut *self.pool.get().map_err(no_connection)?, work),
        }
    }

    /// Runs `work` on a writing connection outside a transaction: migrations, and nothing else.
    ///
    /// # Errors
    /// Whatever `work` answers.
    pub fn exclusive<T, E: From<DbError>>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        match &self.writer {
            Some(writer) => work(&mut writer.lock()),
            None => work(&mut *self.pool.get().map_err(no_connection)?),
        }
    }
}

fn no_connection(error: r2d2::Error) -> DbError {
    DbError::DatabaseError(diesel::result::DatabaseErrorKind::UnableToSendCommand, Box::new(error.to_string()))
}

fn split_url(url: &str) -> Result<(Backend, String), OpenError> {
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

/// Rolls back when dropped before [`Open::commit`], so that a panic leaves no open transaction behind.
struct Open<'a>(Option<&'a mut AnyConnection>);

impl Open<'_> {
    fn commit(mut self) -> Result<(), DbError> {
        match self.0.take() {
            Some(AnyConnection::Pg(conn)) => AnsiTransactionManager::commit_transaction(conn),
            Some(AnyConnection::Sqlite(conn)) => AnsiTransactionManager::commit_transaction(conn),
            None => Ok(()),
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let result = match self.0.take() {
            Some(AnyConnection::Pg(conn)) => AnsiTransactionManager::rollback_transaction(conn),
            Some(AnyConnection::Sqlite(conn)) => AnsiTransactionManager::rollback_transaction(conn),
            None => Ok(()),
        };
        if let Err(error) = result {
            log::error!("a transaction could not be rolled back: {error}");
        }
    }
}

/// SQLite needs BEGIN IMMEDIATE for every read-then-write: deferred transactions fail as locked.
fn transact<T, E: From<DbError>>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    match conn {
        AnyConnection::Pg(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        AnyConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
    }
    let mut open = Open(Some(conn));
    let value = match open.0.as_deref_mut() {
        Some(conn) => work(conn)?,
        None => return Err(DbError::RollbackTransaction.into()),
    };
    open.commit()?;
    Ok(value)
}
