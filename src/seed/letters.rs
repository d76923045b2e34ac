//! The recent messages behind the ledger: every one that the account's retention would still hold, with its attempt,
//! what it said, and the addresses that its bounces put on the suppression list.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::Sender;
use super::answers::{Answer, BOUNCES, BUSY, DELIVERED, FAILED};
use super::calendar::{Calendar, Day};
use super::names::{FIRST_NAMES, PROVIDERS, SURNAMES};
use super::random::Random;
use super::sectors::Letter;
use super::traffic::{Sent, Traffic};
use crate::actions::{ActionError, ActionResult};
use crate::domain::bounce::Classification;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::Id;
use crate::domain::message::mailbox::Mailbox;
use crate::domain::message::payload::Payload;
use crate::domain::message::status::MessageStatus;
use crate::models::bulk::Rows;
use crate::models::messages::{Attempt, Content, Event, Message};
use crate::models::suppressions::Suppression;

/// Days that what was said is kept: the default of an account.
pub const SAID_DAYS: i32 = 7;
/// Days that a bounced address stays on the list.
const SUPPRESSED_DAYS: i64 = 30;
/// When a message that was put off is tried again.
const RETRIED_AFTER: TimeDelta = TimeDelta::minutes(6);

/// Writes the messages of a sender's last `kept_days` days.
///
/// # Errors
/// `Internal` when a made-up address or content cannot be written down.
pub fn write(
    rows: &mut Rows,
    sender: &Sender,
    traffic: &Traffic,
    calendar: &Calendar,
    random: &mut Random,
) -> ActionResult<()> {
    let address = EmailAddress::parse(&format!("hello@{}", sender.domain))
        .map_err(|refusal| ActionError::Internal(refusal.to_string()))?;
    let from = Mailbox { address, name: Some(sender.name.clone()) };
    let mut desk = Desk { rows, sender, calendar, random, from, suppressed: Vec::new() };
    if traffic.held > 0 {
        desk.hold(traffic)?;
    }
    for sent in &traffic.sent {
        if (calendar.days.len() - sent.day) as i32 <= sender.kept_days {
            desk.day(sent)?;
        }
    }
    Ok(())
}

/// What a sender wrote on a day.
#[must_use]
pub fn letter_of(sender: &Sender, day: usize) -> &'static Letter {
    let letters = sender.sector.letters;
    &letters[(day + usize::from(sender.account_id.as_bytes()[14])) % letters.len()]
}

/// Where one sender's letters are written.
pub(super) struct Desk<'a> {
    pub(super) rows: &'a mut Rows,
    pub(super) sender: &'a Sender,
    pub(super) calendar: &'a Calendar,
    pub(super) random: &'a mut Random,
    from: Mailbox,
    suppressed: Vec<String>,
}

