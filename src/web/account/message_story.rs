//! What happened to a message, in the order of time: events of ours, and attempts with the server's own words.

use chrono::NaiveDateTime;

use super::frame::Facts;
use super::messages::state;
use crate::actions::record_complaint::COMPLAINED;
use crate::models::messages::{Attempt, Event, Message};
use crate::models::queue::Queued;
use crate::web::format::{self, When};

/// One step.
pub struct Step {
    pub tone: &'static str,
    pub title: String,
    pub text: String,
    /// To the second: for a message minutes matter.
    pub at: String,
    pub when: When,
}

/// Every step, oldest first.
#[must_use]
pub fn steps(message: &Message, events: &[Event], attempts: &[Attempt], facts: &Facts) -> Vec<Step> {
    let accepted = step("received", "Accepted".into(), String::new(), message.created_at, facts);
    let mut all: Vec<(NaiveDateTime, Step)> = vec![(message.created_at, accepted)];
    all.extend(events.iter().map(|event| (event.at, happened(event, facts))));
    all.extend(
        attempts.iter().map(|attempt| (attempt.finished_at.unwrap_or(attempt.started_at), tried(attempt, facts))),
    );
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, step)| step).collect()
}

fn happened(event: &Event, facts: &Facts) -> Step {
    if event.status == COMPLAINED {
        // Not a state: the message stays delivered.
        return Step { tone: "bad", ..step("", "Complaint".into(), event.log.clone(), event.at, facts) };
    }
    step(&event.status, state(&event.status).1.to_owned(), event.log.clone(), event.at, facts)
}

fn tried(attempt: &Attempt, facts: &Facts) -> Step {
    let at = attempt.finished_at.unwrap_or(attempt.started_at);
    let host = if attempt.host.is_empty() { String::new() } else { format!(", {}", attempt.host) };
    if attempt.finished_at.is_none() {
        let text = format!("Attempt {} is under way{host}.", attempt.number);
        return step("started", "Sending".into(), text, at, facts);
    }
    let took = (at - attempt.started_at).num_milliseconds().max(0);
    let title = format!("{}{host}", state(&attempt.status).1);
    let code = attempt.code.map(|code| format!("{code} ")).unwrap_or_default();
    // Some servers' words begin with the code, some replies were recorded without.
    let words =
        if attempt.log.starts_with(code.trim()) { attempt.log.clone() } else { format!("{code}{}", attempt.log) };
    step(&attempt.status, title, format!("{words} (attempt {}, {})", attempt.number, duration(took)), at, facts)
}

fn duration(milliseconds: i64) -> String {
    if milliseconds < 1000 {
        format!("{milliseconds} ms")
    } else {
        format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
    }
}

fn step(status: &str, title: String, text: String, at: NaiveDateTime, facts: &Facts) -> Step {
    let tone = match state(status).0 {
        "active" => "good",
        "near" => "warn",
        "held" => "bad",
        _ => "",
    };
    Step { tone, title, text, at: format::exact(at, facts.tz()), when: facts.when(at) }
}

/// When the next attempt is, or why there is none yet.
#[must_use]
pub fn next_try(row: &Queued, message: &Message, facts: &Facts) -> String {
    let due = format::exact(row.due_at, facts.tz());
    if !facts.holds.is_empty() || facts.parent_held {
        return "It waits: the account is on hold. It goes on when the hold is lifted.".into();
    }
    if message.scheduled_at.is_some_and(|at| at > facts.now.naive_utc()) {
        return format!("It leaves on {due}.");
    }
    if row.due_at <= facts.now.naive_utc() {
        return "It is due now and leaves with the next turn of this account.".into();
    }
    format!("The next attempt is on {due}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_in_the_unit_that_fits() {
        assert_eq!(
            [duration(84), duration(999), duration(1_250), duration(61_000)],
            ["84 ms", "999 ms", "1.2 s", "61.0 s"]
        );
    }
}
