//! The database: whether it answers, speaks this version's schema, keeps what it promised, and agrees on the time.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::{Finding, Subject};
use crate::actions::roll_periods;
use crate::domain::ids::Id;
use crate::models::connection::Backend;
use crate::models::{Db, durability, migrate};

/// Clocks this far apart are told.
const APART: TimeDelta = TimeDelta::seconds(2);
/// Clocks this far apart break leases and schedules.
const FAR_APART: TimeDelta = TimeDelta::seconds(15);

/// Everything about it.
pub async fn findings(subject: &Subject) -> Vec<Finding> {
    let db = match &subject.db {
        Ok(db) => Arc::clone(db),
        Err(why) => return vec![unreachable(why)],
    };
    let now = subject.now;
    let looked = tokio::task::spawn_blocking(move || look(&db, now)).await;
    looked.unwrap_or_else(|error| vec![unreachable(&error.to_string())])
}

fn unreachable(why: &str) -> Finding {
    if why.contains("malformed") || why.contains("not a database") {
        let advice = "Stop the program, keep a copy of the files as they are, and restore the newest backup that passes this check.";
        return Finding::fail("database", "The database is damaged.", advice).because(why);
    }
    let advice = "See that the server runs, and that database_url (CANOPY_DATABASE_URL) names it and a user who may sign in; for SQLite, that the file is there: `canopy migrate` makes it.";
    Finding::fail("database", "The database does not answer.", advice).because(why)
}

fn look(db: &Db, now: DateTime<Utc>) -> Vec<Finding> {
    let kind = match db.backend() {
        Backend::Postgres => "PostgreSQL",
        Backend::Sqlite => "SQLite",
    };
    let read = match db.write(|conn| durability::read(conn, db.backend())) {
        Ok(read) => read,
        Err(error) => return vec![unreachable(&error.to_string())],
    };
    let mut all = vec![Finding::ok("database", format!("{kind} answers.")), schema(db), durability(&read.settings)];
    all.extend(read.language.as_deref().and_then(language));
    all.push(match db.read(durability::newest) {
        Ok(newest) => clock(now, read.time, newest),
        Err(error) => Finding::skip("clock", "It is compared once the schema is there.").because(error),
    });
    // Without a schema there are no periods, which is said above.
    all.extend(db.read(|conn| roll_periods::far_beyond(conn, now)).ok().and_then(|open| periods(now, &open)));
    all
}

/// Billing periods that are not closed, because the clock is so far beyond them.
fn periods(now: DateTime<Utc>, open: &[(Id, NaiveDateTime)]) -> Option<Finding> {
    let (_, ended) = open.first()?;
    let days = (now.naive_utc() - *ended).num_days();
    Some(Finding::fail(
        "billing periods",
        format!("The newest one ended {days} days ago by this clock: it stays open, and what is sent counts in it."),
        "Set the clock, if it is wrong. If the installation was away for so long, `canopy accept-clock` closes the periods up to now.",
    ))
}

fn schema(db: &Db) -> Finding {
    match migrate::state(db) {
        Ok(state) if !state.unknown.is_empty() => Finding::fail(
            "schema",
            format!("The database was written by a newer version: it has {}.", state.unknown.join(", ")),
            "Start that version, or restore a backup made before it.",
        ),
        Ok(state) if state.pending > 0 => Finding::fail(
            "schema",
            match state.pending {
                1 => "1 migration has not run.".to_owned(),
                many => format!("{many} migrations have not run."),
            },
            "`canopy migrate` runs them, and so does the next start of `canopy serve`.",
        ),
        Ok(_) => Finding::ok("schema", "The schema is that of this version."),
        Err(error) => {
            Finding::fail("schema", "There is no schema that can be read.", "`canopy migrate` makes it.").because(error)
        }
    }
}

/// Why a server refused is known from its words, as far as they are English: the program asks for them and may not get
/// them where it signs in as an ordinary user.
fn language(language: &str) -> Option<Finding> {
    let english = language.is_empty() || language.starts_with("C") || language.starts_with("en");
    (!english && language != "POSIX").then(|| {
        Finding::warn(
            "database language",
            format!("PostgreSQL writes its messages in {language}: a full disk is recognised by English words only."),
            "ALTER ROLE ... SET lc_messages = 'C', for the user that database_url names, by a superuser.",
        )
    })
}

/// A setting, and what it is in the session that asks and without that session's own wishes.
pub type Setting = (String, String, String);

