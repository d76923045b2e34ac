//! One family: in the program, and in the model.

use canopy::actions::accept_message::{Outcome, has_room, release_held};
use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::actions::lift_suspension::lift_suspension;
use canopy::actions::set_limits::{set_limits, set_pool};
use canopy::actions::update_account::{AccountChanges, update_account};
use canopy::actions::update_sub_account::{Changes, update_sub_account};
use canopy::actions::{ActionError, ActionResult};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::ids::Id;
use canopy::domain::limits::{AlertPercents, AtCap, Limits};
use canopy::domain::period::BillingAnchor;
use canopy::models::accounts::{self, Account};
use canopy::models::{counters, held, limits, periods};
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::model::{self, Fate, Model, Rules};
use super::steps::{Send, Step};
use crate::accepting::suspension::suspend;
use crate::support::app::{Client, TestApp, prepared};
use crate::support::rows::{self, Signing};

const ZONES: [&str; 4] = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"];
const RECIPIENTS: [&str; 12] = ["ann@example.org"; 12];

pub struct Family {
    /// The parent and its children, as senders.
    clients: Vec<Client>,
    pub model: Model,
    /// What was done, for whoever reads of a difference.
    told: Vec<String>,
}

impl Family {
    pub async fn new(app: &TestApp, signing: &Signing, random: &mut StdRng) -> Self {
        let (zone, anchor) = (*ZONES.choose(random).expect("some"), *[1, 1, 15, 28].choose(random).expect("some"));
        let sealed = signing.clone();
        let clients = app
            .write(move |conn, cx| {
                let mut parent = Account::new(Id::new(cx.now), None, "Family", "family.example", cx.at());
                (parent.time_zone, parent.anchor_day) = (zone.into(), anchor);
                accounts::insert(conn, &parent)?;
                let mut ids = vec![parent.id];
                for number in 0..3 {
                    ids.push(rows::sub_account(conn, cx, parent.id, &format!("child{number}"), 0)?);
                }
                let client = |id: Id| {
                    let domain = format!("d{id}.example");
                    rows::verified_domain(conn, cx, id, &domain, &sealed)?;
                    Ok(Client { id, key: String::new(), domain })
                };
                ids.into_iter().map(client).collect::<ActionResult<Vec<_>>>()
            })
            .await;
        let free = Limits::default();
        let rules = Rules {
            cap: 0,
            at_cap: AtCap::Reject,
            hold_days: free.hold_days,
            daily: 0,
            hourly: 0,
            sends_nothing: false,
            suspended: false,
        };
        let account = model::Account { rules, deleted: false, out: Vec::new(), waiting: Default::default() };
        let accounts = vec![account; clients.len()];
        let now = app.app.clock.now();
        let model = Model::new(zone.parse().expect("a zone"), anchor.cast_unsigned(), now, accounts);
        Self { clients, model, told: vec![format!("{zone} {anchor}")] }
    }

    /// Takes one step in both, which must agree.
    pub async fn take(&mut self, app: &TestApp, now: DateTime<Utc>, step: Step) -> (Step, Vec<Fate>) {
        self.told.push(format!("{now} {step:?}"));
        self.model.roll(now);
        let fates = match &step {
            Step::Send(sends) => self.send(app, now, sends).await,
            Step::Release => self.release(app, now).await,
            Step::Pool(pool) => self.pool(app, *pool).await,
            Step::Cap(child, cap) => self.cap(app, *child, *cap).await,
            Step::Limits(child, rules) => self.limits(app, *child, rules).await,
            Step::Suspend(child, on) => self.suspend(app, *child, *on).await,
            Step::Delete(child) => self.delete(app, *child).await,
            Step::Anchor(day) => self.anchor(app, *day).await,
        };
        self.compare(app, now).await;
        (step, fates)
    }

    async fn send(&mut self, app: &TestApp, now: DateTime<Utc>, sends: &[Send]) -> Vec<Fate> {
        let mut fates = Vec::with_capacity(sends.len());
        for wave in waves(sends) {
            fates.extend(self.send_wave(app, now, wave).await);
        }
        fates
    }

