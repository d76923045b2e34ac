//! Where the tools of the tests are: a `CANOPY_TEST_*` variable, else the usual places of this machine.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the package.
pub fn package_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// True where a missing tool is a failure rather than a reason to skip.
pub fn strict() -> bool {
    env::var("CANOPY_TEST_STRICT").is_ok_and(|value| value == "1")
}

/// Passes `found` on. What is missing fails the test in a strict run; elsewhere the test is told to skip.
pub fn need<T>(what: &str, found: Option<T>) -> Option<T> {
    assert!(found.is_some() || !strict(), "{what} is missing: run the tests with bin/test");
    if found.is_none() {
        eprintln!("skipped: {what} is missing; bin/test installs and starts it");
    }
    found
}

/// A program or file: named by `variable`, else the first of `places` that exists (relative to the package).
pub fn tool(variable: &str, places: &[&str]) -> Option<PathBuf> {
    if let Some(named) = env::var_os(variable).filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(named));
    }
    places.iter().map(|place| package_root().join(place)).find(|place| place.exists())
}

/// The interpreter of the virtual environment that `bin/test` makes.
pub fn python() -> Option<PathBuf> {
    need("the Python helpers' environment", tool("CANOPY_TEST_PYTHON", &["target/test-venv/bin/python"]))
}

/// A helper script of the tests, by its file name.
pub fn helper_script(name: &str) -> PathBuf {
    package_root().join("tests/support").join(name)
}

/// A number that an environment variable says, as `bin/soak` sets them.
pub fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
