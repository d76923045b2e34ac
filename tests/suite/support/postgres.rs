//! A PostgreSQL database per test: a copy of one template, dropped when the test ends.
//!
//! The server is the throw-away one of `bin/test`, named by `CANOPY_TEST_POSTGRES_URL` (an administrator's URL).

use super::environment::{need, package_root};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::{env, fs};

/// One database, dropped with this value.
pub struct TestPostgres {
    admin: String,
    name: String,
}

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    found: bool,
}

impl TestPostgres {
    /// A database with nothing in it.
    pub fn empty() -> Option<Self> {
        let admin = admin_url()?;
        let name = fresh_name();
        run(&mut connect(&admin), &format!("CREATE DATABASE {name}"));
        Some(Self { admin, name })
    }

    /// A database with every migration of `migrations/postgres` applied.
    pub fn migrated() -> Option<Self> {
        let folder = package_root().join("migrations/postgres");
        Self::copy_of(&format!("migrated_{:016x}", fingerprint(&folder)), |conn| {
            if folder.exists() {
                let migrations = FileBasedMigrations::from_path(&folder).expect("the migrations can be read");
                conn.run_pending_migrations(migrations).expect("the migrations run");
            }
        })
    }

    /// A copy of the template `key`, which `build` fills the first time anyone asks for it on this server: by a test
    /// in this process or in another.
    pub fn copy_of(key: &str, build: impl FnOnce(&mut PgConnection)) -> Option<Self> {
        let admin = admin_url()?;
        let mut conn = connect(&admin);
        let template = ready_template(&mut conn, &admin, key, build);
        let name = fresh_name();
        run(&mut conn, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Some(Self { admin, name })
    }

    /// The database's URL, for the program under test.
    pub fn url(&self) -> String {
        with_database(&self.admin, &self.name)
    }

    /// A connection of the test's own.
    pub fn connect(&self) -> PgConnection {
        connect(&self.url())
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        // A test that failed because the server went away should show that failure, not a second one.
        if let Ok(mut conn) = PgConnection::establish(&self.admin) {
            let _ = conn.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}

fn admin_url() -> Option<String> {
    need("a PostgreSQL server", env::var("CANOPY_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()))
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).expect("the PostgreSQL of the tests answers")
}

fn run(conn: &mut PgConnection, sql: &str) {
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn fresh_name() -> String {
    format!("canopy_test_{}", uuid::Uuid::new_v4().simple())
}

/// The template's name, after building it if nobody has. An advisory lock lets one build while the others wait; the
/// rename at the end means that a half-built one is never copied.
fn ready_template(conn: &mut PgConnection, admin: &str, key: &str, build: impl FnOnce(&mut PgConnection)) -> String {
    let template = format!("canopy_template_{key}");
    run(conn, "SELECT pg_advisory_lock(7226796)");
    let asked = sql_query("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1) AS found");
    let exists: Exists = asked.bind::<Text, _>(&template).get_result(conn).expect("the catalogue can be read");
    if !exists.found {
        let building = format!("canopy_building_{key}");
        run(conn, &format!("DROP DATABASE IF EXISTS {building} WITH (FORCE)"));
        run(conn, &format!("CREATE DATABASE {building}"));
        build(&mut connect(&with_database(admin, &building)));
        run(conn, &format!("ALTER DATABASE {building} RENAME TO {template}"));
    }
    run(conn, "SELECT pg_advisory_unlock(7226796)");
    template
}

/// The same server and sign-in with another database, the last part of the URL's path.
fn with_database(admin: &str, name: &str) -> String {
    let (server, _) = admin.rsplit_once('/').expect("a URL like postgres://user:password@host:port/database");
    format!("{server}/{name}")
}

/// Changes whenever a migration does, so that a server that outlives a run never serves an old schema.
fn fingerprint(folder: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else { continue };
        let mut inside: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        inside.sort();
        for entry in inside {
            entry.hash(&mut hasher);
            if entry.is_dir() {
                waiting.push(entry);
            } else {
                fs::read(&entry).expect("a migration can be read").hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}
