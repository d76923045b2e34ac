//! Migrations: paired folders with the same names, embedded in the binary.

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{AnyConnection, Backend, Db, OpenError};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Brings the schema up to this program's version; answers the names of what ran.
///
/// # Errors
/// A database whose schema is newer than the program is refused: an older program must not write to it.
pub fn up(db: &Db) -> Result<Vec<String>, OpenError> {
    with_connection(db, |conn| match conn {
        // Of several nodes that start at once one migrates, and the others wait until it has.
        AnyConnection::Pg(conn) => {
            alone(conn, "SELECT pg_advisory_lock(7226798)")?;
            let ran = run(conn, POSTGRES);
            alone(conn, "SELECT pg_advisory_unlock(7226798)")?;
            ran
        }
        AnyConnection::Sqlite(conn) => run(conn, SQLITE),
    })
}

fn alone(conn: &mut diesel::PgConnection, sql: &str) -> Result<(), OpenError> {
    conn.batch_execute(sql).map_err(|error| OpenError(format!("cannot migrate the database: {error}")))
}

/// Undoes every migration, newest first. For tests.
///
/// # Errors
/// The database's own words.
pub fn down(db: &Db) -> Result<(), OpenError> {
    with_connection(db, |conn| {
        match conn {
            AnyConnection::Pg(conn) => conn.revert_all_migrations(POSTGRES).map(drop),
            AnyConnection::Sqlite(conn) => conn.revert_all_migrations(SQLITE).map(drop),
        }
        .map_err(|error| OpenError(error.to_string()))
    })
}

/// How many migrations of this program have not run yet. Reads only, so that a probe can ask.
///
/// # Errors
/// The database's own words, when it does not answer.
pub fn pending(db: &Db) -> Result<usize, OpenError> {
    Ok(state(db)?.pending)
}

/// The schema beside this program's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Migrations that have not run yet.
    pub pending: usize,
    /// Migrations of a newer program.
    pub unknown: Vec<String>,
}

/// How the schema stands. Reads only.
///
/// # Errors
/// The database's own words, also where there is no schema at all.
pub fn state(db: &Db) -> Result<State, OpenError> {
    let known = match db.backend() {
        Backend::Postgres => names::<diesel::pg::Pg>(POSTGRES)?,
        Backend::Sqlite => names::<diesel::sqlite::Sqlite>(SQLITE)?,
    };
    let applied = applied(db)?;
    let pending = known.iter().filter(|name| !applied.contains(name)).count();
    Ok(State { pending, unknown: applied.into_iter().filter(|name| !known.contains(name)).collect() })
}

fn applied(db: &Db) -> Result<Vec<String>, OpenError> {
    let rows: Vec<Applied> = db
        .read(|conn| {
            Ok(diesel::sql_query("SELECT version FROM __diesel_schema_migrations ORDER BY version").load(conn)?)
        })
        .map_err(|refused: Refused| refused.0)?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

#[derive(diesel::QueryableByName)]
struct Applied {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

fn names<DB: diesel::backend::Backend>(source: EmbeddedMigrations) -> Result<Vec<String>, OpenError> {
    let all = MigrationSource::<DB>::migrations(&source).map_err(|error| OpenError(error.to_string()))?;
    Ok(all.iter().map(|migration| migration.name().version().to_string()).collect())
}

struct Refused(OpenError);

impl From<diesel::result::Error> for Refused {
    fn from(error: diesel::result::Error) -> Self {
        Self(OpenError(error.to_string()))
    }
}

fn with_connection<T>(db: &Db, work: impl FnOnce(&mut AnyConnection) -> Result<T, OpenError>) -> Result<T, OpenError> {
    db.exclusive(|conn| work(conn).map_err(Refused)).map_err(|refused| refused.0)
}

fn run<DB, C>(conn: &mut C, source: EmbeddedMigrations) -> Result<Vec<String>, OpenError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let describe =
        |error: Box<dyn std::error::Error + Send + Sync>| OpenError(format!("cannot migrate the database: {error}"));
    let known: Vec<_> = MigrationSource::<DB>::migrations(&source)
        .map_err(describe)?
        .iter()
        .map(|migration| migration.name().version().as_owned())
        .collect();
    for applied in conn.applied_migrations().map_err(describe)? {
        if !known.contains(&applied) {
            return Err(OpenError(format!(
                "the database has migration {applied}, which this version of Canopy does not know: \
                 it was written by a newer version. Start that version, or restore a backup made before it."
            )));
        }
    }
    let ran = conn.run_pending_migrations(source).map_err(describe)?;
    Ok(ran.into_iter().map(|version| version.to_string()).collect())
}
