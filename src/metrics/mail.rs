//! Mail through this node: accepted, refused, tried, and what came back.

use std::time::Duration;

use prometheus::{Error, HistogramVec, IntCounterVec};

use super::Makes;
use crate::domain::message::status::MessageStatus;
use crate::domain::transport::TransportKind;

/// Recipients that were accepted, by what becomes of them.
pub const ACCEPTED: [&str; 5] = ["queued", "scheduled", "held", "suppressed", "sandbox"];
/// Recipients that were refused, by why.
pub const REFUSED: [&str; 6] = ["cap", "content", "suspended", "domain", "account", "failed"];
/// How attempts end.
const OUTCOMES: [MessageStatus; 4] =
    [MessageStatus::Delivered, MessageStatus::Deferred, MessageStatus::Bounced, MessageStatus::Failed];
const GROUPS: [f64; 10] = [1., 2., 4., 8., 16., 32., 64., 128., 256., 512.];
const COMMITS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 10.];
const ATTEMPTS: [f64; 12] = [0.01, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 5., 10., 30., 120., 600.];

/// What is counted of mail.
pub struct Mail {
    accepted: IntCounterVec,
    refused: IntCounterVec,
    groups: HistogramVec,
    commits: HistogramVec,
    deliveries: IntCounterVec,
    attempts: HistogramVec,
    reports: IntCounterVec,
}

impl Mail {
    pub(super) fn new(made: &Makes) -> Result<Self, Error> {
        let mail = Self {
            accepted: made.counters(
                "messages_accepted_total",
                "Recipients accepted on this node, by what becomes of them",
                &["kind"],
            )?,
            refused: made.counters(
                "messages_refused_total",
                "Recipients that this node's committer refused, by why; what is malformed never comes so far",
                &["reason"],
            )?,
            groups: made.histograms("commit_group_size", "Requests accepted in one transaction", &[], &GROUPS)?,
            commits: made.histograms("commit_seconds", "Time of a transaction that accepts", &[], &COMMITS)?,
            deliveries: made.counters(
                "deliveries_total",
                "Delivery attempts of this node, by what became of the message and how it left",
                &["outcome", "transport"],
            )?,
            attempts: made.histograms(
                "delivery_attempt_seconds",
                "Time of a delivery attempt, from the opened connection to the answer",
                &["transport"],
                &ATTEMPTS,
            )?,
            reports: made.counters(
                "reports_total",
                "Bounces and complaints that came back to this node and were recorded",
                &["kind"],
            )?,
        };
        mail.begin();
        Ok(mail)
    }

    /// A series that is not there yet cannot be told from one that is missing: all begin at zero.
    fn begin(&self) {
        ACCEPTED.iter().for_each(|kind| self.accepted.with_label_values(&[kind]).reset());
        REFUSED.iter().for_each(|reason| self.refused.with_label_values(&[reason]).reset());
        ["bounce", "complaint"].iter().for_each(|kind| self.reports.with_label_values(&[kind]).reset());
        for kind in TransportKind::ALL {
            self.attempts.with_label_values(&[kind.as_str()]);
            OUTCOMES.iter().for_each(|outcome| self.delivery(*outcome, Some(kind)).reset());
        }
        self.groups.with_label_values::<&str>(&[]);
        self.commits.with_label_values::<&str>(&[]);
    }

    /// Counts recipients of one of the kinds in [`ACCEPTED`].
    pub fn accepted(&self, kind: &str, recipients: u64) {
        self.accepted.with_label_values(&[kind]).inc_by(recipients);
    }

    /// Counts recipients by one of the reasons in [`REFUSED`].
    pub fn refused(&self, reason: &str, recipients: u64) {
        self.refused.with_label_values(&[reason]).inc_by(recipients);
    }

    /// Notes a transaction of so many requests.
    pub fn committed(&self, requests: usize, took: Duration) {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        self.groups.with_label_values::<&str>(&[]).observe(f64::from(requests));
        self.commits.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
    }

    /// Counts an attempt that was recorded; without a transport it never came so far.
    pub fn attempted(&self, outcome: MessageStatus, transport: Option<TransportKind>) {
        self.delivery(outcome, transport).inc();
    }

    /// Notes how long an attempt took.
    pub fn tried(&self, transport: TransportKind, took: Duration) {
        self.attempts.with_label_values(&[transport.as_str()]).observe(took.as_secs_f64());
    }

    /// Counts a recorded report.
    pub fn reported(&self, complaint: bool) {
        self.reports.with_label_values(&[if complaint { "complaint" } else { "bounce" }]).inc();
    }

    fn delivery(&self, outcome: MessageStatus, transport: Option<TransportKind>) -> prometheus::IntCounter {
        let transport = transport.map_or("none", TransportKind::as_str);
        self.deliveries.with_label_values(&[outcome.as_str(), transport])
    }
}
