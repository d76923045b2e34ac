//! What has not left yet: messages that a slow destination puts off, and messages that wait at the cap. The next attempts
//! are far enough ahead that a worker leaves them alone while somebody looks around.

use chrono::{DateTime, TimeDelta, Utc};

use super::answers::SLOW;
use super::calendar::Day;
use super::clerk::Clerk;
use super::client::Client;
use super::letters::{Desk, letter_of};
use super::sectors::Letter;
use super::traffic::Traffic;
use crate::actions::{ActionError, ActionResult, set_limits};
use crate::domain::ids::Id;
use crate::domain::limits::{AtCap, Bound, Limits};
use crate::domain::message::status::MessageStatus;
use crate::domain::retry::next_attempt;
use crate::domain::waiting::State;
use crate::models::held::Held;
use crate::models::limits::LimitsRow;
use crate::models::messages::{Event, Message};
use crate::models::queue::Queued;

/// The destination that takes mail slowly.
const DESTINATION: &str = "slowpost.example";
/// No attempt is due sooner than this.
const QUIET: TimeDelta = TimeDelta::minutes(30);
/// Moments drawn for a message, until its next attempt is late enough.
const DRAWS: usize = 64;
/// Days that messages wait at the cap.
const HOLD_DAYS: i32 = 7;

impl Desk<'_> {
    /// One message that was put off at every attempt so far, and will be tried again.
    pub(super) fn put_off(&mut self, day: &Day, letter: &Letter, content: Id) {
        let to = self.stranger_at(DESTINATION);
        let now = self.calendar.now;
        let mut draw = || {
            let at = self.moment(day);
            let message = self.row(day, letter, content, &to, (at, MessageStatus::Deferred));
            let (tries, due) = attempts(&message, at, now);
            (message, tries, due)
        };
        let mut drawn = draw();
        for _ in 0..DRAWS {
            if drawn.2 >= now + QUIET {
                break;
            }
            drawn = draw();
        }
        let (mut message, tries, due) = drawn;
        for at in tries {
            message.num_attempts += 1;
            let answer = self.random.pick(SLOW);
            let (_, done) = self.attempt(&message, at, answer);
            message.updated_at = done.naive_utc();
        }
        self.rows.queue.push(Queued {
            message_id: message.id,
            account_id: message.account_id,
            due_at: due.max(now + QUIET).naive_utc(),
            attempts: message.num_attempts,
            expires_at: message.expires_at,
            parent_id: self.sender.parent_id,
            destination: DESTINATION.into(),
            state: State::Deferred.as_str().into(),
        });
        self.rows.messages.push(message);
    }

    /// The messages that came after the cap was reached: kept, and neither counted nor queued.
    ///
    /// # Errors
    /// `Internal` when their content cannot be written down.
    pub(super) fn hold(&mut self, traffic: &Traffic) -> ActionResult<()> {
        let Some((place, day)) = self.calendar.days.iter().enumerate().rev().find(|(_, day)| day.hours > 0) else {
            return Ok(());
        };
        let letter = letter_of(self.sender, place);
        let content = self.content(day.start, letter)?;
        let over = TimeDelta::days(i64::from(HOLD_DAYS));
        let resets_at = self.calendar.periods[day.period].end_at.and_utc();
        let why = ActionError::CapReached { bound: Bound::Month, cap: traffic.cap, used: traffic.cap, resets_at };
        for _ in 0..traffic.held {
            let (at, to) = (self.moment(day), self.stranger_at(DESTINATION));
            let mut message = self.row(day, letter, content, &to, (at, MessageStatus::Held));
            message.purge_at = message.purge_at.max((at + over + TimeDelta::days(3)).naive_utc());
            self.rows.held.push(Held {
                message_id: message.id,
                account_id: message.account_id,
                held_at: at.naive_utc(),
                expires_at: (at + over).naive_utc(),
                due_at: at.naive_utc(),
                parent_id: self.sender.parent_id,
                destination: DESTINATION.into(),
            });
            self.rows.events.push(Event {
                id: self.random.id(at),
                message_id: message.id,
                account_id: message.account_id,
                at: at.naive_utc(),
                status: MessageStatus::Held.as_str().into(),
                log: format!("Held: {why}."),
            });
            self.rows.messages.push(message);
        }
        Ok(())
    }
}

impl Clerk<'_> {
    /// The parent keeps what its client sends beyond the cap.
    pub(super) fn hold_at_cap(&mut self, client: &Client) {
        let at = self.calendar.ago(39.0);
        let before = Limits::default();
        let after = Limits { at_cap: AtCap::Hold, hold_days: HOLD_DAYS, ..Limits::default() };
        self.rows.limits.push(LimitsRow {
            account_id: client.id,
            at_cap: after.at_cap.as_str().into(),
            hold_days: after.hold_days,
            daily: 0,
            hourly: 0,
            sends_nothing: false,
            alerts: after.alerts.stored(),
            pool: 0,
            updated_at: at.naive_utc(),
        });
        let (before, after) = (Some(set_limits::shown(&before)), Some(set_limits::shown(&after)));
        self.deed(0, at, client.id, "sub_account.set_limits", &client.name, before, after);
    }
}

/// When a message was tried until now, and when it will be next.
fn attempts(message: &Message, at: DateTime<Utc>, now: DateTime<Utc>) -> (Vec<DateTime<Utc>>, DateTime<Utc>) {
    let mut tries = vec![at];
    let (mut last, expires) = (at, Some(message.expires_at.and_utc()));
    loop {
        let number = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        match next_attempt(message.id, number, at, expires, last) {
            Some(next) if next < now => {
                tries.push(next);
                last = next;
            }
            next => return (tries, next.unwrap_or(now + QUIET)),
        }
    }
}
