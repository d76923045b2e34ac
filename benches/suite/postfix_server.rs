//! A Postfix of our own: in a temporary folder, on loopback alone, with nowhere to send but the sink. The machine's own
//! Postfix, its settings and its queue are not touched.
//!
//! First it only accepts, then it only delivers: so the queue is full when the clock starts, as it is for us. It counts
//! for Postfix that nothing else runs meanwhile, that it does not sign, and that no log is kept where no syslog runs.

use std::collections::HashSet;
use std::ffi::OsString;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::deliver::{self, SESSIONS, Use};
use crate::support::process::Process;
use crate::support::temp_dir::TempDir;

const MASTER: &str = "/usr/lib/postfix/sbin/master";
/// Folders of a queue: name and mode.
const QUEUE: [(&str, &str); 13] = [
    ("incoming", "700"),
    ("active", "700"),
    ("bounce", "700"),
    ("corrupt", "700"),
    ("defer", "700"),
    ("deferred", "700"),
    ("flush", "700"),
    ("hold", "700"),
    ("saved", "700"),
    ("trace", "700"),
    ("private", "700"),
    ("public", "710"),
    ("maildrop", "730"),
];
/// What empties the queue.
const DELIVERING: &str = "qmgr unix n - n 300 1 qmgr\n";
const SERVICES: &str = "\
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
";

/// Gone on drop, with its queue.
pub struct PostfixServer {
    dir: TempDir,
}

impl PostfixServer {
    /// Whether it is installed, and we may start it: its parts run under users of their own.
    pub fn can_run() -> bool {
        let root = std::fs::metadata("/proc/self").is_ok_and(|itself| itself.uid() == 0);
        root && Path::new(MASTER).exists()
    }

    /// An empty one whose mail goes to `sink`, a port on loopback.
    pub fn new(sink: u16) -> Self {
        let dir = TempDir::new();
        let server = Self { dir };
        let readable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(server.dir.path(), readable).expect("the folder is ours");
        for (name, mode) in QUEUE {
            let group = if mode == "700" { "root" } else { "postdrop" };
            folder(&server.queue(name), &["-o", "postfix", "-g", group, "-m", mode]);
        }
        folder(&server.queue("pid"), &["-m", "755"]);
        folder(&server.path("data"), &["-o", "postfix", "-m", "700"]);
        folder(&server.path("etc"), &["-m", "755"]);
        std::fs::write(server.path("etc/main.cf"), server.settings(sink)).expect("settings are written");
        server
    }

    /// Messages accepted a second over SMTP; they stay in its queue.
    pub fn accepted(&self, sessions: Use) -> f64 {
        self.taken("", sessions)
    }

    /// Messages accepted a second over SMTP, sessions reused, while it delivers them.
    pub fn accepted_while_delivering(&self) -> f64 {
        self.taken(DELIVERING, Use::Again)
    }

    fn taken(&self, services: &str, sessions: Use) -> f64 {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let master = self.start(&format!("127.0.0.1:{port} inet n - n - - smtpd\n{services}"));
        wait("Postfix listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let rate = deliver::source(port, "a@example.org", sessions);
        drop(master);
        rate
    }

    /// Messages delivered a second until the queue, which holds `count`, is empty.
    pub fn delivered(&self, count: usize) -> f64 {
        assert_eq!(self.waiting(), count);
        let master = self.start(DELIVERING);
        wait("Postfix delivers", || self.waiting() < count);
        let (begun, before) = (Instant::now(), self.waiting());
        wait("Postfix's queue is empty", || self.waiting() == 0);
        let rate = before as f64 / begun.elapsed().as_secs_f64();
        assert!(entries(&self.queue("deferred")).is_empty(), "nothing was put off");
        drop(master);
        rate
    }

    /// With one service more than the common ones; ends with what it answers.
    fn start(&self, service: &str) -> Process {
        std::fs::write(self.path("etc/master.cf"), format!("{service}{SERVICES}")).expect("services are written");
        let settings = self.path("etc");
        // Not as a daemon: it ends with us.
        Process::spawn(MASTER, &["-c", settings.to_str().expect("a path in UTF-8"), "-d"], &[])
    }

    fn settings(&self, sink: u16) -> String {
        let (queue, data) = (self.path("queue"), self.path("data"));
        format!(
            "compatibility_level = 3.6\nqueue_directory = {}\ndata_directory = {}\nsyslog_name = canopy-bench\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmyhostname = postfix.example\n\
             mynetworks = 127.0.0.0/8\nmydestination =\nlocal_transport = error:nothing is local\n\
             alias_maps =\nalias_database =\nrelayhost = [127.0.0.1]:{sink}\ndisable_dns_lookups = yes\n\
             smtp_host_lookup = native\nsmtpd_peername_lookup = no\nsmtp_tls_security_level = none\n\
             initial_destination_concurrency = {SESSIONS}\ndefault_destination_concurrency_limit = {SESSIONS}\n\
             # Else it slows who sends while nobody takes from the queue.\nin_flow_delay = 0\n",
            queue.display(),
            data.display()
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn queue(&self, name: &str) -> PathBuf {
        self.path("queue").join(name)
    }

    /// Messages not delivered yet. One that moves on while it is looked for is seen twice, and counts once.
    fn waiting(&self) -> usize {
        let names: HashSet<OsString> =
            ["incoming", "active"].iter().flat_map(|name| entries(&self.queue(name))).collect();
        names.len()
    }
}

fn entries(folder: &Path) -> Vec<OsString> {
    let entries = std::fs::read_dir(folder).expect("the queue is there");
    entries.map(|entry| entry.expect("it can be read").file_name()).collect()
}

fn folder(path: &Path, how: &[&str]) {
    let made = Command::new("install").arg("-d").args(how).arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "{} is made", path.display());
}

fn wait(what: &str, reached: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !reached() {
        assert!(Instant::now() < until, "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(10));
    }
}
