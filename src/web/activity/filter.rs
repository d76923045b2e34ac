//! What a list of activity is narrowed by, from its address: the same for the page and its export.

use chrono::{Days, NaiveDateTime};
use serde::Deserialize;

use super::hidden;
use super::sentence::KINDS;
use crate::domain::ids::Id;
use crate::domain::instants;
use crate::domain::period::midnight;
use crate::domain::role::Permission;
use crate::domain::search_words::SearchWords;
use crate::models::audit::Filter;
use crate::models::{AnyConnection, accounts};
use crate::web::acting::Acting;

/// Accounts that a name may stand for; more are cut off.
const MATCHES: i64 = 200;

/// The address's query.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ActivityQuery {
    /// The beginning of an action, one of `KINDS`.
    pub kind: String,
    /// A part of an actor's name.
    pub who: String,
    /// A part of an account's name, or its id.
    pub account: String,
    /// First day, `2026-11-01`.
    pub from: String,
    /// Last day.
    pub to: String,
    pub older: Option<String>,
    pub newer: Option<String>,
}

impl ActivityQuery {
    /// Without spaces around, and without what is no kind or no day.
    #[must_use]
    pub fn tidy(self) -> Self {
        let kind = KINDS.iter().find(|(prefix, _)| *prefix == self.kind).map_or("", |(prefix, _)| prefix);
        let day = |text: &str| instants::day(text).map(|day| day.to_string()).unwrap_or_default();
        Self {
            kind: kind.to_owned(),
            who: self.who.trim().to_owned(),
            account: self.account.trim().to_owned(),
            from: day(&self.from),
            to: day(&self.to),
            ..self
        }
    }

    /// Names and values, to write addresses that keep them.
    #[must_use]
    pub fn pairs(&self) -> [(&str, &str); 5] {
        [
            ("kind", self.kind.as_str()),
            ("who", self.who.as_str()),
            ("account", self.account.as_str()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
        ]
    }

    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    /// As the model takes it; accounts are looked up by `resolve`.
    #[must_use]
    pub fn filter(&self, acting: &Acting) -> Filter {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Filter {
            action_prefix: some(&self.kind),
            actor: SearchWords::cut(&self.who),
            from: self.instant(&self.from, 0, acting),
            to: self.instant(&self.to, 1, acting).map(|end| end - chrono::TimeDelta::microseconds(1)),
            hidden: hidden::in_lists(acting.may(Permission::ViewCost)),
            ..Filter::default()
        }
    }

    /// The first instant of a day of the account's zone, or of one after it.
    fn instant(&self, day: &str, after: u64, acting: &Acting) -> Option<NaiveDateTime> {
        let day = instants::day(day).ok()?.checked_add_days(Days::new(after))?;
        Some(midnight(acting.time_zone(), day).naive_utc())
    }
}

/// Narrows `filter` to the accounts of `root`'s family that `text` names.
///
/// # Errors
/// Only the database's.
pub fn resolve(conn: &mut AnyConnection, root: Id, text: &str, filter: &mut Filter) -> diesel::QueryResult<()> {
    if text.is_empty() {
        return Ok(());
    }
    match text.parse::<Id>() {
        // The chain is the parent's own: an id of somebody else's account finds nothing in it.
        Ok(id) => filter.account_id = Some(id),
        Err(_) => {
            let found = SearchWords::cut(text).map(|words| accounts::of_family_named(conn, root, &words, MATCHES));
            filter.among = Some(found.transpose()?.unwrap_or_default());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kind_or_no_day_narrows_nothing() {
        let asked = ActivityQuery { kind: "x' OR".into(), from: "soon".into(), ..ActivityQuery::default() };
        assert!(!asked.tidy().is_narrow());
        let asked =
            ActivityQuery { kind: "plan.".into(), to: " 2026-11-01 ".into(), ..ActivityQuery::default() }.tidy();
        assert_eq!((asked.kind.as_str(), asked.to.as_str()), ("plan.", "2026-11-01"));
    }
}
