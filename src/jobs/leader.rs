//! Housekeeping that one node does at a time: the one that holds the lease. Each task is safe to run twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::recall::Watch;
use super::slice_size::SliceSize;
use super::{Departure, audit_heads, make_ahead, pause};
use crate::actions::accept_message::{has_room, release_held};
use crate::actions::clear_queue::{self, Place};
use crate::actions::flush_summaries::flush_summaries;
use crate::actions::lift_suspension::end_due_suspensions;
use crate::actions::seal_audit::{self, Sealing};
use crate::actions::{ActionResult, copy_suppressions, housekeeping, roll_periods, take_over_name};
use crate::app::App;
use crate::domain::ids::Id;
use crate::models::{AnyConnection, held};

/// The shortest time between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// A leader that was not heard of for this long is followed by another node.
pub const LEASE: TimeDelta = TimeDelta::seconds(15);
/// How often billing periods are looked at.
const PERIODS: TimeDelta = TimeDelta::seconds(5);
/// How often what retention no longer keeps is removed.
const PURGE: TimeDelta = TimeDelta::minutes(1);
/// How often days for messages are made ahead.
const DAYS: TimeDelta = TimeDelta::hours(1);
/// How often it is said that the clock is far beyond the newest billing period.
const CLOCK: TimeDelta = TimeDelta::minutes(10);
/// Summaries started anew in one transaction.
const RESET: usize = 500;
/// Parents whose periods are closed in one round.
const CLOSED: i64 = 200;
/// Accounts with held messages looked at together.
const HELD: usize = 256;
/// Held messages released in one transaction.
const RELEASED: i64 = 500;
/// Transactions that one round spends on one task at most: the others want their turn.
const STEPS: usize = 200;

/// A node that keeps house while it holds the lease.
pub struct Leader {
    app: Arc<App>,
    id: Id,
    /// The period whose summaries were last seen to be in order, by parent.
    periods: HashMap<Id, Id>,
    periods_at: Option<DateTime<Utc>>,
    purged_at: Option<DateTime<Utc>>,
    days_at: Option<DateTime<Utc>>,
    /// When it was last said that the clock is far beyond the newest billing period.
    warned_at: Option<DateTime<Utc>>,
    departure: Departure,
    /// What a clock that was ahead may have left in the queue.
    watch: Watch,
    /// How far a removed domain or a deleted account was cleared.
    clearing: Option<Place>,
    slice: SliceSize,
    /// How far a chain of the audit was walked that waits to be sealed.
    sealing: Option<Sealing>,
    /// Whether none waits any more.
    sealed: bool,
}

/// Keeps house until `stop` turns true.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut leader = Leader::new(app);
    while !*stop.borrow() {
        if let Err(error) = leader.round().await {
            log::error!("housekeeping failed and is tried again: {error:?}");
        }
        pause(ROUND, &mut stop).await;
    }
    leader.resign().await;
}

/// Whether what was last done at `at` is due again. A clock that was set back makes it so at once.
fn is_due(at: Option<DateTime<Utc>>, now: DateTime<Utc>, every: TimeDelta) -> bool {
    at.is_none_or(|at| (now - at).abs() >= every)
}

impl Leader {
    #[must_use]
    pub fn new(app: Arc<App>) -> Self {
        let id = Id::new(app.clock.now());
        Self {
            app,
            id,
            periods: HashMap::new(),
            periods_at: None,
            purged_at: None,
            days_at: None,
            warned_at: None,
            departure: Departure::default(),
            watch: Watch::default(),
            clearing: None,
            slice: SliceSize::default(),
            sealing: None,
            sealed: false,
        }
    }

    /// Does what is due, if this node is the leader; answers whether it is.
    ///
    /// # Errors
    /// Only the database's; what was not done is done in the next round.
    pub async fn round(&mut self) -> ActionResult<bool> {
        let (id, now) = (self.id, self.app.clock.now());
        if !self.app.write_behind(move |conn| housekeeping::lead(conn, id, now, now + LEASE)).await? {
            self.periods.clear();
            (self.clearing, self.sealing) = (None, None);
            self.watch = Watch::default();
            return Ok(false);
        }
        let cx = self.app.cx("housekeeping");
        self.app.write(move |conn| end_due_suspensions(conn, &cx)).await?;
        if is_due(self.periods_at, now, PERIODS) {
            self.roll_periods(now).await?;
            self.watch.round(&self.app, now).await?;
            self.periods_at = Some(now);
        }
        if is_due(self.warned_at, now, CLOCK) {
            self.warn_of_clock(now).await?;
            self.warned_at = Some(now);
        }
        for _ in 0..STEPS {
            let services = Arc::clone(&self.app.services);
            if !self.app.write(move |conn| flush_summaries(conn, now, &services)).await? {
                break;
            }
        }
        self.take_names_over(now).await?;
        self.clear_queues(now).await?;
        self.copy_suppressions(now).await?;
        self.seal_chains().await?;
        self.release_held(now).await?;
        if is_due(self.days_at, now, DAYS) {
            self.days_at = make_ahead(&self.app, now).await?.then_some(now);
        }
        if is_due(self.purged_at, now, PURGE) {
            audit_heads::tell(&self.app, now).await?;
            self.departure.go_on(&self.app, now).await?;
            self.purge(now).await?;
            self.purged_at = Some(now);
        }
        Ok(true)
    }

