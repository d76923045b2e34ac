//! An agency whose day is made by chance.

use std::collections::BTreeMap;

use canopy::actions::accept_message::{Outcome, has_room, release_held};
use canopy::actions::cancel_queued::cancel_queued;
use canopy::actions::claim_deliveries::{Claimed, Wanted, claim_deliveries};
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::finish_deliveries::{Answer, Finished, finish_deliveries};
use canopy::actions::queue_selection::{QueueOf, Selection};
use canopy::actions::receive_report::{Incoming, receive_report};
use canopy::actions::set_limits::set_limits;
use canopy::actions::set_plan::{Begins, set_plan};
use canopy::domain::bounce::Classification;
use canopy::domain::ids::Id;
use canopy::domain::limits::{AtCap, Limits};
use canopy::domain::number::NumberStyle;
use canopy::domain::rating::Plan;
use canopy::domain::returned::{Complaint, Failure, Report, Returned};
use canopy::domain::transport::TransportKind;
use canopy::models::accounts;
use canopy::models::queue_view::{Filter, Whose};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use crate::support::app::{Agency, Client, TestApp, prepared};

/// Messages of one request, and attempts recorded together, at most.
const MOST: usize = 40;
/// The cap of the child that holds.
const CAP: i64 = 100;
const REPLIES: [(u16, &str); 7] = [
    (250, "2.0.0 taken"),
    (250, "2.0.0 taken"),
    (250, "2.0.0 taken"),
    (451, "4.2.0 later"),
    (550, "5.1.1 nobody here"),
    (552, "5.2.2 the mailbox is full"),
    (554, "5.7.1 spam"),
];

pub struct Business<'a> {
    app: &'a TestApp,
    agency: Agency,
    pub parent: Id,
    /// The first child holds at its cap; the parent sends too.
    senders: Vec<Client>,
    random: StdRng,
    /// What somebody was asked to take: nobody else knows where to report it.
    left: Vec<Id>,
    /// How many operations of each kind there were.
    counts: BTreeMap<&'static str, u64>,
    children: usize,
}

impl<'a> Business<'a> {
    pub async fn new(app: &'a TestApp, random: StdRng) -> Self {
        let agency = app.agency("Ledger").await;
        app.verified_domain(agency.id, "own.example").await;
        let own = Client { id: agency.id, key: String::new(), domain: "own.example".into() };
        let holding = app.client(&agency, "holding", CAP).await;
        let (parent, child) = (agency.id, holding.id);
        let limits = Limits { at_cap: AtCap::Hold, hold_days: 2, ..Limits::default() };
        app.write(move |conn, cx| set_limits(conn, cx, parent, child, limits)).await;
        app.verified_domain(child, "second.example").await;
        let senders =
            vec![holding, own, app.client(&agency, "free", 0).await, app.client(&agency, "capped", CAP).await];
        Self { app, parent, agency, senders, random, left: Vec::new(), counts: BTreeMap::new(), children: 0 }
    }

    fn count(&mut self, what: &'static str, many: usize) {
        *self.counts.entry(what).or_default() += many as u64;
    }

    /// Operations so far.
    pub fn done(&self) -> u64 {
        self.counts.values().sum()
    }

    pub fn told(&self) -> String {
        format!("{:?}", self.counts)
    }

    pub fn met_everything(&self) -> bool {
        let kinds = ["accepted", "attempted", "released", "bounced", "complained", "cancelled", "removed", "priced"];
        kinds.iter().all(|kind| self.counts.contains_key(kind))
    }

    /// One thing that happens.
    pub async fn something(&mut self) {
        match self.random.random_range(0..100) {
            0..40 => self.accept().await,
            40..75 => self.attempt().await,
            75..90 => self.report().await,
            90..92 => self.release().await,
            92..93 => self.cancel().await,
            93..95 => self.remove().await,
            95..97 => self.price().await,
            _ => {
                let hours = *[1, 7, 30, 24 * 9].choose(&mut self.random).expect("some");
                self.app.app.clock.step(TimeDelta::hours(hours));
            }
        }
    }

    /// What a short run might never come to.
    pub async fn what_is_rare(&mut self) {
        self.release().await;
        self.cancel().await;
        self.remove().await;
        self.price().await;
    }

    async fn accept(&mut self) {
        let sender = self.senders.choose(&mut self.random).expect("some").clone();
        // Some come again and again, so that some are suppressed by then.
        let name = |random: &mut StdRng| format!("r{}@example.org", random.random_range(0..20_000));
        let many = self.random.random_range(1..=MOST);
        let to: Vec<String> = (0..many).map(|_| name(&mut self.random)).collect();
        let mut request = prepared(&sender, &to.iter().map(String::as_str).collect::<Vec<_>>());
        let tags = ["welcome", "invoice", "news"].into_iter().filter(|_| self.random.random_bool(0.4));
        request.tags = tags.map(str::to_owned).collect();
        if sender.id == self.senders[0].id && self.random.random_bool(0.5) {
            (request.sender, request.sender_domain) = ("b@second.example".into(), "second.example".into());
        }
        if self.random.random_bool(0.1) {
            request.first_attempt = Some(self.app.app.clock.now() + TimeDelta::hours(5));
        }
        let Ok(accepted) = self.app.app.committer.accept(request).await else { return self.count("refused", many) };
        for entry in accepted.entries {
            match entry.outcome {
                Outcome::Queued { .. } | Outcome::Scheduled { .. } => self.count("accepted", 1),
                Outcome::Refused { .. } => self.count("refused", 1),
            }
        }
    }

