//! The database: one enum over SQLite and PostgreSQL, a writer, and readers.
//!
//! SQLite has one writer (a fair lock in front of one connection, so that no caller starves) and a pool of
//! `query_only` readers; PostgreSQL has one pool for both. Every write transaction goes through [`Db::write`]. How one is
//! opened is in `opening.rs`.

use std::fmt;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::result::Error as DbError;
use parking_lot::FairMutex;

use super::health::Health;
pub use super::opening::{Backend, OpenError};
use super::opening::{Opener, split_url};

/// A connection to either database; model functions take `&mut AnyConnection`.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

impl AnyConnection {
    /// Whether messages lie in a partition for each day.
    #[must_use]
    pub const fn has_partitions(&self) -> bool {
        matches!(self, Self::Pg(_))
    }
}

/// How long a PostgreSQL connection may rest before it is asked whether it is still there: asking costs a round trip,
/// as much as a small read.
const RESTED: Duration = Duration::from_secs(1);

/// A connection of the pool.
pub(super) struct Pooled {
    conn: AnyConnection,
    /// When it last did what it was asked; `None` once it failed, so that it is tried before it is trusted again.
    worked: Option<Instant>,
}

impl Pooled {
    fn run<T, E>(&mut self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        self.worked = None;
        let done = work(&mut self.conn);
        self.worked = done.is_ok().then(Instant::now);
        done
    }
}

impl r2d2::ManageConnection for Opener {
    type Connection = Pooled;
    type Error = OpenError;

    fn connect(&self) -> Result<Pooled, OpenError> {
        Ok(Pooled { conn: self.open()?, worked: Some(Instant::now()) })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), OpenError> {
        if pooled.worked.is_some_and(|at| at.elapsed() < RESTED) {
            return Ok(());
        }
        pooled.run(is_there).map_err(|error| OpenError(error.to_string()))
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        is_broken(&mut pooled.conn)
    }
}

fn is_there(conn: &mut AnyConnection) -> QueryResult<()> {
    conn.batch_execute("SELECT 1")
}

/// Whether a connection can do no more: a transaction of it could not be rolled back.
fn is_broken(conn: &mut AnyConnection) -> bool {
    use diesel::r2d2::R2D2Connection;
    match conn {
        AnyConnection::Pg(conn) => conn.is_broken(),
        AnyConnection::Sqlite(conn) => conn.is_broken(),
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
    /// Opens the writer anew when it broke.
    opener: Opener,
    pool: r2d2::Pool<Opener>,
    pub health: Health,
}

impl Db {
    /// Opens `sqlite://path` or `postgres://...` with at most `connections` pooled connections.
    ///
    /// # Errors
    /// A sentence for the operator when the scheme is unknown or the database does not answer.
    pub fn open(url: &str, connections: u32) -> Result<Self, OpenError> {
        let (backend, target) = split_url(url)?;
        let manager = |read_only| Opener { backend, target: target.clone(), read_only };
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
            .connection_timeout(std::time::Duration::from_secs(4))
            .build(manager(backend == Backend::Sqlite))
            .map_err(|error| OpenError(format!("cannot open the database: {error}")))?;
        Ok(Self { backend, writer, opener: manager(false), pool, health: Health::default() })
    }

    /// Whether several nodes may run over it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.backend == Backend::Postgres
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
        self.on_pooled(work)
    }

    /// Runs `work` on a connection of the pool. After an error it is asked whether it is still there: one that worked a
    /// moment ago is not, and may have broken since.
    fn on_pooled<T, E: From<DbError>>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        let mut pooled = self.pooled()?;
        let done = pooled.run(work);
        if done.is_err() && pooled.run(is_there).is_err() {
            self.health.answered(false);
        }
        done
    }

    fn pooled(&self) -> Result<r2d2::PooledConnection<Opener>, DbError> {
        let found = self.pool.get_timeout(self.health.patience());
        self.health.answered(found.is_ok());
        found.map_err(no_connection)
    }

    /// The writer, opened anew where it broke: a transaction that could not be rolled back ends a connection.
    fn writing(&self, writer: &mut AnyConnection) -> Result<(), DbError> {
        if is_broken(writer) {
            *writer = self.opener.open().map_err(no_connection)?;
            log::warn!("the writing connection broke and was opened anew");
        }
        Ok(())
    }

    /// A reader that waits for nothing: a free one of a SQLite file, none of PostgreSQL.
    #[must_use]
    pub fn idle_reader(&self) -> Option<IdleReader> {
        (self.backend == Backend::Sqlite).then(|| self.pool.try_get().map(IdleReader)).flatten()
    }

    /// Runs `work` in one write transaction: committed when it answers `Ok`, rolled back when not.
    ///
    /// # Errors
    /// Whatever `work` answers, or the database's own refusal to commit.
    pub fn write<T, E: From<DbError>>(&self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        match &self.writer {
            Some(writer) => {
                let mut writer = writer.lock();
                self.writing(&mut writer)?;
                transact(&mut writer, work)
            }
            None => self.on_pooled(|conn| transact(conn, work)),
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
            None => self.on_pooled(work),
        }
    }
}

/// A connection to read with at once.
pub struct IdleReader(r2d2::PooledConnection<Opener>);

impl IdleReader {
    /// Runs `work` on it.
    ///
    /// # Errors
    /// Whatever `work` answers.
    pub fn read<T, E>(mut self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        self.0.run(work)
    }
}

fn no_connection(error: impl fmt::Display) -> DbError {
    DbError::DatabaseError(diesel::result::DatabaseErrorKind::UnableToSendCommand, Box::new(error.to_string()))
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
    to_the_end(conn, work)
}

/// Runs `work` as a part of the open transaction: what it wrote is undone alone when it answers no `Ok`, and the
/// transaction goes on.
///
/// # Errors
/// Whatever `work` answers.
pub fn part<T, E: From<DbError>>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    match conn {
        AnyConnection::Pg(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        AnyConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn)?,
    }
    to_the_end(conn, work)
}

/// Commits what was begun when `work` answers `Ok`.
fn to_the_end<T, E: From<DbError>>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut open = Open(Some(conn));
    let value = match open.0.as_deref_mut() {
        Some(conn) => work(conn)?,
        None => return Err(DbError::RollbackTransaction.into()),
    };
    open.commit()?;
    Ok(value)
}
