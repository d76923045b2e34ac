//! What the address of a queue's list says: filters, and where its page begins.

use serde::Deserialize;

use crate::domain::ids::Id;
use crate::domain::waiting::Reason;
use crate::models::queue_view::{Filter, Page};
use crate::web::error::query;

/// Rows on a page.
pub const ROWS: usize = 50;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Params {
    /// Name or id of a sub account.
    pub client: String,
    pub destination: String,
    pub reason: String,
    pub after: String,
    pub before: String,
}

impl Params {
    #[must_use]
    pub fn filter(&self) -> Filter {
        let destination = self.destination.trim().trim_start_matches('@').to_lowercase();
        Filter { destination: Some(destination).filter(|text| !text.is_empty()), reason: Reason::parse(&self.reason) }
    }

    /// One row more than fits, to know whether there are more. An edge that is no id is the first page.
    #[must_use]
    pub fn page(&self) -> Page {
        let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
        match (self.before.parse::<Id>(), self.after.parse::<Id>()) {
            (Ok(edge), _) => Page { edge: Some(edge), backwards: true, limit },
            (_, Ok(edge)) => Page { edge: Some(edge), backwards: false, limit },
            _ => Page { edge: None, backwards: false, limit },
        }
    }

    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        !self.client.trim().is_empty() || self.filter() != Filter::default()
    }

    /// The list at `path` with these filters, from its first page.
    #[must_use]
    pub fn href(&self, path: &str) -> String {
        self.link(path, "", "")
    }

    #[must_use]
    pub fn with_reason(&self, path: &str, reason: &str) -> String {
        Self { reason: reason.to_owned(), ..self.clone() }.href(path)
    }

    #[must_use]
    pub fn with_destination(&self, path: &str, destination: &str) -> String {
        Self { destination: destination.to_owned(), ..self.clone() }.href(path)
    }

    #[must_use]
    pub fn with_client(&self, path: &str, client: &str) -> String {
        Self { client: client.to_owned(), ..self.clone() }.href(path)
    }

    /// The same with an edge: `name` is `after` or `before`.
    #[must_use]
    pub fn link(&self, path: &str, name: &str, edge: &str) -> String {
        let pairs = [
            ("client", self.client.as_str()),
            ("destination", &self.destination),
            ("reason", &self.reason),
            (name, edge),
        ];
        let pairs: Vec<(&str, &str)> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", query(&pairs)) }
    }
}

/// Puts a page that was read in the order of the list; answers whether there are rows before it and after it.
pub fn arrange<T>(rows: &mut Vec<T>, page: Page) -> (bool, bool) {
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    if page.backwards {
        rows.reverse();
        (more, true)
    } else {
        (page.edge.is_some(), more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_turning_a_page_and_a_wrong_edge_is_the_first_page() {
        let params = Params { destination: "@Example.ORG".into(), reason: "deferred".into(), ..Params::default() };
        assert_eq!(params.filter().destination.as_deref(), Some("example.org"));
        assert_eq!(params.link("/queue", "after", "x"), "/queue?destination=%40Example.ORG&reason=deferred&after=x");
        assert_eq!(Params { after: "x".into(), ..Params::default() }.page().edge, None);
        assert!(!Params { reason: "nonsense".into(), ..Params::default() }.is_narrowed());
    }

    #[test]
    fn a_page_read_backwards_is_shown_forwards() {
        let page = |backwards| Page { edge: Some(Id::new(chrono::DateTime::UNIX_EPOCH)), backwards, limit: 51 };
        let mut rows: Vec<usize> = (0..51).rev().collect();
        assert_eq!(arrange(&mut rows, page(true)), (true, true));
        assert_eq!((rows[0], rows[49]), (1, 50));
        let mut rows = vec![1, 2];
        assert_eq!(arrange(&mut rows, page(false)), (true, false));
    }
}