    async fn attempt(&mut self) {
        let now = self.app.app.clock.now();
        let wanted = Wanted { limit: MOST, per_account: MOST, ..Wanted::default() };
        let claimed = self.app.write(move |conn, _| claim_deliveries(conn, now, &wanted)).await;
        let ended: Vec<Finished> = claimed.into_iter().filter_map(|one| self.ended(one, now)).collect();
        self.count("attempted", ended.len());
        self.left.extend(ended.iter().map(|one| one.claimed.message.id));
        self.app.write(move |conn, _| finish_deliveries(conn, now, &ended).map(drop)).await;
    }

    /// How an attempt ended; `None` where its node was gone before it could be recorded.
    fn ended(&mut self, claimed: Claimed, at: DateTime<Utc>) -> Option<Finished> {
        let (code, text) = *REPLIES.choose(&mut self.random).expect("some");
        let answer = match self.random.random_range(0..100) {
            0..4 => return None,
            4..8 => Answer::NoReply { text: "it hung up".into() },
            8..10 => Answer::NotBegun,
            10..12 => Answer::NotNow { until: at + TimeDelta::minutes(1) },
            _ => Answer::Reply { code, text: text.into() },
        };
        Some(Finished { claimed, host: "mx.example.org".into(), transport: Some(TransportKind::Relay), answer, at })
    }

    /// Reports come in about any that were tried, some twice, some too early.
    async fn report(&mut self) {
        let (now, services) = (self.app.app.clock.now(), self.app.app.services.clone());
        for _ in 0..20 {
            let Some(id) = self.left.choose(&mut self.random).copied() else { return };
            let complains = self.random.random_bool(0.4);
            let report = if complains { complaint() } else { bounce(self.random.random_bool(0.5)) };
            let incoming = Incoming { addressed: vec![id], returned: Returned { report, traces: Default::default() } };
            let services = services.clone();
            // One that comes too early is told to come again, and nothing was written.
            let taken = self.app.app.write(move |conn| receive_report(conn, now, &services, &incoming)).await;
            let counted = taken.is_ok_and(|each| each.iter().all(Result::is_ok));
            self.count(
                if !counted {
                    "reported in vain"
                } else if complains {
                    "complained"
                } else {
                    "bounced"
                },
                1,
            );
        }
    }

    async fn release(&mut self) {
        let now = self.app.app.clock.now();
        for account in self.senders.iter().map(|sender| sender.id).collect::<Vec<_>>() {
            while self.app.read(move |conn| has_room(conn, now, account)).await {
                let services = self.app.app.services.clone();
                let moved = self.app.write(move |conn, _| release_held(conn, now, &services, account, 50)).await;
                self.count("released", moved);
                if moved == 0 {
                    break;
                }
            }
        }
    }

    async fn cancel(&mut self) {
        let account = self.senders.choose(&mut self.random).expect("some").id;
        let holder = self.app.read(move |conn| Ok(accounts::find_any(conn, account)?)).await.expect("the account");
        let of = QueueOf { holder, whose: Whose::Account(account) };
        let mut after = Some(None);
        while let Some(from) = after {
            let (of, chosen) = (of.clone(), Selection::Matching(Filter::default(), from));
            let done = self.app.write(move |conn, cx| cancel_queued(conn, cx, &of, &chosen)).await;
            self.count("cancelled", done.changed);
            after = done.next.map(Some);
        }
    }

    /// A client goes and another comes.
    async fn remove(&mut self) {
        self.children += 1;
        let next = self.app.client(&self.agency, &format!("next{}", self.children), 0).await;
        let gone = std::mem::replace(&mut self.senders[2], next).id;
        let parent = self.parent;
        self.app.write(move |conn, cx| delete_sub_account(conn, cx, parent, gone)).await;
        self.app.clear_queues().await;
        self.count("removed", 1);
    }

    async fn price(&mut self) {
        let fee = self.random.random_range(0..100).to_string();
        let price = format!("{}.{:02}", self.random.random_range(1..400), self.random.random_range(0..100));
        let plan = Plan::parse(
            "usd",
            &fee,
            "100",
            &[("1000".into(), price), (String::new(), "0.37".into())],
            NumberStyle::Point,
        );
        let (parent, plan) = (self.parent, plan.expect("a plan"));
        self.app.write(move |conn, cx| set_plan(conn, cx, parent, plan, Begins::Running)).await;
        self.count("priced", 1);
    }
}

fn complaint() -> Report {
    Report::Complaint(Complaint { kind: "abuse".into(), host: "mailbox.example".into() })
}

fn bounce(hard: bool) -> Report {
    let classification = if hard { Classification::InvalidRecipient } else { Classification::MailboxFull };
    let (reason, host) = ("550 5.1.1 nobody here".into(), "mx.example.org".into());
    Report::Bounce(vec![Failure { addresses: Vec::new(), hard, classification, reason, host }], Vec::new())
}