    /// Sends of different accounts: they are committed in the order in which they are handed over, however many together.
    async fn send_wave(&mut self, app: &TestApp, now: DateTime<Utc>, sends: &[Send]) -> Vec<Fate> {
        let expected: Vec<Fate> =
            sends.iter().map(|one| self.model.send(one.account, now, one.recipients, one.all_or_none)).collect();
        let asked = sends.iter().map(|one| {
            let count = usize::try_from(one.recipients).expect("few");
            let mut request = prepared(&self.clients[one.account], &RECIPIENTS[..count]);
            request.all_or_none = one.all_or_none;
            app.app.committer.accept(request)
        });
        for ((send, expected), answer) in sends.iter().zip(&expected).zip(join_all(asked).await) {
            let fate = match answer {
                Ok(accepted) => {
                    let refused = |entry: &&_| matches!(entry, Outcome::Refused { .. });
                    let outcomes: Vec<Outcome> = accepted.entries.into_iter().map(|entry| entry.outcome).collect();
                    let refused = outcomes.iter().filter(refused).count() as i64;
                    Fate { taken: send.recipients - refused, refused, suspended: false }
                }
                Err(ActionError::CapReached { .. }) => Fate { refused: send.recipients, ..Fate::default() },
                Err(ActionError::Suspended { .. }) => Fate { suspended: true, ..Fate::default() },
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(fate, *expected, "{send:?}\n{}", self.told.join("\n"));
        }
        expected
    }

    /// As the leader does, account by account.
    async fn release(&mut self, app: &TestApp, now: DateTime<Utc>) -> Vec<Fate> {
        for (number, client) in self.clients.iter().enumerate() {
            self.model.release(number, now);
            let account = client.id;
            while app.read(move |conn| has_room(conn, now, account)).await {
                let services = app.app.services.clone();
                if app.write(move |conn, _| release_held(conn, now, &services, account, 7)).await == 0 {
                    break;
                }
            }
        }
        Vec::new()
    }

    async fn pool(&mut self, app: &TestApp, pool: i64) -> Vec<Fate> {
        self.model.pool = pool;
        let parent = self.clients[0].id;
        app.write(move |conn, cx| set_pool(conn, cx, parent, pool, AlertPercents::default())).await;
        Vec::new()
    }

    async fn cap(&mut self, app: &TestApp, child: usize, cap: i64) -> Vec<Fate> {
        if std::mem::replace(&mut self.model.accounts[child].rules.cap, cap) != cap {
            let (parent, id) = (self.clients[0].id, self.clients[child].id);
            let changes = Changes { cap: Some(MonthlyCap::new(cap).expect("a cap")), ..Changes::default() };
            app.write(move |conn, cx| update_sub_account(conn, cx, parent, id, &changes)).await;
        }
        Vec::new()
    }

    async fn limits(&mut self, app: &TestApp, child: usize, rules: &Rules) -> Vec<Fate> {
        let wanted = Limits {
            at_cap: rules.at_cap,
            hold_days: rules.hold_days,
            daily: rules.daily,
            hourly: rules.hourly,
            sends_nothing: rules.sends_nothing,
            alerts: AlertPercents::default(),
        };
        let known = &mut self.model.accounts[child].rules;
        *known = Rules { cap: known.cap, suspended: known.suspended, ..rules.clone() };
        let (parent, id) = (self.clients[0].id, self.clients[child].id);
        app.write(move |conn, cx| set_limits(conn, cx, parent, id, wanted)).await;
        Vec::new()
    }

    async fn suspend(&mut self, app: &TestApp, child: usize, on: bool) -> Vec<Fate> {
        let (parent, id) = (self.clients[0].id, self.clients[child].id);
        match (std::mem::replace(&mut self.model.accounts[child].rules.suspended, on), on) {
            (false, true) => suspend(app, parent, id).await,
            (true, false) => drop(app.write(move |conn, cx| lift_suspension(conn, cx, parent, id)).await),
            _ => {}
        }
        Vec::new()
    }

    async fn delete(&mut self, app: &TestApp, child: usize) -> Vec<Fate> {
        let account = &mut self.model.accounts[child];
        (account.deleted, account.waiting) = (true, Default::default());
        let (parent, id) = (self.clients[0].id, self.clients[child].id);
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, id)).await;
        app.clear_queues().await;
        Vec::new()
    }

    /// Another billing day: from the next period on.
    async fn anchor(&mut self, app: &TestApp, day: u32) -> Vec<Fate> {
        self.model.anchor = day;
        let (parent, zone) = (self.clients[0].id, self.model.zone);
        let anchor = BillingAnchor::new(i64::from(day), zone).expect("a day");
        let changes = AccountChanges { anchor: Some(anchor), ..AccountChanges::default() };
        app.write(move |conn, cx| update_account(conn, cx, parent, &changes)).await;
        Vec::new()
    }

    /// What was counted and what waits, of every account, and the pool.
    async fn compare(&self, app: &TestApp, now: DateTime<Utc>) {
        let ids: Vec<Id> = self.clients.iter().map(|client| client.id).collect();
        let (parent, pooled) = (ids[0], self.model.pool > 0);
        let found = app
            .read(move |conn| {
                let period = periods::containing(conn, parent, now.naive_utc())?.map(|period| period.id);
                let mut all = Vec::new();
                for id in ids {
                    let used = period.map_or(Ok(0), |period| counters::used(conn, id, period))?;
                    all.push((used, held::count(conn, id)?));
                }
                let pool = period.filter(|_| pooled);
                Ok((all, pool.map_or(Ok(0), |period| limits::pool_used(conn, parent, period))?))
            })
            .await;
        let of = |(number, account): (usize, &model::Account)| {
            (self.model.in_month(number, now), account.waiting.len() as i64)
        };
        let expected: Vec<(i64, i64)> = self.model.accounts.iter().enumerate().map(of).collect();
        let pool = if pooled { self.model.of_pool(now) } else { 0 };
        assert_eq!(found, (expected, pool), "counted and waiting, and the pool\n{}", self.told.join("\n"));
    }
}

/// In order, parted before an account comes again: accounts are committed in turn, so that another's later request may go
/// before somebody's second.
fn waves(sends: &[Send]) -> Vec<&[Send]> {
    let (mut waves, mut from) = (Vec::new(), 0);
    for at in 1..sends.len() {
        if sends[from..at].iter().any(|earlier| earlier.account == sends[at].account) {
            waves.push(&sends[from..at]);
            from = at;
        }
    }
    waves.push(&sends[from..]);
    waves
}
