//! What became of the recipients of a transaction, counted for whoever watches; told only once it is committed.

use std::collections::BTreeMap;

use super::Outcome;
use crate::actions::error::ActionError;
use crate::metrics::Mail;

/// What became of one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// For now or for a later hour.
    Queued,
    Held,
    Suppressed,
    Sandbox,
    OverCap,
    /// What was to be said cannot be said to this recipient.
    BadContent,
}

/// Recipients by what became of them.
#[derive(Debug, Default)]
pub struct Intake {
    accepted: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
}

impl Intake {
    /// Counts a recipient.
    pub fn add(&mut self, fate: Fate, outcome: &Outcome) {
        let (counts, name) = match fate {
            Fate::Queued if matches!(outcome, Outcome::Scheduled { .. }) => (&mut self.accepted, "scheduled"),
            Fate::Queued => (&mut self.accepted, "queued"),
            Fate::Held => (&mut self.accepted, "held"),
            Fate::Suppressed => (&mut self.accepted, "suppressed"),
            Fate::Sandbox => (&mut self.accepted, "sandbox"),
            Fate::OverCap => (&mut self.refused, "cap"),
            Fate::BadContent => (&mut self.refused, "content"),
        };
        *counts.entry(name).or_default() += 1;
    }

    /// Tells it.
    pub fn tell(&self, mail: &Mail) {
        self.accepted.iter().for_each(|(kind, count)| mail.accepted(kind, *count));
        self.refused.iter().for_each(|(reason, count)| mail.refused(reason, *count));
    }
}

/// Why a whole request was refused, as it is counted.
pub fn why(error: &ActionError) -> &'static str {
    match error {
        ActionError::CapReached { .. } => "cap",
        ActionError::Suspended { .. } => "suspended",
        ActionError::Invalid(_) => "domain",
        ActionError::NotFound(_) => "account",
        ActionError::Unavailable(_) => "unavailable",
        ActionError::Forbidden(_) | ActionError::Conflict(_) | ActionError::Internal(_) => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn every_reason_that_is_counted_is_known_to_the_metrics() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let errors = [
            ActionError::NotFound("x"),
            ActionError::Forbidden("x".into()),
            ActionError::Invalid(Vec::new()),
            ActionError::Conflict("x".into()),
            ActionError::CapReached { bound: crate::domain::limits::Bound::Month, cap: 1, used: 1, resets_at: at },
            ActionError::Suspended { parent: true },
            ActionError::Internal("x".into()),
        ];
        let metrics = Metrics::new(0.).expect("metrics");
        let known = String::from_utf8(metrics.text().expect("text")).expect("UTF-8");
        for error in errors {
            let line = format!("canopy_messages_refused_total{{reason=\"{}\"}} 0", why(&error));
            assert!(known.contains(&line), "{line}");
        }
    }
}
