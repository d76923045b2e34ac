//! A mailbox on this machine in place of a smarthost: the demo's transport, readable in the dashboard.
//! Files as in a Maildir: `{root}/{account}/new/{message}.eml`, written aside, synced and renamed, so that a reader
//! never sees half a message and an accepted one survives a power cut.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Outcome;
use crate::domain::ids::Id;

/// The mailboxes of all accounts, under one directory.
#[derive(Debug, Clone)]
pub struct Mailbox {
    root: PathBuf,
}

impl Mailbox {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Keeps `message` for `account`. The same message id again changes nothing and is accepted again.
    pub async fn deliver(&self, account: Id, message_id: Id, message: Vec<u8>) -> Outcome {
        let folder = self.folder(account);
        let write = move || write_once(&folder, &file_name(message_id), &message);
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Outcome::Accepted { code: 250, text: "2.0.0 Kept in the mailbox on this machine".into() },
            Ok(Err(err)) => Outcome::Unreachable { text: format!("The mailbox could not be written: {err}") },
            Err(err) => Outcome::Unreachable { text: format!("The mailbox could not be written: {err}") },
        }
    }

    /// The message as it was delivered, or None when there is none of this id. Blocks on the disk.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn read(&self, account: Id, message_id: Id) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.folder(account).join("new").join(file_name(message_id))) {
            Ok(message) => Ok(Some(message)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Ids of what `account` has, the newest first (ids sort by time). Blocks on the disk.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn list(&self, account: Id) -> io::Result<Vec<Id>> {
        let entries = match fs::read_dir(self.folder(account).join("new")) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            ids.extend(name.to_str().and_then(|name| name.strip_suffix(".eml")).and_then(|id| id.parse::<Id>().ok()));
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ids)
    }

    /// The accounts that have something here. Blocks on the disk.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn accounts(&self) -> io::Result<Vec<Id>> {
        let entries = match fs::read_dir(&self.root) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            ids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<Id>().ok()));
        }
        Ok(ids)
    }

    /// Removes a message, as retention asks; gone already is fine. Blocks on the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn remove(&self, account: Id, message_id: Id) -> io::Result<()> {
        match fs::remove_file(self.folder(account).join("new").join(file_name(message_id))) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => Ok(()),
        }
    }

    fn folder(&self, account: Id) -> PathBuf {
        self.root.join(account.to_string())
    }
}

fn file_name(message_id: Id) -> String {
    format!("{message_id}.eml")
}

/// Writes `folder/new/name` durably, unless it is there already. `name` is one path component chosen by us.
pub(crate) fn write_once(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let (tmp, new) = (folder.join("tmp"), folder.join("new"));
    let target = new.join(name);
    if target.exists() {
        return Ok(());
    }
    fs::create_dir_all(&tmp)?;
    fs::create_dir_all(&new)?;
    // A process of our own may be writing the same message (a lease that ran out): each writes its own file.
    let aside = tmp.join(format!("{name}.{}.{:?}", std::process::id(), std::thread::current().id()));
    let written = write_synced(&aside, content).and_then(|()| fs::rename(&aside, &target));
    if written.is_err() {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&aside);
    }
    written?;
    File::open(&new)?.sync_all()
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn scratch() -> (Mailbox, PathBuf) {
        let root = std::env::temp_dir().join(format!("canopy-mailbox-{}", id(0)));
        (Mailbox::new(&root), root)
    }

    fn id(second: i64) -> Id {
        Id::new(DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap())
    }

    #[tokio::test]
    async fn a_delivered_message_is_read_back_and_listed_newest_first() {
        let (mailbox, root) = scratch();
        let (account, older, newer) = (id(1), id(2), id(3));
        for (message, text) in [(older, "one"), (newer, "two")] {
            let outcome = mailbox.deliver(account, message, text.into()).await;
            assert!(matches!(outcome, Outcome::Accepted { code: 250, .. }), "{outcome:?}");
        }
        assert_eq!(mailbox.read(account, older).unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(mailbox.list(account).unwrap(), [newer, older]);
        assert_eq!(mailbox.list(id(9)).unwrap(), []);
        assert_eq!(mailbox.read(id(9), older).unwrap(), None, "another account sees nothing");
        fs::remove_dir_all(root).unwrap();
    }

    #[tokio::test]
    async fn the_same_message_again_is_accepted_and_kept_once() {
        let (mailbox, root) = scratch();
        let (account, message) = (id(1), id(2));
        mailbox.deliver(account, message, b"first".to_vec()).await;
        let again = mailbox.deliver(account, message, b"second".to_vec()).await;
        assert!(matches!(again, Outcome::Accepted { .. }));
        assert_eq!(mailbox.read(account, message).unwrap().as_deref(), Some(&b"first"[..]));
        assert_eq!(fs::read_dir(root.join(account.to_string()).join("tmp")).unwrap().count(), 0);
        mailbox.remove(account, message).unwrap();
        mailbox.remove(account, message).unwrap();
        assert_eq!(mailbox.list(account).unwrap(), []);
        fs::remove_dir_all(root).unwrap();
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_unreachable_not_accepted() {
        let (mailbox, root) = scratch();
        fs::write(&root, "a file where the directory should be").unwrap();
        let outcome = mailbox.deliver(id(1), id(2), b"x".to_vec()).await;
        assert!(matches!(outcome, Outcome::Unreachable { .. }), "{outcome:?}");
        fs::remove_file(root).unwrap();
    }
}
