//! The rules, by the numbers that ARCHITECTURE.md gives them.

use super::paths::{Path, paths_in};
use std::fmt;

/// The rooms where requests, mail and workers come in.
const EDGES: [&str; 7] = ["web", "api", "smtp", "delivery", "webhooks", "billing", "tracking"];

/// A rule that a file breaks.
#[derive(Debug, PartialEq)]
pub struct Broken {
    /// The rule's number.
    pub rule: u8,
    file: String,
    path: String,
    why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{} names {}: {} (rule {})", self.file, self.path, self.why, self.rule)
    }
}

/// Every rule that `file` (below `src/`) breaks with what it names. A file of tests alone breaks none.
pub fn broken_rules(file: &str, source: &str) -> Vec<Broken> {
    if file.ends_with("tests.rs") {
        return Vec::new();
    }
    let module = module_of(file);
    let room = module.first().cloned().unwrap_or_default();
    let mut broken = Vec::new();
    for path in paths_in(source) {
        let broken_here = match target_room(&module, &path) {
            Some(target) => between_rooms(&room, &target),
            None => outside_crates(&room, file, &path),
        };
        let backend = names_a_backend(&path) && room != "models";
        let backend = backend.then(|| (8, "only models tells one database from the other".to_owned()));
        let named = path.join("::");
        let new = |(rule, why)| Broken { rule, file: file.to_owned(), path: named.clone(), why };
        broken.extend(broken_here.into_iter().chain(backend).map(new));
    }
    broken
}

/// `web/session.rs` and `web/session/mod.rs` are both `web::session`; the crate's root is empty.
fn module_of(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|part| !["lib", "main", "mod"].contains(part)).map(str::to_owned).collect()
}

/// The room of this program that the path leads to; none when it leads out of the program or stays a local name.
fn target_room(module: &[String], path: &Path) -> Option<String> {
    let ups = path.iter().take_while(|word| *word == "super").count();
    match path.first()?.as_str() {
        "crate" | "canopy" => path.get(1).cloned(),
        "super" if ups >= module.len() => path.get(ups).cloned(),
        "super" | "self" => module.first().cloned(),
        _ => None,
    }
}

/// Rules 1 and 2: the way down, and no way sideways.
fn between_rooms(room: &str, target: &str) -> Option<(u8, String)> {
    let edge = |name: &str| EDGES.contains(&name);
    if room == target || room.is_empty() || target == "self" {
        return None;
    }
    if edge(room) && edge(target) {
        return Some((2, format!("{room} and {target} are both edges: what they share moves down into actions")));
    }
    let above = |names: &[&str]| names.contains(&target) || (names.contains(&"edges") && edge(target));
    let wrong = match room {
        "domain" => true,
        "models" => above(&["actions", "edges", "cli", "app"]),
        "actions" => above(&["edges", "cli"]),
        _ if edge(room) => target == "cli",
        _ => false,
    };
    wrong.then(|| (1, format!("{room} lies below {target} and may not call up or out")))
}

/// Rules 3 and 4: which crates are whose.
fn outside_crates(room: &str, file: &str, path: &Path) -> Option<(u8, String)> {
    let first = path.first()?.as_str();
    let only_names_a_result = path.get(1).is_some_and(|word| word == "result" || word == "QueryResult");
    match first {
        "diesel" | "diesel_migrations" if room != "models" && (room == "domain" || !only_names_a_result) => {
            Some((3, "only models runs diesel".to_owned()))
        }
        _ if first.starts_with("actix_") => {
            let serves = file == "cli/serve.rs" || file.starts_with("cli/serve/");
            let may = ["web", "api", "tracking", "telemetry"].contains(&room) || serves;
            (!may).then(|| (4, "actix belongs to web, api, tracking, telemetry and cli/serve".to_owned()))
        }
        "askama" => {
            let may = ["web", "billing", "emails"].contains(&room);
            (!may).then(|| (4, "askama belongs to web, billing and the templates of mail".to_owned()))
        }
        _ => None,
    }
}

