//! A domain and its records in words and shapes, the same on every page that shows them.

use crate::actions::domain_records::{self, State, States};
use crate::dns::{PlatformNames, Record};
use crate::models::domains::Domain;

/// Class and word of `ui::state`.
pub type Shape = (&'static str, &'static str);

/// The state of a record before the first look.
pub const NOT_CHECKED: &str = "Not checked yet";

/// One record to publish, and how it stands.
pub struct RecordRow {
    pub label: &'static str,
    /// `TXT`, `CNAME` or `MX`.
    pub type_: &'static str,
    pub required: bool,
    pub host: String,
    pub content: String,
    pub state: Shape,
    /// What stands there now, where it is not what we ask for.
    pub found: Vec<String>,
    /// What is wrong and what to do; empty when all is well.
    pub problem: String,
    /// Why the last question had no answer; empty when it had.
    pub unanswered: String,
}

/// A domain's records, the needed ones first.
#[must_use]
pub fn rows(domain: &Domain, platform: &PlatformNames) -> Vec<RecordRow> {
    domain_records::records(domain, platform).into_iter().map(|(record, state)| row(record, state)).collect()
}

fn row(record: Record, state: Option<State>) -> RecordRow {
    let shape = shape(record.required, state.as_ref());
    let state = state.unwrap_or_default();
    let problem = state.problem.unwrap_or_default();
    // The value stands right above the sentence: not said twice.
    let problem = match problem.strip_suffix(&record.content) {
        Some(before) => format!("{before}the value above."),
        None => problem,
    };
    RecordRow {
        label: record.label,
        type_: record.type_,
        required: record.required,
        host: record.host,
        content: record.content,
        state: shape,
        found: if state.ok { Vec::new() } else { state.found },
        problem,
        unanswered: state.unanswered.unwrap_or_default(),
    }
}

fn shape(required: bool, state: Option<&State>) -> Shape {
    match state {
        Some(state) if state.ok => ("active", "Found"),
        Some(state) if !state.found.is_empty() => ("near", "Differs"),
        Some(state) if state.problem.is_none() => ("wait", "No answer yet"),
        Some(_) if required => ("near", "Missing"),
        Some(_) => ("off", "Not set up"),
        None => ("wait", NOT_CHECKED),
    }
}

/// How a domain stands, in a word and in a sentence that says what comes next.
pub struct Standing {
    pub shape: Shape,
    pub next: String,
}

/// How `domain` stands, for the people of its account.
#[must_use]
pub fn standing(domain: &Domain, rows: &[RecordRow]) -> Standing {
    let blocked = States::of(domain).blocked;
    let (found, needed) = found_of_needed(rows);
    let of = |shape, next: String| Standing { shape, next };
    match (domain.verified_at.is_some(), blocked) {
        (true, _) if domain.failed_checks > 0 => of(
            ("near", "Records missing"),
            format!(
                "{found} of {needed} needed records are in place. {} still sends, but stops when they stay away for \
                 an hour.",
                domain.name
            ),
        ),
        (true, _) => of(("active", "Verified"), format!("{} is ready to send.", domain.name)),
        (false, Some(why)) => of(("held", "Held elsewhere"), why),
        (false, None) if domain.last_check_at.is_none() => of(
            ("wait", "Not checked yet"),
            "Publish the records below where the domain's DNS is kept, then check.".to_owned(),
        ),
        (false, None) => of(
            ("wait", "Waiting for records"),
            format!(
                "{found} of {needed} needed records are in place. We look again every 15 to 30 minutes; DNS can take \
                 an hour or more to show a change."
            ),
        ),
    }
}

/// How many of the needed records were found.
#[must_use]
pub fn found_of_needed(rows: &[RecordRow]) -> (usize, usize) {
    let needed = || rows.iter().filter(|row| row.required);
    (needed().filter(|row| row.state.0 == "active").count(), needed().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ok: bool, found: &[&str], problem: &str) -> State {
        let problem = Some(problem.to_owned()).filter(|text| !text.is_empty());
        State { ok, found: found.iter().map(|text| (*text).to_owned()).collect(), problem, ..State::default() }
    }

    #[test]
    fn a_missing_record_matters_only_where_it_is_needed() {
        assert_eq!(shape(true, None).1, "Not checked yet");
        assert_eq!(shape(true, Some(&state(true, &["x"], ""))).1, "Found");
        assert_eq!(shape(true, Some(&state(false, &["x"], "wrong"))).1, "Differs");
        assert_eq!(shape(true, Some(&state(false, &[], "none"))).1, "Missing");
        assert_eq!(shape(false, Some(&state(false, &[], "none"))).1, "Not set up");
        assert_eq!(shape(true, Some(&state(false, &[], ""))).1, "No answer yet");
    }
}
