//! What became of attempts: delivered, tried again later, or over. Many in one transaction.
//!
//! The window that stays: a process that dies between the other side's 250 and this commit. The lease then runs out
//! and the message is sent again under the same Message-ID.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDateTime, Utc};

use super::automatic_suppression::{self as automatic, Address};
use super::claim_deliveries::Claimed;
use super::error::ActionResult;
use super::tally::Tally;
use crate::domain::bounce::{self, Unreachable, Verdict};
use crate::domain::foreign;
use crate::domain::ids::Id;
use crate::domain::message::status::MessageStatus;
use crate::domain::retry::next_attempt;
use crate::domain::transport::TransportKind;
use crate::models::AnyConnection;
use crate::models::counters::Delta;
use crate::models::messages::{self, Attempt, Message, Progress};
use crate::models::queue::{self, Back};
use crate::models::{accounts, suppressions};

/// Characters kept of what the other side said.
const LOG_LENGTH: usize = 1000;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The other side said so.
    Reply { code: u16, text: String },
    /// There was no answer about this message; says nothing about the recipient.
    NoReply { text: String },
    /// Nobody was asked, and the message is not to be sent any more.
    Withdrawn { text: String },
    /// The attempt was never begun: the account came on hold in between.
    NotBegun,
    /// The attempt was never begun: there was no room for it, and is none before then.
    NotNow { until: DateTime<Utc> },
}

/// An attempt and how it ended.
#[derive(Clone, Debug)]
pub struct Finished {
    pub claimed: Claimed,
    /// Who was asked.
    pub host: String,
    /// How it was to leave; `None` when it never came so far.
    pub transport: Option<TransportKind>,
    pub answer: Answer,
    pub at: DateTime<Utc>,
}

/// Whether what the other side said is written down with its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Kept,
    Dropped,
}

