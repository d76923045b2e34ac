//! What a list may be narrowed by, each as SQL twice: as the source of its accounts, and as a test of a row.

use chrono::NaiveDateTime;

use super::sql::{Bind, Dialect, Sql};
use crate::domain::ids::Id;
use crate::domain::search_words::{SearchWords, literal};

/// By hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HoldFilter {
    /// Every live account.
    #[default]
    Any,
    Active,
    Suspended,
    /// Deleted, and not too long ago to be undeleted.
    Deleted,
}

/// By cap: another thing than being on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CapFilter {
    #[default]
    Any,
    Near,
    At,
    NoCap,
}

/// By how recipients' servers and people react.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    #[default]
    Any,
    /// More than 2 % of the period's messages bounced.
    HighBounce,
    /// More than 0.1 % were complained about.
    HighComplaint,
}

/// Bounces per million above which a rate is high.
pub const HIGH_BOUNCE_PPM: i64 = 20_000;
/// Complaints per million above which a rate is high.
pub const HIGH_COMPLAINT_PPM: i64 = 1_000;

/// What the list is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    pub hold: HoldFilter,
    pub cap: CapFilter,
    pub health: Health,
    pub tag: Option<String>,
    /// Words of a name, website, external id, domain or id.
    pub search: String,
}

/// One narrowing: `source` selects the ids that pass, `test` asks it of the row `s`.
pub(super) struct Part {
    pub source: Sql,
    pub test: Sql,
}

impl Filter {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The words that are searched for, lower case.
    fn words(&self) -> Vec<String> {
        let words = SearchWords::cut(&self.search).map(|words| words.lower());
        words.iter().flat_map(|words| words.as_str().split_whitespace()).take(8).map(str::to_owned).collect()
    }

    pub(super) fn parts(&self, parent: Id, deleted_since: NaiveDateTime, dialect: Dialect) -> Vec<Part> {
        let mut parts = Vec::new();
        parts.extend(self.hold_part(parent, deleted_since, dialect));
        let cap = match self.cap {
            CapFilter::Any => None,
            CapFilter::Near => Some("near"),
            CapFilter::At => Some("at"),
            CapFilter::NoCap => Some("no-cap"),
        };
        parts.extend(cap.map(|word| column(parent, "cap_state", "=", Bind::Text(word.into()), dialect)));
        parts.extend(match self.health {
            Health::Any => None,
            Health::HighBounce => Some(column(parent, "bounce_ppm", ">", Bind::Int(HIGH_BOUNCE_PPM), dialect)),
            Health::HighComplaint => Some(column(parent, "complaint_ppm", ">", Bind::Int(HIGH_COMPLAINT_PPM), dialect)),
        });
        parts.extend(self.tag.as_ref().map(|tag| tagged(parent, tag)));
        parts.extend(search(parent, &self.words(), dialect));
        parts
    }

    /// Live accounts are nearly all there are: only as a test. Deleted ones come from their own index.
    pub(super) fn live_test(&self, dialect: Dialect) -> Sql {
        match self.hold {
            HoldFilter::Deleted => Sql::text(dialect.quiet("s.state")).and(" = 'deleted'"),
            _ => Sql::text(dialect.quiet("s.state")).and(" <> 'deleted'"),
        }
    }

    fn hold_part(&self, parent: Id, deleted_since: NaiveDateTime, dialect: Dialect) -> Option<Part> {
        match self.hold {
            HoldFilter::Any => None,
            HoldFilter::Active => Some(column(parent, "state", "=", Bind::Text("active".into()), dialect)),
            HoldFilter::Suspended => Some(column(parent, "state", "=", Bind::Text("suspended".into()), dialect)),
            HoldFilter::Deleted => {
                let since = |sql: Sql| sql.and(" AND a.deleted_at >= ").bind(Bind::Time(deleted_since));
                let source = Sql::text("SELECT a.id AS account_id FROM accounts a WHERE a.parent_id = ")
                    .bind(Bind::Id(parent))
                    .and(" AND a.deleted_at IS NOT NULL");
                let test = Sql::text("EXISTS (SELECT 1 FROM accounts a WHERE a.id = s.account_id");
                Some(Part { source: since(source), test: since(test).and(")") })
            }
        }
    }
}

fn column(parent: Id, name: &str, operator: &str, value: Bind, dialect: Dialect) -> Part {
    let source = Sql::text("SELECT f.account_id FROM account_summaries f WHERE f.parent_id = ")
        .bind(Bind::Id(parent))
        .and(&format!(" AND f.{name} {operator} "))
        .bind(value.clone());
    let test = Sql::text(dialect.quiet(&format!("s.{name}"))).and(&format!(" {operator} ")).bind(value);
    Part { source, test }
}

fn tagged(parent: Id, tag: &str) -> Part {
    let source = Sql::text("SELECT t.account_id FROM account_tags t WHERE t.parent_id = ")
        .bind(Bind::Id(parent))
        .and(" AND t.tag = ")
        .bind(Bind::Text(tag.to_owned()));
    let test = Sql::text("EXISTS (SELECT 1 FROM account_tags t WHERE t.account_id = s.account_id AND t.tag = ")
        .bind(Bind::Text(tag.to_owned()))
        .and(")");
    Part { source, test }
}

/// Words of three letters and more are found anywhere; a shorter search is a name's beginning.
fn search(parent: Id, words: &[String], dialect: Dialect) -> Option<Part> {
    let long: Vec<&String> = words.iter().filter(|word| word.chars().count() >= 3).collect();
    if words.is_empty() {
        return None;
    }
    if long.is_empty() {
        return Some(prefix(parent, &words.join(" "), dialect));
    }
    let likes = |mut sql: Sql| {
        for word in words {
            sql = sql
                .and(" AND a.search_text LIKE ")
                .bind(Bind::Text(format!("%{}%", literal(word))))
                .and(r" ESCAPE '\'");
        }
        sql
    };
    let source = match dialect {
        Dialect::Postgres => {
            Sql::text("SELECT a.id AS account_id FROM accounts a WHERE a.parent_id = ").bind(Bind::Id(parent))
        }
        Dialect::Sqlite => {
            let phrases: Vec<String> = long.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\""))).collect();
            Sql::text(
                "SELECT a.id AS account_id FROM account_search f CROSS JOIN account_search_rows r ON r.id = f.rowid \
                 CROSS JOIN accounts a ON a.id = r.account_id WHERE f.search_text MATCH ",
            )
            .bind(Bind::Text(phrases.join(" AND ")))
            .and(" AND a.parent_id = ")
            .bind(Bind::Id(parent))
        }
    };
    let test = likes(Sql::text("EXISTS (SELECT 1 FROM accounts a WHERE a.id = s.account_id")).and(")");
    Some(Part { source: likes(source), test })
}

fn prefix(parent: Id, start: &str, dialect: Dialect) -> Part {
    let from = |row: &str, column: &str| match dialect {
        Dialect::Postgres => Sql::text(format!("{row}.name_lower LIKE "))
            .bind(Bind::Text(format!("{}%", literal(start))))
            .and(r" ESCAPE '\'"),
        Dialect::Sqlite => Sql::text(format!("{column} >= "))
            .bind(Bind::Text(start.to_owned()))
            .and(&format!(" AND {column} < "))
            .bind(Bind::Text(format!("{start}\u{10ffff}"))),
    };
    let source = Sql::text("SELECT f.account_id FROM account_summaries f WHERE f.parent_id = ")
        .bind(Bind::Id(parent))
        .and(" AND ")
        .append(from("f", "f.name_lower"));
    Part { source, test: from("s", "+s.name_lower") }
}
