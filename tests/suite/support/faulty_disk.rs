//! A disk under a program of its own that fails or stands still when it is told to, and that loses what was never synced
//! when the power goes (`tests/support/faulty_disk.c`, compiled when it is needed).

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection as _;
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::app::TestApp;
use super::environment::{helper_script, need};
use super::temp_dir::TempDir;

/// What a disk is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Nothing = 0,
    /// No room: the first write is cut short, the others get ENOSPC.
    WriteFull,
    /// Writes get EIO.
    WriteError,
    /// Syncs get EIO, and what was to be synced is lost.
    SyncError,
    /// A write never ends.
    WriteStandsStill,
    /// A sync never ends.
    SyncStandsStill,
}

/// The database and its log.
const FILES: [&str; 2] = ["canopy.db", "canopy.db-wal"];
/// What a disk writes whole or not at all.
const SECTOR: i64 = 512;

pub struct FaultyDisk {
    dir: TempDir,
    orders: i64,
}

impl FaultyDisk {
    /// With a copy of a program's database; nobody writes to that meanwhile.
    pub fn of(app: &TestApp) -> Option<Self> {
        let compiler = need("a C compiler", Command::new("cc").arg("--version").output().ok())?;
        assert!(compiler.status.success(), "cc works");
        let disk = Self { dir: TempDir::new(), orders: 0 };
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-U_FORTIFY_SOURCE", "-o"]);
        let built = cc.arg(disk.path("faulty_disk.so")).arg(helper_script("faulty_disk.c")).arg("-ldl").output();
        let built = built.expect("it was there a moment ago");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        app.app.db.exclusive(|conn| conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")).expect("it is folded in");
        let source = app.app.config.database_url().trim_start_matches("sqlite://").to_owned();
        fs::copy(source, disk.path(FILES[0])).expect("a copy");
        disk.begin();
        Some(disk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Everything there is surely there, and nothing was ordered.
    fn begin(&self) {
        for (number, name) in FILES.iter().enumerate() {
            let (file, disk) = (self.path(name), self.path(&format!("disk.{number}")));
            let copied = if file.exists() { fs::copy(file, disk).map(drop) } else { fs::write(disk, "") };
            copied.expect("a copy");
            fs::write(self.path(&format!("dirty.{number}")), "").expect("a file");
        }
        fs::write(self.path("order"), [0; 32]).expect("a file");
        fs::write(self.path("met"), "").expect("a file");
    }

    pub fn url(&self) -> String {
        format!("sqlite://{}", self.path(FILES[0]).display())
    }

    /// What a program needs to run on it, beside its URL.
    pub fn env(&self) -> [(&'static str, String); 3] {
        let text = |path: PathBuf| path.display().to_string();
        [
            ("LD_PRELOAD", text(self.path("faulty_disk.so"))),
            ("CANOPY_DISK_STATE", text(self.dir.path().to_owned())),
            ("CANOPY_DISK_FILE", text(self.path(FILES[0]))),
        ]
    }

    /// From now on lets `pass` calls of the kind pass, and meets the `meet` after them.
    pub fn order(&mut self, order: Order, pass: i64, meet: i64) {
        self.orders += 1;
        let bytes: Vec<u8> =
            [self.orders, order as i64, pass, meet].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let file = OpenOptions::new().write(true).open(self.path("order")).expect("a file");
        file.write_all_at(&bytes, 0).expect("it is told");
    }

    /// How many calls were met so far.
    pub fn met(&self) -> u64 {
        fs::metadata(self.path("met")).expect("a file").len()
    }

    /// The power goes: what the disk may hold then, in a folder of its own, and how many bytes were not synced. The log
    /// is cut anywhere in what was not, or any of its sectors are missing; of the database's, any are.
    pub fn after_power_loss(&self, random: &mut StdRng) -> (TempDir, i64) {
        let (image, mut unsynced) = (TempDir::new(), 0);
        for (number, name) in FILES.iter().enumerate() {
            let copy = image.path().join(name);
            fs::copy(self.path(&format!("disk.{number}")), &copy).expect("a copy");
            let copy = OpenOptions::new().write(true).open(copy).expect("a file");
            let dirty = self.dirty(number);
            let total: i64 = dirty.iter().map(|(_, length)| length).sum();
            unsynced += total;
            if !dirty.is_empty() {
                let written = File::open(self.path(name)).expect("a file");
                if number == 1 && random.random_bool(0.5) {
                    cut(&dirty, random.random_range(0..=total), &written, &copy);
                } else {
                    some(&dirty, random, &written, &copy);
                }
            }
        }
        (image, unsynced)
    }

    /// The power comes back over one of these.
    pub fn restore(&mut self, image: &Path) {
        for name in FILES {
            fs::copy(image.join(name), self.path(name)).expect("a copy");
        }
        drop(fs::remove_file(self.path("canopy.db-shm")));
        self.begin();
    }

    /// What was written to a file since its last sync, in order.
    fn dirty(&self, number: usize) -> Vec<(i64, i64)> {
        let bytes = fs::read(self.path(&format!("dirty.{number}"))).expect("a file");
        let word = |bytes: &[u8]| i64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
        bytes.chunks_exact(16).map(|pair| (word(&pair[..8]), word(&pair[8..]))).collect()
    }
}

/// The first `left` bytes of what was written reach the disk, and nothing behind them.
fn cut(dirty: &[(i64, i64)], mut left: i64, from: &File, to: &File) {
    for (offset, length) in dirty {
        let reached = (*length).min(left);
        copy(*offset, reached, from, to);
        left -= reached;
    }
}

/// Any sectors reach it.
fn some(dirty: &[(i64, i64)], random: &mut StdRng, from: &File, to: &File) {
    for (offset, length) in dirty {
        let end = offset + length;
        let mut at = *offset;
        while at < end {
            let next = (at / SECTOR * SECTOR + SECTOR).min(end);
            if random.random_bool(0.5) {
                copy(at, next - at, from, to);
            }
            at = next;
        }
    }
}

fn copy(offset: i64, length: i64, from: &File, to: &File) {
    let (offset, length) = (offset.cast_unsigned(), usize::try_from(length).expect("not negative"));
    let mut bytes = vec![0; length];
    from.read_exact_at(&mut bytes, offset).expect("it was written");
    to.write_all_at(&bytes, offset).expect("it is written");
}
