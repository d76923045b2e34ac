//! Cursor pages: newest first by id, stable while rows are inserted. Cursors are opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::error::ApiError;
use crate::domain::ids::Id;

/// The query parameters of every list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows on a page, 1 to 100; 100 when left out.
    #[param(value_type = i64, required = false, minimum = 1, maximum = 100, default = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    after: Option<String>,
    /// The `previous_cursor` of the page after.
    before: Option<String>,
    /// An older name of `after`.
    #[param(ignore)]
    cursor: Option<String>,
}

/// Which rows a list asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    pub limit: i64,
    pub edge: Option<Id>,
    /// Rows just newer than the edge, instead of just older.
    pub ascending: bool,
}

impl PageQuery {
    /// Checks the parameters.
    ///
    /// # Errors
    /// 400 for a limit out of range, a cursor of ours that is none, or both directions at once.
    pub fn read(&self) -> Result<PageRequest, ApiError> {
        let limit = match &self.limit {
            None => 100,
            Some(text) => text
                .parse::<i64>()
                .ok()
                .filter(|limit| (1..=100).contains(limit))
                .ok_or_else(|| ApiError::bad_request("limit must be a whole number from 1 to 100"))?,
        };
        let after = self.after.as_deref().or(self.cursor.as_deref());
        match (after, self.before.as_deref()) {
            (Some(_), Some(_)) => Err(ApiError::bad_request("after and before cannot be used together")),
            (Some(cursor), None) => Ok(PageRequest { limit, edge: Some(decode(cursor)?), ascending: false }),
            (None, Some(cursor)) => Ok(PageRequest { limit, edge: Some(decode(cursor)?), ascending: true }),
            (None, None) => Ok(PageRequest { limit, edge: None, ascending: false }),
        }
    }
}

fn decode(cursor: &str) -> Result<Id, ApiError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
    bytes
        .map(Id)
        .ok_or_else(|| ApiError::bad_request("the cursor is not one of ours: use next_cursor or previous_cursor"))
}

fn encode(id: Id) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PaginationInfo {
    /// Whether rows follow the last one of this page.
    pub has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_cursor: Option<String>,
}

/// A page of rows, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    #[schema(inline)]
    pub object: ListObject,
    pub data: Vec<T>,
    pub pagination: PaginationInfo,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListObject {
    List,
}

impl PageRequest {
    /// How many rows to fetch: one more than shown, to know whether there are more.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Turns fetched rows, in the order they were asked for, into those shown and the cursors around them.
    pub fn finish<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Id) -> (Vec<T>, PaginationInfo) {
        let limit = usize::try_from(self.limit).unwrap_or(100);
        let overflow = rows.len() > limit;
        rows.truncate(limit);
        if self.ascending {
            rows.reverse();
        }
        let has_more = if self.ascending { !rows.is_empty() } else { overflow };
        let has_previous = if self.ascending { overflow } else { self.edge.is_some() };
        let pagination = PaginationInfo {
            has_more,
            next_cursor: rows.last().filter(|_| has_more).map(|row| encode(id(row))),
            previous_cursor: rows.first().filter(|_| has_previous).map(|row| encode(id(row))),
        };
        (rows, pagination)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Id {
        Id(Uuid::from_u128(number))
    }

    /// What a store with `all` (newest first) would answer.
    fn fetch(all: &[Id], page: &PageRequest) -> Vec<Id> {
        let mut rows: Vec<Id> = match (page.edge, page.ascending) {
            (Some(edge), true) => all.iter().rev().copied().filter(|row| *row > edge).collect(),
            (Some(edge), false) => all.iter().copied().filter(|row| *row < edge).collect(),
            (None, _) => all.to_vec(),
        };
        rows.truncate(usize::try_from(page.fetch()).expect("small"));
        rows
    }

    fn query(after: Option<String>, before: Option<String>) -> PageRequest {
        PageQuery { limit: Some("2".into()), after, before, cursor: None }.read().expect("valid")
    }

    #[test]
    fn pages_forward_and_back_show_every_row_once() {
        let all: Vec<Id> = (1..=5).rev().map(id).collect();
        let first = query(None, None);
        let (rows, info) = first.finish(fetch(&all, &first), |row| *row);
        assert_eq!(rows, [id(5), id(4)]);
        assert!(info.has_more && info.previous_cursor.is_none());
        let second = query(info.next_cursor, None);
        let (rows, info) = second.finish(fetch(&all, &second), |row| *row);
        assert_eq!(rows, [id(3), id(2)]);
        let third = query(info.next_cursor, None);
        let (rows, third_info) = third.finish(fetch(&all, &third), |row| *row);
        assert_eq!(rows, [id(1)]);
        assert!(!third_info.has_more && third_info.next_cursor.is_none());
        let back = query(None, third_info.previous_cursor);
        let (rows, info) = back.finish(fetch(&all, &back), |row| *row);
        assert_eq!(rows, [id(3), id(2)]);
        let start = query(None, info.previous_cursor);
        let (rows, info) = start.finish(fetch(&all, &start), |row| *row);
        assert_eq!(rows, [id(5), id(4)]);
        assert!(info.has_more && info.previous_cursor.is_none(), "the start of the list has no previous page");
    }

    #[test]
    fn both_directions_at_once_are_refused() {
        let query = PageQuery { limit: None, after: Some(encode(id(1))), before: Some(encode(id(1))), cursor: None };
        assert_eq!(query.read().expect_err("refused").status, 400);
    }
}
