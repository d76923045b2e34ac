//! A PostgreSQL of a test's own with a synchronous replica, to be lost: initdb, pg_basebackup and promotion, all on
//! loopback. What was started is gone with this value.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query};

use super::environment::need;
use super::ports;
use super::process::Process;
use super::temp_dir::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    data: PathBuf,
    port: u16,
    process: Process,
}

pub struct Cluster {
    programs: PathBuf,
    password: String,
    primary: Server,
    standby: Option<Server>,
    /// Of both, which change places.
    ports: [u16; 2],
    made: usize,
    dir: TempDir,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Cluster {
    /// A primary without a replica.
    pub fn start() -> Option<Self> {
        let found = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
        let mut all: Vec<PathBuf> = found.map(|entry| entry.path().join("bin")).collect();
        all.sort();
        let programs = need("the programs of PostgreSQL", all.pop())?;
        let (dir, password) = (TempDir::new(), uuid::Uuid::new_v4().simple().to_string());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("our own folder");
        fs::write(dir.path().join("password"), &password).expect("a file");
        let (data, ports) = (dir.path().join("0"), [ports::free().port(), ports::free().port()]);
        let pwfile = format!("--pwfile={}", dir.path().join("password").display());
        let folder = format!("--pgdata={}", data.display());
        let how = ["--username=canopy", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        run(&programs, "initdb", how.into_iter().chain([folder.as_str(), pwfile.as_str()]));
        let conf = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nwal_level = replica\n\
                    max_connections = 60\nshared_buffers = '32MB'\nlog_min_messages = fatal\nwal_keep_size = '64MB'\n";
        let file = data.join("postgresql.conf");
        fs::write(&file, fs::read_to_string(&file).expect("a file") + conf).expect("a file");
        let primary = Server::start(&programs, data, ports[0]);
        let cluster = Self { programs, password, primary, standby: None, ports, made: 0, dir };
        cluster.until("the primary answers", |cluster| cluster.primary_connection().is_some());
        Some(cluster)
    }

    /// Both servers, of which whichever takes writes is meant.
    pub fn url(&self) -> String {
        let [one, other] = self.ports;
        let who = format!("canopy:{}", self.password);
        format!("postgres://{who}@127.0.0.1:{one},127.0.0.1:{other}/postgres?target_session_attrs=read-write")
    }

    fn url_of(&self, port: u16) -> String {
        format!("postgres://canopy:{}@127.0.0.1:{port}/postgres", self.password)
    }

    fn primary_connection(&self) -> Option<PgConnection> {
        PgConnection::establish(&self.url_of(self.primary.port)).ok()
    }

    fn tell_primary(&self, sql: &str) {
        let mut conn = self.primary_connection().expect("the primary answers");
        conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Gives the primary a replica that every commit waits for from now on.
    pub fn replicate(&mut self) {
        self.made += 1;
        let data = self.dir.path().join(self.made.to_string());
        let (from, folder) = (self.url_of(self.primary.port), data.display().to_string());
        let how = ["-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", &from, "-D", &folder];
        run(&self.programs, "pg_basebackup", how);
        let port = self.ports[usize::from(self.primary.port == self.ports[0])];
        self.standby = Some(Server::start(&self.programs, data, port));
        self.tell_primary("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.tell_primary("SELECT pg_reload_conf()");
        self.until("the replica follows", |cluster| {
            let asked = "SELECT count(*) AS count FROM pg_stat_replication WHERE sync_state = 'sync'";
            let mut conn = cluster.primary_connection().expect("the primary answers");
            sql_query(asked).get_result::<Count>(&mut conn).is_ok_and(|row| row.count == 1)
        });
    }

    /// Kills the primary (SIGKILL) and makes the replica one.
    pub fn lose_primary(&mut self) {
        let standby = self.standby.take().expect("there is a replica");
        let mut lost = std::mem::replace(&mut self.primary, standby);
        lost.kill();
        drop(fs::remove_dir_all(&lost.data));
        let folder = self.primary.data.display().to_string();
        run(&self.programs, "pg_ctl", ["promote", "--silent", "-D", &folder]);
    }

    fn until(&self, what: &str, reached: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !reached(self) {
            assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Server {
    fn start(programs: &Path, data: PathBuf, port: u16) -> Self {
        let (folder, port_text) = (data.display().to_string(), port.to_string());
        let mut args = as_postgres();
        let program = programs.join("postgres").display().to_string();
        args.extend([program, "-D".into(), folder, "-p".into(), port_text]);
        Self { data, port, process: Process::spawn(&args[0], &args[1..], &[]) }
    }

    /// The crash; the segment of shared memory that it leaves behind is taken away.
    fn kill(&mut self) {
        let told = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        self.process.kill();
        let segment = told.lines().nth(6).and_then(|line| line.split_whitespace().nth(1)).map(str::to_owned);
        if let Some(segment) = segment {
            drop(Command::new("ipcrm").args(["-m", &segment]).output());
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for server in [Some(&mut self.primary), self.standby.as_mut()].into_iter().flatten() {
            if !server.process.has_ended() {
                server.kill();
            }
        }
    }
}

/// PostgreSQL refuses to be run by root: its own user does it then, in the same process.
fn as_postgres() -> Vec<String> {
    let root = fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    let other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
    if root { other.map(str::to_owned).into() } else { vec!["env".into()] }
}

fn run<A: AsRef<OsStr>>(programs: &Path, program: &str, args: impl IntoIterator<Item = A>) {
    let before = as_postgres();
    let mut command = Command::new(&before[0]);
    command.args(&before[1..]).arg(programs.join(program)).args(args).current_dir("/");
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}
