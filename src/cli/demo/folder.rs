//! The demo's folder: its database, and a file with its key and sign-ins that only its owner may read.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::actions::Services;
use crate::domain::destination::Destinations;
use crate::models::bulk;
use crate::models::connection::OpenError;
use crate::models::families::Families;
use crate::models::held::Shelves;
use crate::secrets::SecretKeys;
use crate::seed::{self, SignIns, Wish};

const DATABASE: &str = "canopy.db";
/// A database that is being filled: worthless when a start was cut off.
const UNFINISHED: &str = "unfinished.db";
const SIGN_INS: &str = "sign-ins.json";

type Failed = Box<dyn std::error::Error>;

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    /// What seals the database's secrets.
    pub secret_key: String,
    pub wish: Wish,
    #[serde(flatten)]
    pub sign_ins: SignIns,
}

pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// A sentence when it cannot be made.
    pub fn at(path: &Path) -> Result<Self, Failed> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| format!("cannot create {}: {error}", path.display()))?;
        let path = path.canonicalize().map_err(|error| format!("cannot use {}: {error}", path.display()))?;
        Ok(Self(path))
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    #[must_use]
    pub fn mailbox(&self) -> PathBuf {
        self.0.join("mailbox")
    }

    #[must_use]
    pub fn sign_ins(&self) -> PathBuf {
        self.0.join(SIGN_INS)
    }

    #[must_use]
    pub fn database_url(&self) -> String {
        format!("sqlite://{}", self.0.join(DATABASE).display())
    }

    /// What an earlier start left, or a freshly seeded database.
    ///
    /// # Errors
    /// A sentence for a folder that cannot be used.
    pub fn open_or_seed(&self, wish: &Wish, now: DateTime<Utc>) -> Result<Kept, Failed> {
        if !self.0.join(DATABASE).exists() {
            return self.seed(wish, now);
        }
        let path = self.sign_ins();
        let text = fs::read_to_string(&path).map_err(|error| {
            let (folder, path) = (self.0.display(), path.display());
            format!("{folder} holds a database, but {path} with its key cannot be read ({error}). Delete the folder to begin anew, or choose another with --data.")
        })?;
        serde_json::from_str(&text).map_err(|error| format!("{} is damaged: {error}", path.display()).into())
    }

    /// Fills a database aside and moves it into place last, so that a start that was cut off leaves none.
    fn seed(&self, wish: &Wish, now: DateTime<Utc>) -> Result<Kept, Failed> {
        let unfinished = self.0.join(UNFINISHED);
        for leftover in ["", "-wal", "-shm", "-journal"] {
            let path = self.0.join(format!("{UNFINISHED}{leftover}"));
            if path.exists() {
                fs::remove_file(&path).map_err(|error| format!("cannot remove {}: {error}", path.display()))?;
            }
        }
        let (secrets, secret_key) = SecretKeys::generate();
        let services = Services {
            secrets: secrets.into(),
            public_url: String::new(),
            destinations: Destinations::default(),
            families: Families::default(),
            shelves: Shelves::of(100_000),
        };
        let sign_ins = bulk::fill(&unfinished.to_string_lossy(), |conn| {
            seed::fill(conn, &services, wish, now).map_err(|error| OpenError(error.to_string()))
        })?;
        let kept = Kept { secret_key, wish: *wish, sign_ins };
        self.keep(&kept)?;
        fs::rename(&unfinished, self.0.join(DATABASE))?;
        Ok(kept)
    }

    fn keep(&self, kept: &Kept) -> Result<(), Failed> {
        let path = self.sign_ins();
        let aside = path.with_extension("new");
        let _ = fs::remove_file(&aside);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.write_all(&serde_json::to_vec_pretty(kept)?)?;
        file.sync_all()?;
        fs::rename(aside, path)?;
        Ok(())
    }
}