/// Whether what was committed is there after a loss of power.
pub fn durability(settings: &[Setting]) -> Finding {
    let name = "durability";
    let is = |setting: &Setting, wanted: &str| match (setting.0.as_str(), setting.1.as_str()) {
        // 2 is FULL, 3 is EXTRA.
        ("synchronous", value) => matches!(value, "2" | "3"),
        // More than `on` is as good.
        ("synchronous_commit", value) => matches!(value, "on" | "remote_apply"),
        (_, value) => value.eq_ignore_ascii_case(wanted),
    };
    let wanted = |setting: &Setting| if setting.0 == "journal_mode" { "wal" } else { "on" };
    let wrong: Vec<String> = settings
        .iter()
        .filter(|setting| !is(setting, wanted(setting)))
        .map(|(name, value, _)| format!("{name} is {value}"))
        .collect();
    if !wrong.is_empty() {
        let advice = "Turn it on in the server's configuration (for SQLite: put the file on a local disk). Until then a loss of power loses mail that was accepted, or the whole database.";
        return Finding::fail(name, format!("{}.", wrong.join(", ")), advice);
    }
    let lax = settings.iter().find(|(name, _, otherwise)| name == "synchronous_commit" && otherwise == "off");
    if lax.is_some() {
        let found = "synchronous_commit is off for this database; Canopy turns it on for its own connections.";
        return Finding::warn(
            name,
            found,
            "ALTER DATABASE ... RESET synchronous_commit, for all that write beside it.",
        );
    }
    let all: Vec<String> = settings.iter().map(|(name, value, _)| format!("{name} {value}")).collect();
    Finding::ok(name, format!("What was committed stays: {}.", all.join(", ")))
}

/// The program's clock against the database's, where that has one, and against what was written before.
fn clock(now: DateTime<Utc>, theirs: Option<DateTime<Utc>>, newest: Option<DateTime<Utc>>) -> Finding {
    let advice =
        "Let this machine keep its time by NTP (chrony, systemd-timesyncd): leases, schedules and periods go by it.";
    if let Some(newest) = newest.filter(|newest| *newest - now > APART) {
        let seconds = (newest - now).num_seconds();
        return Finding::fail(
            "clock",
            format!("It runs {seconds} s behind a message that is written already."),
            advice,
        );
    }
    let Some(theirs) = theirs else { return Finding::ok("clock", "It is not behind what was written.") };
    let apart = (theirs - now).abs();
    let found = format!("It is {} ms from the database's.", apart.num_milliseconds());
    if apart > FAR_APART {
        return Finding::fail("clock", found, advice);
    }
    if apart > APART { Finding::warn("clock", found, advice) } else { Finding::ok("clock", found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn with(pairs: &[(&str, &str, &str)]) -> Finding {
        let settings: Vec<Setting> = pairs
            .iter()
            .map(|(name, value, otherwise)| ((*name).into(), (*value).into(), (*otherwise).into()))
            .collect();
        durability(&settings)
    }

    #[test]
    fn a_database_that_may_lose_what_it_promised_fails_and_the_setting_is_named() {
        let postgres = |fsync, commit, pages, otherwise| {
            with(&[
                ("fsync", fsync, fsync),
                ("synchronous_commit", commit, otherwise),
                ("full_page_writes", pages, pages),
            ])
        };
        assert_eq!(postgres("on", "on", "on", "on").verdict, Verdict::Ok);
        assert_eq!(postgres("on", "on", "on", "off").verdict, Verdict::Warn);
        for (finding, named) in [
            (postgres("off", "on", "on", "on"), "fsync is off"),
            (postgres("on", "off", "on", "on"), "synchronous_commit is off"),
            (postgres("on", "local", "on", "on"), "synchronous_commit is local"),
            (postgres("on", "on", "off", "on"), "full_page_writes is off"),
            (with(&[("journal_mode", "delete", ""), ("synchronous", "2", "")]), "journal_mode is delete"),
            (with(&[("journal_mode", "wal", ""), ("synchronous", "1", "")]), "synchronous is 1"),
        ] {
            assert_eq!(finding.verdict, Verdict::Fail, "{named}");
            assert!(finding.found.contains(named), "{finding:?}");
        }
    }

    #[test]
    fn messages_in_another_language_are_told_and_english_ones_are_not() {
        for english in ["C", "C.UTF-8", "POSIX", "en_US.UTF-8", ""] {
            assert_eq!(language(english), None, "{english}");
        }
        assert!(language("de_DE.UTF-8").is_some_and(|finding| finding.found.contains("de_DE.UTF-8")));
    }

    #[test]
    fn a_clock_is_judged_by_the_databases_and_by_what_was_written() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let away = |seconds| Some(now + TimeDelta::seconds(seconds));
        for (theirs, newest, verdict) in [
            (away(0), away(-5), Verdict::Ok),
            (None, None, Verdict::Ok),
            (away(5), None, Verdict::Warn),
            (away(-60), None, Verdict::Fail),
            (away(0), away(60), Verdict::Fail),
            (None, away(3), Verdict::Fail),
        ] {
            assert_eq!(clock(now, theirs, newest).verdict, verdict, "{theirs:?} {newest:?}");
        }
    }
}
