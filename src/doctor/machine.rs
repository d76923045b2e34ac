//! This machine and its configuration: room on its disks, and the key that seals what is kept.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::ExposeSecret;

use super::{Finding, Subject};
use crate::config::Config;
use crate::secrets::SecretKeys;

/// Below this the disk is as good as full.
const LITTLE: u64 = 256 * 1024 * 1024;
/// Random bytes repeat now and then; a key with fewer different ones than this was typed.
const DIFFERENT: usize = 16;

/// The room on the disk that a folder is on, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// For this program, not for root alone.
    pub free: u64,
    pub total: u64,
}

/// What the system says of the disk below `folder`.
///
/// # Errors
/// When there is no such folder.
pub fn space(folder: &Path) -> io::Result<Space> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Space { free: disk.f_bavail.saturating_mul(disk.f_frsize), total: disk.f_blocks.saturating_mul(disk.f_frsize) })
}

/// The data folder, and the folder of a SQLite file that is elsewhere.
pub fn disks(subject: &Subject) -> Vec<Finding> {
    let config = &subject.config;
    let mut folders = vec![config.data_dir.clone()];
    if let Some(path) = config.database_url().strip_prefix("sqlite://") {
        let folder = Path::new(path).parent().map(Path::to_path_buf).unwrap_or_default();
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        if !folder.starts_with(&config.data_dir) {
            folders.push(folder);
        }
    }
    let one = |folder: &PathBuf| match (subject.means.space)(folder) {
        Ok(space) => room(folder, space),
        Err(error) => Finding::warn(
            "disk",
            "A folder for data is not there yet, or cannot be read.",
            "It is made when the program starts; see that its user may write there.",
        )
        .because(format!("{}: {error}", folder.display())),
    };
    folders.iter().map(one).collect()
}

fn room(folder: &Path, space: Space) -> Finding {
    let share = space.free.saturating_mul(1000).checked_div(space.total).unwrap_or(0);
    let found = format!("{} MiB ({}.{} %) are free.", space.free / 1024 / 1024, share / 10, share % 10);
    let finding = if share < 20 || space.free < LITTLE {
        Finding::fail("disk", found, "Make room: at a full disk nothing more is accepted.")
    } else if share < 100 {
        Finding::warn("disk", found, "Make room before it is full, or shorten retention.")
    } else {
        Finding::ok("disk", found)
    };
    // Where it is, is the operator's to know.
    finding.because(folder.display())
}

/// The key for secrets at rest.
pub fn secret_key(config: &Config) -> Finding {
    let name = "secret key";
    let text = config.secret_key.expose_secret();
    let keys: Vec<&str> = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    if let Err(error) = SecretKeys::parse(text) {
        let advice = "Set secret_key (CANOPY_SECRET_KEY) to 1: and the base64 of 32 random bytes, and keep it safe: `openssl rand -base64 32` makes them.";
        return Finding::fail(name, format!("The option secret_key cannot be used: {error}."), advice);
    }
    let bytes = |entry: &&str| entry.split_once(':').and_then(|(_, key)| BASE64_STANDARD.decode(key.trim()).ok());
    if keys.iter().filter_map(bytes).any(|key| different(&key) < DIFFERENT) {
        let advice = "Put a random one first and keep this one behind it until everything was sealed again.";
        return Finding::fail(name, "A key of secret_key is not random: somebody could guess it.", advice);
    }
    if !config.demo && keys.iter().any(|key| is_of_a_demo(config, key)) {
        let advice = "Take a key of its own: whoever saw the demo's folder has this one.";
        return Finding::fail(name, "The key is that of the demo.", advice);
    }
    let count = if keys.len() == 1 { "One key".to_owned() } else { format!("{} keys", keys.len()) };
    Finding::ok(name, format!("{count} of 256 bits; the first seals."))
}

fn different(key: &[u8]) -> usize {
    let mut bytes = key.to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len()
}

/// Whether a demo on this machine keeps the same key.
fn is_of_a_demo(config: &Config, key: &str) -> bool {
    let places = [config.data_dir.join("demo"), config.data_dir.clone()];
    let text = places.iter().filter_map(|folder| std::fs::read_to_string(folder.join("sign-ins.json")).ok());
    text.into_iter().any(|text| text.contains(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_disk_is_judged_by_its_share_and_by_what_is_left() {
        const GIB: u64 = 1024 * 1024 * 1024;
        for (free, total, verdict) in [
            (500 * GIB, 1000 * GIB, Verdict::Ok),
            (100 * GIB, 1000 * GIB, Verdict::Ok),
            (99 * GIB, 1000 * GIB, Verdict::Warn),
            (20 * GIB, 1000 * GIB, Verdict::Warn),
            (19 * GIB, 1000 * GIB, Verdict::Fail),
            (GIB / 5, GIB, Verdict::Fail),
            (0, 0, Verdict::Fail),
        ] {
            assert_eq!(room(Path::new("/data"), Space { free, total }).verdict, verdict, "{free} of {total}");
        }
    }

    #[test]
    fn the_room_on_a_real_disk_is_read() {
        let read = space(&std::env::temp_dir()).expect("there is one");
        assert!(read.total > 0 && read.free <= read.total, "{read:?}");
        assert!(space(Path::new("/no/such/folder")).is_err());
    }
}
