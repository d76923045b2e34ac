//! docs/PROOFS.md tells the truth: every test that it names is there, and every soak that it names can be run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::environment::package_root;

fn read(path: &str) -> String {
    fs::read_to_string(package_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every function of the sources below `folder` that is marked as a test.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources are there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("a source file");
            let marked = text.split("test]\n").chain(text.split("test(")).skip(1);
            let named = marked.filter_map(|rest| rest.split_once("fn ")).filter_map(|(_, rest)| rest.split('(').next());
            found.extend(named.map(str::to_owned));
        }
    }
}

/// What stands between backticks in the lines of the table.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| line.starts_with("| ")).flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_test_and_every_soak_that_the_proofs_name_is_there() {
    let page = read("docs/PROOFS.md");
    let mut there = BTreeSet::new();
    for folder in ["src", "tests/suite"] {
        tests(&package_root().join(folder), &mut there);
    }
    let named: Vec<&str> = quoted(&page).filter(|name| name.contains('_')).collect();
    let missing: Vec<_> = named.iter().filter(|name| !there.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(named.len() > 50, "{}", named.len());
    let soak = read("bin/soak");
    let list = soak.lines().find_map(|line| line.strip_prefix("proofs=(")).expect("a list");
    let soaks: BTreeSet<&str> = list.trim_end_matches(')').split_whitespace().collect();
    let told: BTreeSet<&str> = quoted(&page).filter(|name| name.bytes().all(|b| b.is_ascii_lowercase())).collect();
    assert_eq!(told, soaks, "the page and bin/soak name the same proofs");
}

#[test]
fn there_is_a_line_for_each_proof_and_the_readme_leads_to_them() {
    let page = read("docs/PROOFS.md");
    let numbers: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()).collect();
    let all: Vec<String> = (1..=24).map(|number| number.to_string()).collect();
    assert_eq!(
        numbers.into_iter().filter(|cell| !cell.is_empty() && *cell != "| What is shown").collect::<Vec<_>>(),
        all
    );
    assert!(read("README.md").contains("(docs/PROOFS.md)"));
}