/// What follows for the message.
enum Next {
    Over { status: MessageStatus, classification: &'static str, suppress: bool },
    Later { due: DateTime<Utc> },
    Back { due: DateTime<Utc> },
}

/// An attempt that moved its message on: what became of the message, and how it left.
pub type Moved = (MessageStatus, Option<TransportKind>);

impl Next {
    /// What became of the message; `None` where there was no attempt.
    fn status(&self) -> Option<MessageStatus> {
        match self {
            Self::Over { status, .. } => Some(*status),
            Self::Later { .. } => Some(MessageStatus::Deferred),
            Self::Back { .. } => None,
        }
    }
}

/// Records attempts; answers those that still held their lease, but for those that were never begun. One that lost it changes only its own line in the story.
///
/// # Errors
/// Only the database's: then nothing was recorded, and the same call may be made again.
pub fn finish_deliveries(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    finished: &[Finished],
) -> ActionResult<Vec<Moved>> {
    finish(conn, now, finished, Words::Kept)
}

/// The same of one attempt whose words the database does not take: the outcome is what they say it is, its code stays,
/// and the words are left out. Better than an outcome that is lost, since that would be sent again.
///
/// # Errors
/// As [`finish_deliveries`].
pub fn finish_without_words(conn: &mut AnyConnection, now: DateTime<Utc>, one: &Finished) -> ActionResult<Vec<Moved>> {
    finish(conn, now, std::slice::from_ref(one), Words::Dropped)
}

fn finish(
    conn: &mut AnyConnection,
    now: DateTime<Utc>,
    finished: &[Finished],
    words: Words,
) -> ActionResult<Vec<Moved>> {
    let mut decided: Vec<(&Finished, Next)> = finished.iter().map(|one| (one, decide(one))).collect();
    decided.sort_by_key(|(one, _)| one.claimed.message.id);
    let accounts: Vec<Id> = finished.iter().map(|one| one.claimed.message.account_id).collect();
    let roots: HashMap<Id, Id> =
        accounts::find_many(conn, &accounts)?.into_iter().map(|account| (account.id, account.root_id())).collect();
    wake(conn, now, &decided)?;
    let lease = |one: &Finished| (one.claimed.message.id, one.claimed.owner);
    let leases: Vec<(Id, Id)> = decided.iter().map(|(one, _)| lease(one)).collect();
    let held: HashSet<(Id, Id)> = queue::give_back(conn, &leases)?.into_iter().collect();
    let (decided, lost): (Vec<_>, Vec<_>) = decided.into_iter().partition(|(one, _)| held.contains(&lease(one)));
    advance(conn, &decided)?;
    record_attempts(conn, decided.iter().chain(&lost), words)?;
    let mut tally = Tally::default();
    for (one, next) in &decided {
        let message = &one.claimed.message;
        let root = roots.get(&message.account_id).copied().unwrap_or(message.account_id);
        tally.add(message, root, counted(message, next));
    }
    suppress(conn, &decided, words)?;
    tally.write(conn)?;
    Ok(decided.iter().filter_map(|(one, next)| Some((next.status()?, one.transport))).collect())
}

impl Words {
    /// `text` in a form that can be stored.
    fn of(self, text: &str) -> String {
        match self {
            Self::Kept => foreign::storable(text).into_owned(),
            Self::Dropped => String::new(),
        }
    }
}

fn decide(one: &Finished) -> Next {
    let over = |status, classification, suppress| Next::Over { status, classification, suppress };
    match &one.answer {
        Answer::NotBegun => Next::Back { due: one.at },
        Answer::NotNow { until } => Next::Back { due: *until },
        Answer::Withdrawn { .. } => over(MessageStatus::Failed, "", false),
        Answer::NoReply { .. } => later(one)
            .unwrap_or_else(|| over(MessageStatus::Failed, Unreachable::NoConnection.classification().as_str(), false)),
        Answer::Reply { code, text } => match bounce::judge(*code, text) {
            Verdict::Deferred => later(one).unwrap_or_else(|| ended(bounce::exhausted(*code, text))),
            verdict => ended(verdict),
        },
    }
}

fn ended(verdict: Verdict) -> Next {
    match verdict {
        Verdict::Delivered => Next::Over { status: MessageStatus::Delivered, classification: "", suppress: false },
        Verdict::Bounced { hard, classification } => {
            Next::Over { status: MessageStatus::Bounced, classification: classification.as_str(), suppress: hard }
        }
        // Deferred cannot be the last word; if it were, the fault would be ours.
        Verdict::Failed | Verdict::Deferred => Next::Over {
            status: MessageStatus::Failed,
            classification: bounce::Classification::ProtocolErrors.as_str(),
            suppress: false,
        },
    }
}

/// When the message is tried again, unless its attempts or its time ran out.
fn later(one: &Finished) -> Option<Next> {
    let message = &one.claimed.message;
    let attempts = u32::try_from(one.claimed.attempt.number).unwrap_or(1).max(1);
    let due = message.scheduled_at.unwrap_or(message.created_at).and_utc();
    next_attempt(message.id, attempts, due, Some(message.expires_at.and_utc()), one.at).map(|due| Next::Later { due })
}

/// Makes sure that the accounts of messages that come back are looked at. First, because claiming locks queues first.
fn wake(conn: &mut AnyConnection, now: DateTime<Utc>, decided: &[(&Finished, Next)]) -> ActionResult<()> {
    let mut dues: BTreeMap<Id, NaiveDateTime> = BTreeMap::new();
    for (one, next) in decided {
        let due = match next {
            Next::Over { .. } => continue,
            Next::Later { due } => due.naive_utc(),
            Next::Back { due } => (*due).max(now).naive_utc(),
        };
        dues.entry(one.claimed.message.account_id).and_modify(|at| *at = due.min(*at)).or_insert(due);
    }
    Ok(queue::wake(conn, &dues.into_iter().collect::<Vec<_>>())?)
}

/// Writes how the attempts ended, and forgets those that never began.
fn record_attempts<'a>(
    conn: &mut AnyConnection,
    decided: impl Iterator<Item = &'a (&'a Finished, Next)>,
    words: Words,
) -> ActionResult<()> {
    let mut ended = Vec::with_capacity(decided.size_hint().0);
    for (one, next) in decided {
        let attempt = &one.claimed.attempt;
        let (code, log) = match &one.answer {
            Answer::Reply { code, text } => (Some(i32::from(*code)), text),
            Answer::NoReply { text } | Answer::Withdrawn { text } => (None, text),
            Answer::NotBegun | Answer::NotNow { .. } => {
                messages::remove_attempt(conn, attempt.message_id, attempt.id)?;
                continue;
            }
        };
        let status = match next {
            Next::Over { status, .. } => status.as_str(),
            Next::Later { .. } | Next::Back { .. } => MessageStatus::Deferred.as_str(),
        };
        ended.push(Attempt {
            finished_at: Some(one.at.naive_utc()),
            status: status.into(),
            host: words.of(&one.host),
            code,
            log: words.of(log).chars().take(LOG_LENGTH).collect(),
            ..attempt.clone()
        });
    }
    Ok(messages::finish_attempts(conn, &ended)?)
}