impl Desk<'_> {
    fn day(&mut self, sent: &Sent) -> ActionResult<()> {
        let day = &self.calendar.days[sent.day];
        let letter = letter_of(self.sender, sent.day);
        let counts = sent.counts;
        let ago = (self.calendar.days.len() - sent.day) as i32;
        let content = match ago > SAID_DAYS.min(self.sender.kept_days) {
            // Gone: data retention has passed.
            true => self.random.id(day.start),
            false => self.content(day.start, letter)?,
        };
        for _ in 0..counts.bounced {
            let answer = self.random.pick(BOUNCES);
            let to = self.stranger();
            let at = self.message(day, letter, content, &to, answer, false);
            if answer.hard {
                self.suppress(&to, at, format!("{} {}", answer.code, answer.text));
            }
        }
        for _ in 0..counts.failed {
            let to = self.stranger();
            self.message(day, letter, content, &to, &FAILED, false);
        }
        for number in 0..counts.delivered {
            let to = self.stranger();
            self.message(day, letter, content, &to, &DELIVERED, number < counts.deferred - sent.waiting);
        }
        for _ in 0..sent.waiting {
            self.put_off(day, letter, content);
        }
        for _ in 0..counts.suppressed {
            self.unwanted(day, letter, content);
        }
        Ok(())
    }

    /// What messages of one letter said, all of them of the day that begins `at`.
    pub(super) fn content(&mut self, at: DateTime<Utc>, letter: &Letter) -> ActionResult<Id> {
        let id = self.random.id(at);
        let payload = Payload {
            from: self.from.clone(),
            to: Vec::new(),
            cc: Vec::new(),
            reply_to: None,
            subject: letter.subject.into(),
            text: Some(format!("{}\n\n{}\nhttps://{}\n", letter.text, self.sender.name, self.sender.domain)),
            html: None,
            amp: None,
            headers: Vec::new(),
        };
        self.rows.contents.push(Content {
            id,
            account_id: self.sender.account_id,
            payload: serde_json::to_vec(&payload).map_err(|error| ActionError::Internal(error.to_string()))?,
            is_raw: false,
            request_id: self.random.id(at),
            purge_at: (at + TimeDelta::days(i64::from(SAID_DAYS) + 1)).naive_utc(),
            last_message_id: Id::first_at(at + TimeDelta::hours(26)),
            has_attachments: false,
        });
        Ok(id)
    }

    fn stranger(&mut self) -> String {
        let host = self.random.pick(PROVIDERS);
        self.stranger_at(host)
    }

    pub(super) fn stranger_at(&mut self, host: &str) -> String {
        let (first, last) = (self.random.pick(FIRST_NAMES), self.random.pick(SURNAMES));
        let number = self.random.below(9_000) + 1_000;
        format!("{first}.{last}{number}@{host}").to_lowercase()
    }

    fn suppress(&mut self, email: &str, at: DateTime<Utc>, reason: String) {
        if self.suppressed.iter().any(|known| known == email) {
            return;
        }
        self.suppressed.push(email.to_owned());
        self.rows.suppressions.push(Suppression {
            id: self.random.id(at),
            account_id: self.sender.account_id,
            email: email.to_owned(),
            email_lower: email.to_owned(),
            domain: self.sender.domain.clone(),
            reason,
            created_at: at.naive_utc(),
            expires_at: (at + TimeDelta::days(SUPPRESSED_DAYS)).naive_utc(),
        });
    }

    /// A message to an address on the list: kept as a record that nothing was sent.
    fn unwanted(&mut self, day: &Day, letter: &Letter, content: Id) {
        if self.suppressed.is_empty() {
            let address = self.stranger();
            self.suppress(&address, day.start - TimeDelta::days(1), "Asked not to be written to".into());
        }
        let to = self.random.pick(&self.suppressed).clone();
        let at = self.moment(day);
        let message = self.row(day, letter, content, &to, (at, MessageStatus::Suppressed));
        self.rows.events.push(Event {
            id: self.random.id(at),
            message_id: message.id,
            account_id: self.sender.account_id,
            at: at.naive_utc(),
            status: MessageStatus::Suppressed.as_str().into(),
            log: "The address is on the suppression list: nothing was sent.".into(),
        });
        self.rows.messages.push(message);
    }

    /// One message and its attempts, the first of which was put off where `deferred`; answers when it was accepted.
    fn message(
        &mut self,
        day: &Day,
        letter: &Letter,
        content: Id,
        to: &str,
        answer: &Answer,
        deferred: bool,
    ) -> DateTime<Utc> {
        let at = self.moment(day);
        let mut message = self.row(day, letter, content, to, (at, answer.status));
        if deferred {
            message.num_attempts += 1;
            self.attempt(&message, at, &BUSY);
        }
        message.num_attempts += 1;
        let started = at + if deferred { RETRIED_AFTER } else { TimeDelta::zero() };
        let (tried, done) = self.attempt(&message, started, answer);
        message.updated_at = done.naive_utc();
        message.bounce_classification = answer.classification.map_or("", Classification::as_str).into();
        if answer.status == MessageStatus::Delivered {
            message.sent_at = Some(tried.naive_utc());
            message.delivered_at = Some(done.naive_utc());
        }
        self.rows.messages.push(message);
        at
    }

    /// Writes one attempt down; answers when it began and ended.
    pub(super) fn attempt(
        &mut self,
        message: &Message,
        at: DateTime<Utc>,
        answer: &Answer,
    ) -> (DateTime<Utc>, DateTime<Utc>) {
        let tried = at + TimeDelta::milliseconds(300);
        let done = tried + TimeDelta::milliseconds(self.random.between(80, 2_400));
        let host = message.recipient.rsplit_once('@').map_or("", |(_, host)| host);
        self.rows.attempts.push(Attempt {
            id: self.random.id(tried),
            message_id: message.id,
            account_id: self.sender.account_id,
            number: message.num_attempts,
            started_at: tried.naive_utc(),
            finished_at: Some(done.naive_utc()),
            status: answer.status.as_str().into(),
            host: format!("mx1.{host}"),
            code: Some(answer.code),
            log: answer.text.into(),
        });
        (tried, done)
    }

    /// Some time of the day at which people are awake, and which has passed.
    pub(super) fn moment(&mut self, day: &Day) -> DateTime<Utc> {
        let from = if day.hours > 8 { 7 * 3600 } else { 0 };
        let to = (day.hours * 3600 - RETRIED_AFTER.num_seconds() - 5).max(from);
        day.start + TimeDelta::milliseconds(self.random.between(from * 1000, to * 1000))
    }

    pub(super) fn row(
        &mut self,
        day: &Day,
        letter: &Letter,
        content_id: Id,
        to: &str,
        (at, status): (DateTime<Utc>, MessageStatus),
    ) -> Message {
        let after = |days: i64| (at + TimeDelta::days(days)).naive_utc();
        Message {
            id: self.random.id(at),
            account_id: self.sender.account_id,
            domain_id: self.sender.domain_id,
            period_id: self.calendar.periods[day.period].id,
            day: day.text.clone(),
            content_id,
            sender: format!("hello@{}", self.sender.domain),
            sender_domain: self.sender.domain.clone(),
            recipient: to.into(),
            recipient_lower: to.into(),
            recipient_name: None,
            subject: letter.subject.into(),
            tags: json!([letter.tag]).to_string(),
            status: status.as_str().into(),
            sandbox: None,
            track_opens: false,
            track_clicks: false,
            num_attempts: 0,
            bounce_classification: String::new(),
            scheduled_at: None,
            expires_at: after(3),
            created_at: at.naive_utc(),
            updated_at: at.naive_utc(),
            sent_at: None,
            delivered_at: None,
            retain_until: after(i64::from(SAID_DAYS)),
            purge_at: after(i64::from(self.sender.kept_days.max(3))),
        }
    }
}
