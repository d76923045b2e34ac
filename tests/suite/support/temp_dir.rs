//! A folder of its own for one test, removed with everything in it.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Removed on drop.
pub struct TempDir(PathBuf);

impl TempDir {
    /// A new empty folder under the system's place for such.
    pub fn new() -> Self {
        let path = env::temp_dir().join(format!("canopy-test-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A browser that is just ending may still write: what is left then lies in the system's temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}
