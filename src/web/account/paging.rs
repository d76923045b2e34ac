//! Pages of a list that goes on: by the key of the row at the edge, so that addresses stay true while rows arrive.

use serde::Deserialize;

use crate::web::error::query;

/// Rows on a page.
pub const PAGE: usize = 50;

/// Where a page begins, from its address: `?older=` or `?newer=` than a row. Nothing is the newest page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Edge {
    pub older: Option<String>,
    pub newer: Option<String>,
}

impl Edge {
    /// The key of the row at the edge, and whether what is newer is wanted. An edge that is no key is the newest page.
    #[must_use]
    pub fn read<K: std::str::FromStr>(&self) -> (Option<K>, bool) {
        let key = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        match key(&self.newer) {
            Some(edge) => (Some(edge), true),
            None => (key(&self.older), false),
        }
    }
}

/// How many rows to ask for: one more than fits, to know whether there are more.
#[must_use]
pub const fn fetch() -> i64 {
    PAGE as i64 + 1
}

/// One page, newest first, and the addresses beside it ("" is none).
#[derive(Clone, Debug)]
pub struct Paged<T> {
    pub rows: Vec<T>,
    pub newer: String,
    pub older: String,
}

impl<T> Paged<T> {
    /// From what was read (`fetch()` rows from the edge on; oldest first when newer ones were wanted).
    /// `path` is the list's address and `filters` its query, kept.
    pub fn new<K: std::fmt::Display>(
        mut rows: Vec<T>,
        (has_edge, newer): (bool, bool),
        path: &str,
        filters: &[(&str, &str)],
        key: impl Fn(&T) -> K,
    ) -> Self {
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        if newer {
            rows.reverse();
        }
        let link = |name: &str, row: Option<&T>| {
            let Some(edge) = row.map(|row| key(row).to_string()) else { return String::new() };
            let mut pairs: Vec<(&str, &str)> = filters.iter().filter(|(_, value)| !value.is_empty()).copied().collect();
            pairs.push((name, &edge));
            format!("{path}?{}", query(&pairs))
        };
        let has_newer = if newer { more } else { has_edge };
        let has_older = newer || more;
        let newer = if has_newer { link("newer", rows.first()) } else { String::new() };
        let older = if has_older { link("older", rows.last()) } else { String::new() };
        Self { rows, newer, older }
    }

    /// Whether there is anything to turn.
    #[must_use]
    pub fn has_pages(&self) -> bool {
        !self.newer.is_empty() || !self.older.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: Vec<i32>, has_edge: bool, newer: bool) -> Paged<i32> {
        Paged::new(rows, (has_edge, newer), "/list", &[("q", "a b"), ("status", "")], |row| *row)
    }

    #[test]
    fn the_first_page_has_only_older_ones_and_the_last_only_newer_ones() {
        let first = page((0..51).rev().collect(), false, false);
        assert_eq!((first.rows.len(), first.newer.as_str(), first.older.as_str()), (50, "", "/list?q=a+b&older=1"));
        let last = page(vec![3, 2], true, false);
        assert_eq!((last.newer.as_str(), last.older.as_str()), ("/list?q=a+b&newer=3", ""));
    }

    #[test]
    fn a_page_of_newer_rows_is_shown_newest_first() {
        let middle = page((10..61).collect(), true, true);
        assert_eq!((middle.rows[0], middle.rows[49]), (59, 10));
        assert_eq!((middle.newer.as_str(), middle.older.as_str()), ("/list?q=a+b&newer=59", "/list?q=a+b&older=10"));
        assert!(!page(vec![1], false, false).has_pages());
    }

    #[test]
    fn an_edge_that_is_no_key_is_the_newest_page() {
        let edge = Edge { older: Some("x".into()), newer: None };
        assert_eq!(edge.read::<i64>(), (None, false));
    }
}
