//! Holds the rules between rooms that ARCHITECTURE.md states, by what each source file names.

mod dependencies;
mod paths;
mod rules;

use rules::{Broken, backend_matches, broken_rules};
use std::fs;
use std::path::{Path, PathBuf};

/// More named seams than this, and the two databases are no longer one.
const BACKEND_MATCHES: usize = 10;

/// The connection itself is the first seam, whatever it takes to open one and to carry statements to it.
const CONNECTION: [&str; 2] = ["models/connection.rs", "models/portable.rs"];

#[test]
fn no_room_reaches_where_the_architecture_says_it_may_not() {
    let broken: Vec<Broken> = sources().iter().flat_map(|(file, text)| broken_rules(file, text)).collect();
    let listed: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(listed.is_empty(), "{} broken rules:\n{}", listed.len(), listed.join("\n"));
}

#[test]
fn the_database_backend_is_matched_in_fewer_than_ten_places() {
    let counted = sources().into_iter().map(|(file, text)| (backend_matches(&text), file));
    let places: Vec<_> = counted.filter(|(count, file)| *count > 0 && !CONNECTION.contains(&file.as_str())).collect();
    let total: usize = places.iter().map(|(count, _)| count).sum();
    assert!(total < BACKEND_MATCHES, "{total} matches on the backend: {places:?} (rule 8)");
}

/// Every source of the program: its path below `src/`, and its text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut waiting: Vec<PathBuf> = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(found.len() > 5, "the sources are where they were");
    found
}