/// Moves the messages and their places in the queue on.
fn advance(conn: &mut AnyConnection, decided: &[(&Finished, Next)]) -> ActionResult<()> {
    let (mut back, mut over, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for (one, next) in decided {
        let (message_id, number) = (one.claimed.message.id, one.claimed.attempt.number);
        match next {
            Next::Back { due } => back.push(Back { message_id, due_at: due.naive_utc(), attempts: number - 1 }),
            Next::Later { due } => back.push(Back { message_id, due_at: due.naive_utc(), attempts: number }),
            Next::Over { .. } => over.push(message_id),
        }
        moved.extend(progress(one, next).map(|progress| (message_id, progress)));
    }
    queue::retry(conn, &back)?;
    queue::remove_given_back(conn, &over)?;
    Ok(messages::advance(conn, &moved)?)
}

/// Where the message stands then; an attempt that never began leaves it where it was.
fn progress(one: &Finished, next: &Next) -> Option<Progress<'static>> {
    let message = &one.claimed.message;
    let (now, num_attempts) = (one.at.naive_utc(), one.claimed.attempt.number);
    match next {
        Next::Back { .. } => None,
        Next::Later { .. } => Some(Progress {
            status: MessageStatus::Deferred.as_str(),
            num_attempts,
            classification: "",
            now,
            sent_at: message.sent_at,
            delivered_at: None,
        }),
        Next::Over { status, classification, .. } => {
            let delivered = *status == MessageStatus::Delivered;
            Some(Progress {
                status: status.as_str(),
                num_attempts,
                classification,
                now,
                sent_at: message.sent_at.or(delivered.then_some(one.claimed.attempt.started_at)),
                delivered_at: delivered.then_some(now),
            })
        }
    }
}

/// What the attempt adds to the counters: a message counts as deferred once, however often it is.
fn counted(message: &Message, next: &Next) -> Delta {
    let mut delta = Delta::default();
    match next {
        Next::Over { status: MessageStatus::Delivered, .. } => delta.delivered = 1,
        Next::Over { status: MessageStatus::Bounced, .. } => delta.bounced = 1,
        Next::Over { .. } => delta.failed = 1,
        Next::Later { .. } if message.status != MessageStatus::Deferred.as_str() => delta.deferred = 1,
        Next::Later { .. } | Next::Back { .. } => {}
    }
    delta
}

/// Keeps addresses that do not exist, or were full or out of reach too often, from being written to again, in the words
/// of the server that said so. In one order, so that no two transactions wait for one another.
fn suppress(conn: &mut AnyConnection, decided: &[(&Finished, Next)], words: Words) -> ActionResult<()> {
    let mut rows = Vec::new();
    for (one, next) in decided {
        let (Next::Over { status: MessageStatus::Bounced, classification, suppress }, Answer::Reply { code, text }) =
            (next, &one.answer)
        else {
            continue;
        };
        let (message, at, said) = (&one.claimed.message, one.at.naive_utc(), words.of(&format!("{code} {text}")));
        let address = Address {
            account_id: message.account_id,
            sender_domain: &message.sender_domain,
            email: &message.recipient,
        };
        if *suppress {
            rows.push(automatic::row(address, &said, at));
        } else if bounce::Classification::parse(classification).is_ok_and(bounce::Classification::lies_with_recipient) {
            automatic::note(conn, message.id, address, ("bounce", "soft"), at)?;
            rows.extend(
                automatic::too_many_soft(conn, address, &said, at)?.map(|why| automatic::row(address, &why, at)),
            );
        }
    }
    rows.sort_by(|a, b| (a.account_id, &a.email_lower, &a.domain).cmp(&(b.account_id, &b.email_lower, &b.domain)));
    for row in rows {
        suppressions::upsert(conn, &row)?;
    }
    Ok(())
}