    /// Begins periods that nobody has begun, closes those that ended a while ago, and begins the summaries of new ones.
    async fn roll_periods(&mut self, now: DateTime<Utc>) -> ActionResult<()> {
        let mut current = self.app.read(move |conn| roll_periods::current(conn, now)).await?;
        let known = current.clone();
        for root in self.app.read(move |conn| roll_periods::without_period(conn, &known)).await? {
            let counting = self.app.read(move |conn| roll_periods::counting(conn, root, now)).await?;
            let period = match counting {
                Some(period) => period,
                None => self.app.write(move |conn| roll_periods::begin(conn, root, now)).await?,
            };
            current.insert(root, period);
        }
        for root in self.app.read(move |conn| roll_periods::to_be_closed(conn, now, CLOSED)).await? {
            self.app.write(move |conn| roll_periods::close(conn, root, now)).await?;
        }
        for (root, period) in current {
            if self.periods.get(&root) == Some(&period) {
                continue;
            }
            let stale = self.app.read(move |conn| roll_periods::stale(conn, root, period)).await?;
            for chunk in stale.chunks(RESET) {
                let accounts = chunk.to_vec();
                self.app.write(move |conn| roll_periods::reset(conn, &accounts, period)).await?;
            }
            self.periods.insert(root, period);
        }
        Ok(())
    }

    /// Says that billing periods are not closed because the clock is too far beyond them.
    async fn warn_of_clock(&self, now: DateTime<Utc>) -> ActionResult<()> {
        let open = self.app.read(move |conn| roll_periods::far_beyond(conn, now)).await?;
        if let Some((_, ended)) = open.first() {
            log::warn!(
                "it is {now} by this node's clock, and the newest billing period of {} accounts ended long ago (first \
                 {ended}): it stays open, and what is sent counts in it. Set the clock, or, if the installation was away \
                 for so long, run `canopy accept-clock`",
                open.len()
            );
        }
        Ok(())
    }

    /// Notes of whom what waits ends because another account holds their domain now.
    async fn take_names_over(&self, now: DateTime<Utc>) -> ActionResult<()> {
        for _ in 0..STEPS {
            let Some(takeover) = self.app.read(take_over_name::next).await? else { return Ok(()) };
            self.app.write(move |conn| take_over_name::go_on(conn, now, takeover)).await?;
        }
        Ok(())
    }

    /// Ends what waits from domains that were removed, and of accounts that were deleted.
    async fn clear_queues(&mut self, now: DateTime<Utc>) -> ActionResult<()> {
        for _ in 0..STEPS {
            if self.clearing.is_none() {
                self.clearing = self.app.read(clear_queue::begin).await?;
            }
            let Some(place) = self.clearing else { return Ok(()) };
            let rows = self.slice.rows();
            let slice = self.app.read(move |conn| clear_queue::look(conn, place, rows)).await?;
            let mut left = false;
            if !slice.ids.is_empty() {
                let begun = Instant::now();
                let (here, ids) = (slice.here, slice.ids);
                left = self.app.write(move |conn| clear_queue::end(conn, now, here, &ids)).await?;
                self.slice.took(begun.elapsed());
            }
            self.clearing = slice.next.map(|next| next.leaving(left));
            if self.clearing.is_none() {
                let (cx, place) = (self.app.cx("housekeeping"), slice.here.leaving(left));
                if !self.app.write(move |conn| clear_queue::done(conn, &cx, place)).await? {
                    // What is under way takes its time.
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Walks the chains of the audit that were begun before entries were signed, and seals them.
    async fn seal_chains(&mut self) -> ActionResult<()> {
        for _ in 0..STEPS {
            if self.sealed {
                return Ok(());
            }
            let Some(sealing) = self.sealing.take() else {
                self.sealing = self.app.read(seal_audit::begin).await?;
                self.sealed = self.sealing.is_none();
                continue;
            };
            let (sealing, walked) = self.app.read(move |conn| seal_audit::look(conn, sealing)).await?;
            if walked {
                let cx = self.app.cx("housekeeping");
                self.app.write(move |conn| seal_audit::seal(conn, &cx, &sealing)).await?;
            } else {
                self.sealing = Some(sealing);
            }
        }
        Ok(())
    }

    /// Gives new domains the suppressions of their accounts.
    async fn copy_suppressions(&self, now: DateTime<Utc>) -> ActionResult<()> {
        for _ in 0..STEPS {
            let Some(copying) = self.app.read(copy_suppressions::next).await? else { return Ok(()) };
            self.app.write(move |conn| copy_suppressions::go_on(conn, now, copying)).await?;
        }
        Ok(())
    }

    /// Lets messages that are held at a cap go on, where there is room again.
    async fn release_held(&self, now: DateTime<Utc>) -> ActionResult<()> {
        let mut after = None;
        loop {
            let accounts = self.app.read(move |conn| Ok(held::accounts(conn, after, HELD)?)).await?;
            let Some(last) = accounts.last().copied() else { return Ok(()) };
            for account in accounts {
                for _ in 0..STEPS {
                    if !self.app.read(move |conn| has_room(conn, now, account)).await? {
                        break;
                    }
                    let services = Arc::clone(&self.app.services);
                    let release = move |conn: &mut AnyConnection| release_held(conn, now, &services, account, RELEASED);
                    if self.app.write(release).await? == 0 {
                        break;
                    }
                }
            }
            after = Some(last);
        }
    }

    /// Removes what retention no longer keeps.
    async fn purge(&self, now: DateTime<Utc>) -> ActionResult<()> {
        for _ in 0..STEPS {
            let services = Arc::clone(&self.app.services);
            if self.app.write(move |conn| housekeeping::purge(conn, now, &services)).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Lets another node lead at once.
    async fn resign(&self) {
        let (id, now) = (self.id, self.app.clock.now());
        if let Err(error) = self.app.write(move |conn| housekeeping::lead(conn, id, now, now)).await {
            log::warn!("the lease of housekeeping could not be given back: {error:?}");
        }
    }
}
