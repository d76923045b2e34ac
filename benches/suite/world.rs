//! An installation to measure: a fresh database, the application over it in this process to fill it, and the program
//! itself, in a process of its own, to be asked.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use canopy::actions::{ActionResult, Cx};
use canopy::app::App;
use canopy::clock::Clock;
use canopy::config::{Config, Settings};
use canopy::dns::{Dns, ZoneMap};
use canopy::models::AnyConnection;
use canopy::secrets::SecretKeys;

use crate::support::postgres::TestPostgres;
use crate::support::process::Process;
use crate::support::temp_dir::TempDir;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// SQLite, and PostgreSQL where `bin/bench` or `bin/test with` started one.
    pub fn here() -> Vec<Self> {
        let postgres = std::env::var("CANOPY_TEST_POSTGRES_URL").is_ok_and(|url| !url.is_empty());
        if postgres { vec![Self::Sqlite, Self::Postgres] } else { vec![Self::Sqlite] }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Gone on drop.
pub struct World {
    pub app: Arc<App>,
    settings: [(&'static str, String); 6],
    _postgres: Option<TestPostgres>,
    _dir: TempDir,
}

impl World {
    pub fn new(on: On) -> Self {
        let dir = TempDir::new();
        let postgres = (on == On::Postgres).then(|| TestPostgres::empty().expect("a PostgreSQL server"));
        let file = format!("sqlite://{}", dir.path().join("canopy.db").display());
        let settings = [
            ("database_url", postgres.as_ref().map_or(file, TestPostgres::url)),
            ("database_connections", "32".to_owned()),
            ("data_dir", dir.path().display().to_string()),
            ("secret_key", SecretKeys::generate().1),
            ("rate_limit_per_second", "10000000".to_owned()),
            ("rate_limit_burst", "10000000".to_owned()),
        ];
        let mut all = Settings::default();
        for (name, value) in &settings {
            all.set(name, value.clone());
        }
        let config = Config::from_settings(&all).expect("the options are right");
        let app = App::start(config, Clock::default(), Dns::zone(ZoneMap::default())).expect("the program starts");
        Self { app, settings, _postgres: postgres, _dir: dir }
    }

    /// Writes in one transaction.
    pub fn write<T>(&self, work: impl FnOnce(&mut AnyConnection, &Cx) -> ActionResult<T>) -> T {
        let cx = self.app.cx("bench");
        self.app.db.write(|conn| work(conn, &cx)).expect("the write succeeds")
    }

    /// Reads the last committed state.
    pub fn read<T>(&self, work: impl FnOnce(&mut AnyConnection) -> ActionResult<T>) -> T {
        self.app.db.read(work).expect("the read succeeds")
    }

    /// How many messages were accepted so far.
    pub fn accepted(&self) -> i64 {
        use canopy::models::schema::messages;
        use diesel::{QueryDsl as _, RunQueryDsl as _};
        self.read(|conn| Ok(messages::table.count().get_result(conn)?))
    }

    /// The program over the same database: `roles` as in its options, and `more` of them.
    pub fn serve(&self, roles: &str, more: &[(&str, &str)]) -> Server {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port");
        let mut options: Vec<(String, String)> = vec![
            ("CANOPY_LISTEN".into(), address.to_string()),
            ("CANOPY_ROLES".into(), roles.to_owned()),
            ("RUST_LOG".into(), "warn".into()),
        ];
        options.extend(self.settings.iter().map(|(name, value)| (variable(name), value.clone())));
        options.extend(more.iter().map(|(name, value)| (variable(name), (*value).to_owned())));
        let options: Vec<(&str, &str)> = options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let process = Process::canopy(&["serve"], &options);
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "the program does not serve");
            std::thread::sleep(Duration::from_millis(10));
        }
        Server { address, process }
    }
}

fn variable(option: &str) -> String {
    format!("CANOPY_{}", option.to_uppercase())
}

/// The program, asked to end on drop.
pub struct Server {
    pub address: SocketAddr,
    process: Process,
}

impl Server {
    /// Kilobytes of memory of its own that it holds.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.terminate();
        self.process.wait();
    }
}
