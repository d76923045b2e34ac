//! Whether the database's files are whole. For `canopy check` alone: it reads all of them, which no page waits for.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Finding, Subject};
use crate::models::Db;
use crate::models::connection::Backend;
use crate::models::integrity::{self, Checksums, Depth};

const NAME: &str = "integrity";
const RESTORE: &str =
    "Stop the program, keep a copy of the files as they are, and restore the newest backup that passes this check.";
const ON_DEMAND: &str = "`canopy check --integrity` takes as long as it needs.";

/// How a quick look is bounded: about 30 GiB of a SQLite file on a disk that reads 500 MiB a second.
pub const QUICK: Duration = Duration::from_mins(1);

/// What is damaged, as far as was asked for.
pub async fn findings(subject: &Subject) -> Vec<Finding> {
    let (Some(depth), Ok(db)) = (subject.integrity, &subject.db) else { return Vec::new() };
    let db = Arc::clone(db);
    let looking = tokio::task::spawn_blocking(move || look(&db, depth));
    let looked = match depth {
        Depth::Quick => timeout(QUICK, looking).await.ok(),
        Depth::Full => Some(looking.await),
    };
    match looked {
        Some(Ok(findings)) => findings,
        Some(Err(error)) => vec![damaged(&error.to_string())],
        None => {
            let found = format!("It could not be read to its end within {} s.", QUICK.as_secs());
            vec![Finding::warn(NAME, found, ON_DEMAND)]
        }
    }
}

fn damaged(problem: &str) -> Finding {
    Finding::fail(NAME, "The database is damaged.", RESTORE).because(problem)
}

fn look(db: &Db, depth: Depth) -> Vec<Finding> {
    match db.backend() {
        Backend::Sqlite => vec![file(db, depth)],
        Backend::Postgres => server(db, depth),
    }
}

fn file(db: &Db, depth: Depth) -> Finding {
    match db.read(|conn| integrity::of_file(conn, depth)) {
        Ok(problems) if problems.is_empty() => Finding::ok(
            NAME,
            match depth {
                Depth::Quick => "Every page of the file was read and is sound.",
                Depth::Full => "Every page of the file was read and is sound, and every index has what its table has.",
            },
        ),
        Ok(problems) => damaged(&problems.join("; ")),
        Err(error) => damaged(&error.to_string()),
    }
}

/// A server looks at its pages itself, when it reads them and where it was told to; `amcheck` looks on demand.
fn server(db: &Db, depth: Depth) -> Vec<Finding> {
    let known = match db.read(integrity::checksums) {
        Ok(known) => known,
        Err(error) => return vec![Finding::skip(NAME, "The server did not say.").because(error)],
    };
    let mut all = vec![checksums(&known)];
    if depth == Depth::Full {
        all.push(match known.amcheck {
            true => amcheck(db),
            false => Finding::skip(
                "amcheck",
                "The extension that looks into tables and indexes is not there: a superuser \
                makes it by CREATE EXTENSION amcheck. pg_amcheck and a restored backup show the same.",
            ),
        });
    }
    all
}

fn checksums(known: &Checksums) -> Finding {
    match known {
        Checksums { failures: 1.., .. } => {
            let found = format!("PostgreSQL found {} damaged pages of this database.", known.failures);
            Finding::fail(NAME, found, "Restore from a backup or a replica; its log names the files.")
        }
        Checksums { on: false, .. } => Finding::warn(
            NAME,
            "PostgreSQL keeps no checksums: a page that the disk changed is not noticed.",
            "pg_checksums --enable turns them on while the server is stopped.",
        ),
        _ => Finding::ok(NAME, "PostgreSQL keeps checksums, and no page that it read was damaged."),
    }
}

fn amcheck(db: &Db) -> Finding {
    let all = match db.read(integrity::amchecks) {
        Ok(all) => all,
        Err(error) => return Finding::skip("amcheck", "The server did not say what there is.").because(error),
    };
    let mut problems = Vec::new();
    for (name, sql) in &all {
        match db.read(|conn| integrity::amcheck(conn, sql)) {
            Ok(found) => problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}"))),
            Err(error) if error.to_string().contains("permission denied") => {
                let found = "The program's user may not use it: only a superuser, or who was granted EXECUTE.";
                return Finding::skip("amcheck", found);
            }
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    if problems.is_empty() {
        return Finding::ok("amcheck", format!("{} tables and indexes were read and are sound.", all.len()));
    }
    Finding::fail("amcheck", "Tables or indexes are damaged.", RESTORE).because(problems.join("; "))
}