fn names_a_backend(path: &Path) -> bool {
    path.windows(2).any(|pair| pair[0] == "AnyConnection" && ["Pg", "Sqlite"].contains(&pair[1].as_str()))
}

/// How many times a source takes one way for PostgreSQL and another for SQLite: patterns on the PostgreSQL variant.
pub fn backend_matches(source: &str) -> usize {
    let pattern = |after: &str| {
        let after = after.trim_start();
        let inside = after.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let next = inside.map(|(_, rest)| rest.trim_start_matches([')', ' ', '\n']));
        next.is_some_and(|rest| rest.starts_with("=>") || rest.starts_with('=') || rest.starts_with("if "))
    };
    source.split("AnyConnection::Pg").skip(1).filter(|after| pattern(after)).count()
}

#[cfg(test)]
mod tests {
    use super::{backend_matches, broken_rules};

    fn rules(file: &str, source: &str) -> Vec<u8> {
        broken_rules(file, source).iter().map(|broken| broken.rule).collect()
    }

    #[test]
    fn a_planted_violation_of_each_rule_is_found() {
        assert_eq!(rules("models/a.rs", "use crate::actions::x;"), [1]);
        assert_eq!(rules("actions/a.rs", "fn f() { crate::web::forms::x() }"), [1]);
        assert_eq!(rules("domain/a.rs", "use super::super::models;"), [1]);
        assert_eq!(rules("delivery/mod.rs", "use super::cli;"), [1]);
        assert_eq!(rules("web/a/b.rs", "use crate::{actions::x, api::views};"), [2]);
        assert_eq!(rules("actions/a.rs", "use diesel::prelude::*;"), [3]);
        assert_eq!(rules("domain/a.rs", "#[derive(diesel::Queryable)] struct X;"), [3]);
        assert_eq!(rules("cli/migrate.rs", "use diesel_migrations::MigrationHarness;"), [3]);
        assert_eq!(rules("actions/a.rs", "use actix_web::HttpResponse;"), [4]);
        assert_eq!(rules("cli/demo.rs", "actix_web::HttpServer::new(x)"), [4]);
        assert_eq!(rules("api/a.rs", "use askama::Template;"), [4]);
        assert_eq!(rules("actions/a.rs", "if let AnyConnection::Pg(c) = c {}"), [8]);
    }

    #[test]
    fn what_the_architecture_allows_is_not_held_against_anyone() {
        assert!(rules("web/a.rs", "use crate::{actions, models, domain, web}; use super::forms;").is_empty());
        assert!(rules("cli/serve.rs", "use actix_web::App; use crate::web; use crate::api;").is_empty());
        assert!(rules("models/a.rs", "use diesel::prelude::*; match c { AnyConnection::Pg(c) => 1 }").is_empty());
        assert!(
            rules("actions/error.rs", "use diesel::result::Error; fn f() -> diesel::QueryResult<()> {}").is_empty()
        );
        assert!(rules("domain/a/b.rs", "use super::super::ids::Id; use super::c; use crate::domain::d;").is_empty());
        assert!(rules("lib.rs", "use crate::web;").is_empty());
        assert!(rules("emails.rs", "use askama::Template;").is_empty());
        assert!(rules("delivery/dkim_tests.rs", "use crate::web::x;").is_empty());
    }

    #[test]
    fn a_broken_rule_says_where_what_and_why() {
        let said = broken_rules("models/a.rs", "use crate::web::x;")[0].to_string();
        assert_eq!(
            said,
            "src/models/a.rs names crate::web::x: models lies below web and may not call up or out (rule 1)"
        );
    }

    #[test]
    fn each_choice_between_the_databases_counts_once() {
        let source = "match c { AnyConnection::Pg(c) => 1, AnyConnection::Sqlite(c) => 2 }
            if let Some(AnyConnection::Pg(c)) = c {} Ok(AnyConnection::Pg(connection))";
        assert_eq!(backend_matches(source), 2);
    }
}
