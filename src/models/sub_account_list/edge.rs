//! Where a page begins: the sort value and id of the row before it, in a form that fits a URL.

use chrono::{DateTime, NaiveDateTime};

use crate::domain::ids::Id;
use crate::domain::instants;

use super::page::{Line, Sort};

/// The sort value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Text(String),
    Number(i64),
    Time(NaiveDateTime),
    /// Never active.
    Null,
}

/// A place between two rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub key: Key,
    pub id: Id,
}

impl Edge {
    /// The place just at `row`.
    #[must_use]
    pub fn of(row: &Line, sort: Sort) -> Self {
        let key = match sort {
            Sort::Name => Key::Text(row.name_lower.clone()),
            Sort::Status => Key::Text(row.state.clone()),
            Sort::Sent | Sort::Cost => Key::Number(row.sent),
            Sort::Used => Key::Number(row.used_permille),
            Sort::Bounces => Key::Number(row.bounce_ppm),
            Sort::Complaints => Key::Number(row.complaint_ppm),
            Sort::Domains => Key::Number(row.domain_count),
            Sort::Activity => row.last_activity_at.map_or(Key::Null, Key::Time),
            Sort::Created => Key::Time(row.created_at),
        };
        Self { key, id: row.account_id }
    }

    /// `id:value`, for a URL.
    #[must_use]
    pub fn encode(&self) -> String {
        let value = match &self.key {
            Key::Text(text) => text.clone(),
            Key::Number(number) => number.to_string(),
            Key::Time(at) => at.and_utc().timestamp_micros().to_string(),
            Key::Null => String::new(),
        };
        format!("{}:{value}", self.id)
    }

    /// Reads what [`Edge::encode`] wrote for the same sort; `None` for anything else.
    #[must_use]
    pub fn decode(text: &str, sort: Sort) -> Option<Self> {
        let (id, value) = text.split_once(':')?;
        let time = |value: &str| {
            let at = DateTime::from_timestamp_micros(value.parse().ok()?)?;
            instants::within(at.naive_utc()).ok()
        };
        let key = match sort {
            Sort::Name | Sort::Status if value.len() <= 2048 && !value.contains('\0') => Key::Text(value.to_owned()),
            Sort::Name | Sort::Status => return None,
            Sort::Activity if value.is_empty() => Key::Null,
            Sort::Activity | Sort::Created => Key::Time(time(value)?),
            _ => Key::Number(value.parse().ok()?),
        };
        Some(Self { key, id: id.parse().ok()? })
    }
}
