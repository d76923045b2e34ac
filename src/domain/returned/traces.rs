//! By what a returned part can be known as ours: the marks and addresses that our messages carry.
//! Only gathered here; whoever attributes has to verify their signatures.

use super::fields::{Fields, field, lines};
use super::parts::Parts;
use crate::domain::return_path::{Mark, ReturnAddress};

/// Traces of one kind that are kept: each costs a check.
const MAX: usize = 8;

/// Traces in the order in which they should be believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Of our header, then of Feedback-ID.
    pub marks: Vec<Mark>,
    /// Return paths and complaint addresses of our shape.
    pub addresses: Vec<ReturnAddress>,
}

impl Traces {
    /// Those of the returned messages, of a feedback report, and of a copy in the text.
    pub(super) fn of(parts: &Parts) -> Self {
        let mut traces = Self::default();
        for headers in &parts.returned {
            traces.look(|name| headers.all(name).map(str::to_owned).collect());
        }
        let reports = [&parts.feedback, &parts.status].into_iter().flatten();
        let groups: Vec<Fields> = reports.flat_map(|text| super::fields::groups(text)).collect();
        for group in &groups {
            traces.look(|name| group.all(name).map(str::to_owned).collect());
        }
        // qmail and others put a copy of the message below their own words, some of them quoted.
        let copied: Vec<_> =
            lines(&parts.text).filter_map(|line| field(line.trim_start_matches(['>', ' ', '\t']))).collect();
        traces.look(|name| copied.iter().filter(|field| field.name == name).map(|field| field.value.clone()).collect());
        traces
    }

    fn look(&mut self, values: impl Fn(&str) -> Vec<String>) {
        let ours = values("x-canopy-id");
        let feedback = values("feedback-id");
        let first = feedback.iter().map(|id| id.split(':').next().unwrap_or_default());
        for mark in ours.iter().map(String::as_str).chain(first).filter_map(|text| Mark::parse(text.trim())) {
            if self.marks.len() < MAX && !self.marks.contains(&mark) {
                self.marks.push(mark);
            }
        }
        for name in
            ["return-path", "original-mail-from", "x-original-mail-from", "cfbl-address", "original-envelope-id"]
        {
            for value in values(name) {
                let bare = value.split(';').next().unwrap_or_default().trim().trim_matches(['<', '>']);
                if let Some(address) = ReturnAddress::parse(bare)
                    && self.addresses.len() < MAX
                    && !self.addresses.contains(&address)
                {
                    self.addresses.push(address);
                }
            }
        }
    }

    /// Whether the message claims to be about mail of ours.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.addresses.is_empty()
    }
}
