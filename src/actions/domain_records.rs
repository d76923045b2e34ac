//! What a domain must publish, and what the looks at DNS found: between the row and whoever shows or judges it.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use crate::dns::{CheckResult, DomainSetup, PlatformNames, Record, RecordKind};
use crate::models::domains::Domain;

/// The labels of a domain that asked for no others.
pub const DEFAULT_RETURN_PATH: &str = "bounces";
pub const DEFAULT_TRACKING: &str = "track";
pub const DEFAULT_SUBSCRIPTION: &str = "preferences";
pub const DEFAULT_MEDIA: &str = "media";

/// A domain as its records are made from it.
#[must_use]
pub fn setup(domain: &Domain, platform: &PlatformNames) -> DomainSetup {
    let label = |asked: &Option<String>, default: &str| asked.clone().unwrap_or_else(|| default.to_owned());
    DomainSetup {
        domain: domain.name.clone(),
        selector: domain.active_selector.clone(),
        dkim_public: domain.dkim_public.clone(),
        return_path_sub: label(&domain.return_path_subdomain, DEFAULT_RETURN_PATH),
        tracking_sub: label(&domain.tracking_subdomain, DEFAULT_TRACKING),
        subscription_sub: label(&domain.subscription_subdomain, DEFAULT_SUBSCRIPTION),
        media_sub: label(&domain.media_subdomain, DEFAULT_MEDIA),
        platform: platform.clone(),
    }
}

/// Every record to publish, with what the last look found there; `None` before the first look.
#[must_use]
pub fn records(domain: &Domain, platform: &PlatformNames) -> Vec<(Record, Option<State>)> {
    let states = States::of(domain);
    let records = setup(domain, platform).records();
    records.into_iter().map(|record| (record.clone(), states.get(record.kind).cloned())).collect()
}

/// What is known of one record: the last answer, and whether the last question had none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub ok: bool,
    #[serde(default)]
    pub found: Vec<String>,
    /// What is wrong and what to publish. None when all is well.
    #[serde(default)]
    pub problem: Option<String>,
    /// Since when `ok` is what it is.
    #[serde(default)]
    pub since: Option<NaiveDateTime>,
    /// Why the last question had no answer; the rest is then older.
    #[serde(default)]
    pub unanswered: Option<String>,
}

/// The column `record_states`: a state for each kind by its word, and what keeps a finished domain from being verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
    #[serde(flatten)]
    records: BTreeMap<String, State>,
}

impl States {
    #[must_use]
    pub fn of(domain: &Domain) -> Self {
        serde_json::from_str(&domain.record_states).unwrap_or_default()
    }

    #[must_use]
    pub fn get(&self, kind: RecordKind) -> Option<&State> {
        self.records.get(kind.as_str())
    }

    /// As the column keeps it.
    #[must_use]
    pub fn stored(&self) -> String {
        // A map of strings and times always has a JSON form.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// Takes over what a look found. A record without an answer keeps what was known of it.
    pub fn learn(&mut self, result: &CheckResult, now: NaiveDateTime) {
        for (kind, seen) in &result.records {
            let known = self.records.entry(kind.as_str().to_owned()).or_default();
            if seen.unreachable {
                known.unanswered.clone_from(&seen.problem);
                continue;
            }
            let since = known.since.filter(|_| known.ok == seen.ok).or(Some(now));
            *known = State {
                ok: seen.ok,
                found: seen.found.clone(),
                problem: seen.problem.clone(),
                since,
                unanswered: None,
            };
        }
    }

    /// Forgets a record that is to be published elsewhere from now on.
    pub fn forget(&mut self, kind: RecordKind) {
        self.records.remove(kind.as_str());
    }

    /// Since when a required record has been wrong: of those wrong now, the first.
    #[must_use]
    pub fn failing_since(&self) -> Option<NaiveDateTime> {
        let required = RecordKind::ALL.into_iter().filter(|kind| kind.is_required());
        required.filter_map(|kind| self.get(kind)).filter(|state| !state.ok).filter_map(|state| state.since).min()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::dns::RecordState;

    fn at(minutes: i64) -> NaiveDateTime {
        (DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)).naive_utc()
    }

    fn seen(ok: bool, unreachable: bool) -> CheckResult {
        let problem = (!ok).then(|| "wrong".to_owned());
        let state = RecordState { ok, found: vec!["x".into()], problem, unreachable };
        CheckResult { records: vec![(RecordKind::Spf, state)], all_required_ok: ok, unreachable }
    }

    #[test]
    fn a_record_without_an_answer_keeps_what_was_known_of_it() {
        let mut states = States::default();
        states.learn(&seen(true, false), at(0));
        states.learn(&seen(false, true), at(1));
        let state = states.get(RecordKind::Spf).unwrap();
        assert!(state.ok && state.problem.is_none() && state.unanswered.is_some());
        states.learn(&seen(true, false), at(2));
        let state = states.get(RecordKind::Spf).unwrap();
        assert_eq!((state.since, state.unanswered.as_ref()), (Some(at(0)), None));
    }

    #[test]
    fn failing_counts_from_the_first_wrong_answer_in_a_row() {
        let mut states = States::default();
        for (minute, ok) in [(0, false), (1, true), (2, false), (3, false)] {
            states.learn(&seen(ok, false), at(minute));
        }
        assert_eq!(states.failing_since(), Some(at(2)));
        states.learn(&seen(true, false), at(4));
        assert_eq!(states.failing_since(), None);
    }

    #[test]
    fn states_survive_storage() {
        let mut states = States { blocked: Some("held".into()), ..States::default() };
        states.learn(&seen(false, false), at(0));
        assert_eq!(serde_json::from_str::<States>(&states.stored()).unwrap(), states);
        assert_eq!(serde_json::from_str::<States>("{}").unwrap(), States::default());
    }
}
