//! What the list's address says: filters, order, page. Every link of the list is written from it, so that addresses
//! are stable and can be shared.

use serde::{Deserialize, Serialize};

use crate::domain::search_words::SearchWords;
use crate::models::sub_account_list::{CapFilter, Edge, Filter, Health, HoldFilter, Sort};

/// The query of the list, as it came. What is unknown counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Params {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hold: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cap: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub health: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sort: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dir: String,
    /// Columns that are left out (`columns.rs`).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hide: String,
    /// The saved view that the list was opened from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub view: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
}

impl Params {
    /// What it narrows the list to.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            hold: match self.hold.as_str() {
                "active" => HoldFilter::Active,
                "suspended" => HoldFilter::Suspended,
                "deleted" => HoldFilter::Deleted,
                _ => HoldFilter::Any,
            },
            cap: match self.cap.as_str() {
                "near" => CapFilter::Near,
                "at" => CapFilter::At,
                "none" => CapFilter::NoCap,
                _ => CapFilter::Any,
            },
            health: match self.health.as_str() {
                "bounce" => Health::HighBounce,
                "complaint" => Health::HighComplaint,
                _ => Health::Any,
            },
            tag: SearchWords::cut(&self.tag).map(String::from),
            search: SearchWords::cut(&self.q).map(String::from).unwrap_or_default(),
        }
    }

    /// The order; one by cost is by volume for whoever may not see money.
    #[must_use]
    pub fn sort(&self, money: bool) -> Sort {
        Sort::parse(&self.sort).filter(|sort| money || *sort != Sort::Cost).unwrap_or_default()
    }

    #[must_use]
    pub fn descending(&self) -> bool {
        match self.dir.as_str() {
            "desc" => true,
            "asc" => false,
            _ => Self::starts_descending(Sort::parse(&self.sort).unwrap_or_default()),
        }
    }

    /// Names are read from A on, numbers from the largest.
    fn starts_descending(sort: Sort) -> bool {
        sort != Sort::Name
    }

    /// Where the page begins, and whether it ends there instead.
    #[must_use]
    pub fn edge(&self, sort: Sort) -> (Option<Edge>, bool) {
        match Edge::decode(&self.before, sort) {
            Some(edge) => (Some(edge), true),
            None => (Edge::decode(&self.after, sort), false),
        }
    }

    /// The same list from its first page.
    #[must_use]
    pub fn first(&self) -> Self {
        Self { after: String::new(), before: String::new(), ..self.clone() }
    }

    /// The query string, with its `?` where there is one.
    #[must_use]
    pub fn query(&self) -> String {
        match serde_html_form::to_string(self) {
            Ok(text) if !text.is_empty() => format!("?{text}"),
            _ => String::new(),
        }
    }

    /// The list's address.
    #[must_use]
    pub fn href(&self) -> String {
        format!("/sub-accounts{}", self.query())
    }

    /// The address that narrows by hold. Deleted accounts are a list of their own.
    #[must_use]
    pub fn with_hold(&self, hold: &str) -> String {
        Self { hold: toggled(&self.hold, hold), ..self.first() }.href()
    }

    #[must_use]
    pub fn with_cap(&self, cap: &str) -> String {
        Self { cap: toggled(&self.cap, cap), ..self.first() }.href()
    }

    #[must_use]
    pub fn with_health(&self, health: &str) -> String {
        Self { health: toggled(&self.health, health), ..self.first() }.href()
    }

    #[must_use]
    pub fn with_tag(&self, tag: &str) -> String {
        Self { tag: toggled(&self.tag, tag), ..self.first() }.href()
    }

    /// Nothing left out, the order and the columns kept.
    #[must_use]
    pub fn cleared(&self) -> String {
        Self { sort: self.sort.clone(), dir: self.dir.clone(), hide: self.hide.clone(), ..Self::default() }.href()
    }

    /// The address of a head: the other way round where the list is sorted by it already.
    #[must_use]
    pub fn sorted_by(&self, sort: Sort) -> String {
        let current = Sort::parse(&self.sort).unwrap_or_default() == sort;
        let down = if current { !self.descending() } else { Self::starts_descending(sort) };
        let dir = if down == Self::starts_descending(sort) {
            ""
        } else if down {
            "desc"
        } else {
            "asc"
        };
        let word = if sort == Sort::default() { "" } else { sort.as_str() };
        Self { sort: word.into(), dir: dir.into(), ..self.first() }.href()
    }

    /// `aria-sort` of a head.
    #[must_use]
    pub fn order(&self, sort: Sort) -> &'static str {
        match (Sort::parse(&self.sort).unwrap_or_default() == sort, self.descending()) {
            (false, _) => "",
            (true, true) => "descending",
            (true, false) => "ascending",
        }
    }

    #[must_use]
    pub fn page_after(&self, edge: &Edge) -> String {
        Self { after: edge.encode(), ..self.first() }.href()
    }

    #[must_use]
    pub fn page_before(&self, edge: &Edge) -> String {
        Self { before: edge.encode(), ..self.first() }.href()
    }
}

/// A chip that is chosen lets go when it is chosen again.
fn toggled(now: &str, chosen: &str) -> String {
    if now == chosen { String::new() } else { chosen.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_sorts_and_then_turns_round() {
        let list = Params::default();
        assert_eq!(list.sorted_by(Sort::Sent), "/sub-accounts?sort=sent");
        assert_eq!(list.sorted_by(Sort::Name), "/sub-accounts?dir=desc");
        let sent = Params { sort: "sent".into(), q: "a b".into(), after: "x".into(), ..Params::default() };
        assert_eq!(sent.sorted_by(Sort::Sent), "/sub-accounts?q=a+b&sort=sent&dir=asc");
        assert_eq!((sent.order(Sort::Sent), sent.order(Sort::Name)), ("descending", ""));
    }

    #[test]
    fn filters_add_up_and_let_go() {
        let held = Params { hold: "suspended".into(), ..Params::default() };
        assert_eq!(held.with_cap("near"), "/sub-accounts?hold=suspended&cap=near");
        assert_eq!(held.with_hold("suspended"), "/sub-accounts");
    }

    #[test]
    fn whoever_sees_no_money_cannot_sort_by_it() {
        let params = Params { sort: "cost".into(), ..Params::default() };
        assert_eq!((params.sort(true), params.sort(false)), (Sort::Cost, Sort::Name));
    }

    #[test]
    fn nonsense_in_an_address_is_no_filter_at_all() {
        let params =
            Params { hold: "x".into(), cap: "y".into(), sort: "z".into(), after: "?".into(), ..Params::default() };
        assert!(params.filter().is_empty());
        assert_eq!(params.edge(params.sort(true)), (None, false));
    }
}
