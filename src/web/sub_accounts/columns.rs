//! Which columns of the list are shown, and what of the list is kept in a saved view.

use super::params::Params;
use crate::models::sub_account_list::Sort;

/// Columns that can be left out: the word in the address, and the head. Name, status and messages always stay.
pub const COLUMNS: [(&str, &str); 6] = [
    ("trend", "30 days"),
    ("bounces", "Bounces"),
    ("complaints", "Complaints"),
    ("domains", "Domains"),
    ("cost", "Cost"),
    ("activity", "Last activity"),
];

/// The orders of the list, with their names.
pub const ORDERS: [(&str, Sort); 10] = [
    ("Name", Sort::Name),
    ("Status", Sort::Status),
    ("Messages this period", Sort::Sent),
    ("Cost", Sort::Cost),
    ("Share of the cap", Sort::Used),
    ("Bounce rate", Sort::Bounces),
    ("Complaint rate", Sort::Complaints),
    ("Domains", Sort::Domains),
    ("Last activity", Sort::Activity),
    ("Newest", Sort::Created),
];

/// Between the words of the columns that are left out.
const BETWEEN: char = '.';

impl Params {
    /// Whether the list has this column.
    #[must_use]
    pub fn shows(&self, column: &str) -> bool {
        self.hide.is_empty() || !self.hide.split(BETWEEN).any(|word| word == column)
    }

    /// The same page with this column, or without it.
    #[must_use]
    pub fn with_column(&self, column: &str) -> String {
        self.turned(column).href()
    }

    /// The same with this column where it was left out, and without it where it was not.
    #[must_use]
    pub fn turned(&self, column: &str) -> Self {
        let left_out = |word: &str| self.shows(word) == (word == column);
        Self { hide: words_where(left_out), ..self.clone() }
    }

    /// What the list shows, in one form for each meaning: neither a page of it nor the view it was opened from.
    #[must_use]
    pub fn saved(&self) -> String {
        let filter = self.filter();
        let known = |word: &str, words: &[&str]| if words.contains(&word) { word.to_owned() } else { String::new() };
        let sort = Sort::parse(&self.sort).unwrap_or_default();
        let turned = self.descending() != Self { dir: String::new(), ..self.clone() }.descending();
        let direction = if self.descending() { "desc" } else { "asc" };
        let kept = Self {
            hold: known(&self.hold, &["active", "suspended", "deleted"]),
            cap: known(&self.cap, &["near", "at", "none"]),
            health: known(&self.health, &["bounce", "complaint"]),
            // Whole: a view that is too long is refused, and none is kept as another than was asked for.
            tag: self.tag.trim().to_owned(),
            q: filter.search.trim().to_owned(),
            sort: if sort == Sort::default() { String::new() } else { sort.as_str().into() },
            dir: if turned { direction.into() } else { String::new() },
            hide: words_where(|word| !self.shows(word)),
            ..Self::default()
        };
        kept.query().trim_start_matches('?').to_owned()
    }

    /// Reads what [`Params::saved`] wrote; anything else is the list as it opens.
    #[must_use]
    pub fn of_saved(query: &str) -> Self {
        let read: Self = serde_html_form::from_str(query).unwrap_or_default();
        Self { view: String::new(), ..read.first() }
    }

    /// What the list shows, in words: "Suspended, tagged vip; by bounce rate; without domains".
    #[must_use]
    pub fn in_words(&self) -> String {
        let named = |word: &str, table: &[(&str, &str)]| {
            table.iter().find(|(key, _)| *key == word).map(|(_, words)| (*words).to_owned())
        };
        let filter = self.filter();
        let which: Vec<String> = [
            named(&self.hold, &[("active", "active"), ("suspended", "suspended"), ("deleted", "deleted")]),
            named(&self.cap, &[("near", "near their cap"), ("at", "at their cap"), ("none", "without a cap")]),
            named(&self.health, &[("bounce", "high bounce rate"), ("complaint", "high complaint rate")]),
            filter.tag.map(|tag| format!("tagged {tag}")),
            Some(filter.search.trim()).filter(|text| !text.is_empty()).map(|text| format!("with “{text}”")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let which = if which.is_empty() { "All sub accounts".to_owned() } else { capital(&which.join(", ")) };
        let sort = Sort::parse(&self.sort).unwrap_or_default();
        let order = ORDERS.iter().find(|(_, order)| *order == sort).map_or("name", |(label, _)| label).to_lowercase();
        let turned = self.descending() != Self { dir: String::new(), ..self.clone() }.descending();
        let turned = if turned { ", the other way round" } else { "" };
        let without: Vec<String> =
            COLUMNS.iter().filter(|(word, _)| !self.shows(word)).map(|(_, label)| label.to_lowercase()).collect();
        let without = match without.len() {
            0 => String::new(),
            1 => format!("; without the column {}", without[0]),
            _ => format!("; without the columns {}", without.join(", ")),
        };
        format!("{which}; by {order}{turned}{without}")
    }
}

fn words_where(wanted: impl Fn(&str) -> bool) -> String {
    let words: Vec<&str> = COLUMNS.iter().map(|(word, _)| *word).filter(|word| wanted(word)).collect();
    words.join(&BETWEEN.to_string())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_left_out_and_taken_back_and_the_page_stays() {
        let list = Params { after: "x:1".into(), ..Params::default() };
        assert_eq!(list.with_column("domains"), "/sub-accounts?hide=domains&after=x%3A1");
        let less = Params { hide: "domains".into(), ..Params::default() };
        assert!(!less.shows("domains") && less.shows("cost"));
        assert_eq!(less.with_column("trend"), "/sub-accounts?hide=trend.domains");
        assert_eq!(less.with_column("domains"), "/sub-accounts");
    }

    #[test]
    fn what_is_kept_has_one_form_for_each_meaning() {
        let kept = |params: &Params| params.saved();
        let nonsense = Params {
            hold: "x".into(),
            sort: "name".into(),
            dir: "asc".into(),
            after: "x:1".into(),
            view: "v".into(),
            hide: "nothing".into(),
            ..Params::default()
        };
        assert_eq!(kept(&nonsense), "");
        let all = Params {
            q: " a&b ".into(),
            hold: "suspended".into(),
            cap: "near".into(),
            health: "bounce".into(),
            tag: "vip".into(),
            sort: "sent".into(),
            dir: "asc".into(),
            hide: "activity.trend.trend".into(),
            ..Params::default()
        };
        let text = "q=a%26b&hold=suspended&cap=near&health=bounce&tag=vip&sort=sent&dir=asc&hide=trend.activity";
        assert_eq!(kept(&all), text);
        assert_eq!(kept(&Params::of_saved(text)), text);
        assert_eq!(Params::of_saved("after=x&view=y"), Params::default());
    }

    #[test]
    fn a_view_is_told_in_words() {
        let said = |query: &str| Params::of_saved(query).in_words();
        assert_eq!(said(""), "All sub accounts; by name");
        assert_eq!(
            said("hold=suspended&tag=vip&sort=bounces&dir=asc&hide=domains.cost"),
            "Suspended, tagged vip; by bounce rate, the other way round; without the columns domains, cost"
        );
        assert_eq!(said("q=dental&hide=trend"), "With “dental”; by name; without the column 30 days");
    }
}
