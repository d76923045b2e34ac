//! The dashboard's routes, read from the text of its route tables: an address that is mounted is an address here.

use std::path::{Path, PathBuf};

use crate::support::environment::package_root;

/// One method at one address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub method: &'static str,
    pub path: String,
}

/// Every (method, address) of the dashboard.
pub fn dashboard() -> Vec<Route> {
    let mut files = Vec::new();
    find(&package_root().join("src/web"), &mut files);
    assert!(files.len() >= 2, "{files:?}");
    let mut all: Vec<Route> = files.iter().flat_map(|file| of_file(file)).collect();
    all.sort();
    all.dedup();
    all
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            find(&path, files);
        } else if path.file_name().is_some_and(|name| name == "routes.rs") {
            files.push(path);
        }
    }
}

/// How an address is written, and what stands before it.
const FORMS: [(&str, &[&str]); 4] = [
    ("page(\"", &[""]),
    ("both(config, \"", &["/account", "/sub-accounts/{id}"]),
    ("everywhere(config, \"", &["/settings", "/account", "/sub-accounts/{id}"]),
    ("at(\"", &["/account/domains", "/sub-accounts/{id}/domains"]),
];

fn of_file(file: &Path) -> Vec<Route> {
    let text = std::fs::read_to_string(file).expect("a source file");
    // The helpers below the table take and give methods, too: they are no addresses.
    let text = text
        .split("\nstruct Page")
        .next()
        .unwrap_or_default()
        .split("\npub(super) struct Page")
        .next()
        .unwrap_or_default();
    let mut starts: Vec<(usize, usize, &[&str])> = FORMS
        .iter()
        .flat_map(|(form, bases)| text.match_indices(form).map(|(at, form)| (at, at + form.len(), *bases)))
        .filter(|(at, ..)| !text[..*at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
        .collect();
    starts.sort_unstable();
    let mut routes = Vec::new();
    for (index, (_, from, bases)) in starts.iter().enumerate() {
        let to = starts.get(index + 1).map_or(text.len(), |next| next.0);
        let chunk = &text[*from..to];
        let (rest, calls) = chunk.split_once('"').expect("an address ends");
        for (call, method) in [(".get(", "GET"), (".post(", "POST")] {
            if calls.contains(call) {
                routes.extend(bases.iter().map(|base| Route { method, path: format!("{base}{rest}") }));
            }
        }
    }
    assert!(!routes.is_empty(), "{} has no address that these tests can read", file.display());
    // The files are mounted in a scope of their own.
    routes.iter_mut().filter(|route| route.path == "/{path:.*}").for_each(|route| route.path.insert_str(0, "/static"));
    routes
}

#[test]
fn the_addresses_that_everybody_knows_are_among_those_that_were_read() {
    let all = dashboard();
    for path in
        ["/", "/sub-accounts", "/sub-accounts/{id}", "/usage", "/activity", "/settings", "/account/domains/{domain}"]
    {
        assert!(all.contains(&Route { method: "GET", path: path.into() }), "{path}: {all:?}");
    }
    assert!(all.len() > 80, "{}", all.len());
}
