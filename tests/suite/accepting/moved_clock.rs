//! Clocks that jump, zones and billing days that change: whatever comes in whatever order, periods follow one another.

use std::process::Command;

use canopy::actions::ensure_period::ensure_period;
use canopy::actions::roll_periods::{self, accept_clock, far_beyond};
use canopy::domain::ids::Id;
use canopy::domain::period::{BillingAnchor, FAR_BEYOND};
use canopy::jobs::Leader;
use canopy::models::periods::{self, Period};
use canopy::models::{accounts, audit, counters};
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use secrecy::ExposeSecret as _;

use super::period_changes::{change, running, step_beyond};
use crate::support::app::{Agency, TestApp, on_both};
use crate::support::visitor::Visitor;

async fn all(app: &TestApp, agency: &Agency) -> Vec<Period> {
    let parent = agency.id;
    let mut all = app.read(move |conn| Ok(periods::all(conn, parent)?)).await;
    all.reverse();
    all
}

#[tokio::test]
async fn a_clock_set_back_after_a_change_makes_no_period_that_overlaps() {
    on_both(|app| async move {
        let agency = app.agency("Back").await;
        let client = app.client(&agency, "back", 0).await;
        let first = running(&app, &agency).await;
        change(&app, &agency, 15, "Europe/Berlin").await;
        step_beyond(&app, &agency, TimeDelta::hours(1)).await;
        let second = running(&app, &agency).await;
        change(&app, &agency, 3, "Pacific/Auckland").await;
        for days in [-2, -400, 390, 12] {
            app.app.clock.step(TimeDelta::days(days));
            app.accept(&client, &["ann@example.org"]).await.expect("accepted");
        }
        let (all, id) = (all(&app, &agency).await, client.id);
        assert_eq!(all.iter().map(|period| period.id).collect::<Vec<_>>(), [first.id, second.id]);
        let ids = [first.id, second.id];
        let used = app.read(move |conn| Ok(ids.map(|period| counters::used(conn, id, period)))).await;
        // Before its first period an account has none: what came then counts in the first.
        assert_eq!(used.map(|used| used.expect("a count")), [3, 1]);
    })
    .await;
}

#[tokio::test]
async fn a_closed_period_never_changes_and_a_clock_behind_its_end_counts_in_the_oldest_open_one() {
    on_both(|app| async move {
        let agency = app.agency("Closed").await;
        let (client, parent) = (app.client(&agency, "closed", 10).await, agency.id);
        let id = client.id;
        let used = async |period: Id| app.read(move |conn| Ok(counters::used(conn, id, period)?)).await;
        let first = running(&app, &agency).await;
        app.accept(&client, &["ann@example.org"]).await.expect("accepted");

        // Within the hour after its end it is open: a node that is behind counts where the time belongs.
        step_beyond(&app, &agency, TimeDelta::minutes(59)).await;
        let second = running(&app, &agency).await;
        let mut leader = Leader::new(std::sync::Arc::clone(&app.app));
        leader.round().await.expect("a round");
        app.app.clock.step(TimeDelta::minutes(-60));
        app.accept(&client, &["ann@example.org"]).await.expect("accepted");
        assert_eq!((used(first.id).await, used(second.id).await), (2, 0));

        // Then it is closed, however far a clock is set back, and its caps count on in the one that is open.
        app.app.clock.step(TimeDelta::minutes(62));
        leader.round().await.expect("a round");
        for (days, expected) in [(-2, 1), (-400, 2), (398, 3)] {
            app.app.clock.step(TimeDelta::days(days));
            leader.round().await.expect("a round");
            app.accept(&client, &["ann@example.org"]).await.expect("accepted");
            assert_eq!((used(first.id).await, used(second.id).await), (2, expected), "{days} days");
            assert_eq!(running(&app, &agency).await.id, second.id, "every page says so");
        }
        app.app.clock.step(TimeDelta::days(2));
        for _ in 0..7 {
            app.accept(&client, &["ann@example.org"]).await.expect("accepted");
        }
        app.accept(&client, &["ann@example.org"]).await.expect_err("the cap is of the period that counts");
        let now = app.app.clock.now();
        assert_eq!(app.read(move |conn| roll_periods::to_be_closed(conn, now, 10)).await, [], "the newest stays open");
        assert_eq!(all(&app, &agency).await.len(), 2, "{parent}");
    })
    .await;
}

#[tokio::test]
async fn a_clock_far_ahead_closes_nothing_and_what_comes_counts_in_the_open_period() {
    on_both(|app| async move {
        let agency = app.agency("Ahead").await;
        let client = app.client(&agency, "ahead", 2).await;
        let (open, parent, id) = (running(&app, &agency).await, agency.id, client.id);
        let mut leader = Leader::new(std::sync::Arc::clone(&app.app));
        app.app.clock.step(TimeDelta::days(730));
        app.accept(&client, &["ann@example.org"]).await.expect("mail goes on");
        app.accept(&client, &["ann@example.org"]).await.expect("mail goes on");
        app.accept(&client, &["ann@example.org"]).await.expect_err("and no cap is renewed");
        leader.round().await.expect("a round");
        assert_eq!(all(&app, &agency).await.len(), 1);
        let now = app.app.clock.now();
        assert_eq!(app.read(move |conn| far_beyond(conn, now)).await, [(parent, open.end_at)]);
        assert_eq!(app.read(move |conn| Ok(counters::used(conn, id, open.id)?)).await, 2);

        app.app.clock.step(TimeDelta::days(-730));
        let now = app.app.clock.now();
        assert_eq!(app.read(move |conn| far_beyond(conn, now)).await, []);
        assert_eq!(running(&app, &agency).await.id, open.id, "as if nothing had been");

        // The same for an absence, after which somebody says that the clock is right.
        step_beyond(&app, &agency, FAR_BEYOND + TimeDelta::days(40)).await;
        assert_eq!(running(&app, &agency).await.id, open.id);
        let now = app.app.clock.now();
        let made = app.write(move |conn, cx| accept_clock(conn, cx, parent)).await.expect("some were missing").made;
        let all = all(&app, &agency).await;
        assert!((3..=5).contains(&made) && all.len() == made + 1, "{made} of {}", all.len());
        assert!(all.windows(2).all(|pair| pair[0].end_at == pair[1].start_at), "{all:?}");
        let period = running(&app, &agency).await;
        assert!(period.start_at <= now.naive_utc() && now.naive_utc() < period.end_at, "{period:?}");
        app.accept(&client, &["ann@example.org"]).await.expect("the cap is renewed");
    })
    .await;
}

#[tokio::test]
async fn an_operator_accepts_the_clock_after_an_absence_by_a_command() {
    on_both(|app| async move {
        let agency = app.agency("Away").await;
        let (parent, now) = (agency.id, app.app.clock.now());
        let past = period(parent, now - TimeDelta::days(130), now - TimeDelta::days(100));
        app.write(move |conn, _| Ok(periods::insert(conn, &past)?)).await;
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_canopy"));
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CANOPY_")) {
                command.env_remove(name);
            }
            command
                .arg("accept-clock")
                .env("CANOPY_DATABASE_URL", app.app.config.database_url())
                .env("CANOPY_SECRET_KEY", app.app.config.secret_key.expose_secret())
                .env("CANOPY_DATA_DIR", &app.app.config.data_dir)
                .output()
                .expect("it ends")
        };
        let output = run();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("Away: the newest period had ended"), "{output:?}");
        assert!(all(&app, &agency).await.len() >= 4);
        assert!(String::from_utf8_lossy(&run().stdout).contains("No billing period waits"));

        // Once, in the words of whoever reads the activity.
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let page = owner.get("/activity").await;
        page.shows("The clock was accepted on the command line")
            .shows("Newest billing period ends")
            .shows("command line");
        let recorded = audit::Filter::default();
        let recorded = app.read(move |conn| Ok(audit::page(conn, parent, &recorded, None, false, 50)?)).await;
        let recorded: Vec<_> = recorded.into_iter().filter(|entry| entry.action == "account.accept_clock").collect();
        assert_eq!(recorded.len(), 1);
    })
    .await;
}

fn period(account_id: Id, start: DateTime<Utc>, end: DateTime<Utc>) -> Period {
    Period {
        id: Id::new(start),
        account_id,
        start_at: start.naive_utc(),
        end_at: end.naive_utc(),
        time_zone: "UTC".into(),
        anchor_day: 1,
        created_at: start.naive_utc(),
        days: None,
        of_days: None,
    }
}

/// Histories of changes and steps on each database, and steps of a history.
const HISTORIES: usize = 40;
const STEPS: usize = 45;
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Pacific/Niue",
];

#[tokio::test]
async fn whatever_changes_and_however_the_clock_jumps_periods_follow_one_another() {
    on_both(|app| async move {
        app.without_waiting_for_the_disk();
        let mut random = StdRng::seed_from_u64(20_261_201);
        let (mut made, mut short) = (0, 0);
        for history in 0..HISTORIES {
            let agency = app.agency(&format!("Jumps {history}")).await;
            let mut now = app.app.clock.now();
            let mut told = Vec::new();
            for _ in 0..STEPS {
                let step = step(&mut random);
                told.push(format!("{now} {step:?}"));
                take(&app, &agency, &mut now, step).await;
            }
            let all = all(&app, &agency).await;
            judge(&all, &told.join("\n"));
            made += all.len();
            short += all.iter().filter(|period| period.days.is_some()).count();
        }
        println!("{made} periods, {short} of them short, on {:?}", app.app.db.backend());
        assert!(made > HISTORIES * 5 && short > HISTORIES, "{made} {short}");
    })
    .await;
}

#[derive(Debug)]
enum Step {
    Hours(i64),
    /// The clock is off by so many hours for a moment.
    Off(i64),
    Anchor(i64, &'static str),
}

fn step(random: &mut StdRng) -> Step {
    let zone = *ZONES.choose(random).expect("some");
    match random.random_range(0..10) {
        0..5 => Step::Hours(random.random_range(0..30 * 24)),
        5 => Step::Hours(-random.random_range(0..60 * 24)),
        6 => Step::Off(*[-20_000, 20_000].choose(random).expect("some")),
        7..9 => Step::Anchor(random.random_range(1..=31), zone),
        _ => Step::Anchor(1, zone),
    }
}

/// What the program does of it: the anchor as a member changes it, the period as whatever counts in it asks for it.
async fn take(app: &TestApp, agency: &Agency, now: &mut DateTime<Utc>, step: Step) {
    let parent = agency.id;
    match step {
        Step::Hours(hours) => *now += TimeDelta::hours(hours),
        Step::Off(hours) => counted(app, agency, *now + TimeDelta::hours(hours)).await,
        Step::Anchor(day, zone) => {
            let (anchor, at) = (BillingAnchor::parse(day, zone).expect("an anchor"), *now);
            app.write(move |conn, _| {
                ensure_period(conn, parent, at)?;
                let mut account = accounts::find(conn, parent)?.expect("the agency");
                account.anchor_day = i32::try_from(anchor.day()).expect("small");
                account.time_zone = anchor.tz().name().to_owned();
                Ok(accounts::save(conn, &account)?)
            })
            .await;
        }
    }
    counted(app, agency, *now).await;
}

/// Where something of that time counts.
async fn counted(app: &TestApp, agency: &Agency, at: DateTime<Utc>) {
    let parent = agency.id;
    let period = app.write(move |conn, _| ensure_period(conn, parent, at)).await;
    let all = all(app, agency).await;
    let (first, last) = (&all[0], &all[all.len() - 1]);
    let within = period.start_at <= at.naive_utc() && at.naive_utc() < period.end_at;
    let before = at.naive_utc() < first.start_at && period.id == first.id;
    let beyond = at.naive_utc() - last.end_at > FAR_BEYOND && period.id == last.id;
    assert!(within || before || beyond, "{at}: {period:?}");
}

/// Contiguous; none of hours unless it is a part; the parts of a fee within a minor unit a period of their exact sum.
fn judge(all: &[Period], told: &str) {
    const FEE: i64 = 4_999;
    let (mut billed, mut exact) = (0.0, 0.0);
    for pair in all.windows(2) {
        assert_eq!(pair[0].end_at, pair[1].start_at, "{told}");
    }
    for period in all {
        let length = period.end_at - period.start_at;
        let days = period.part().days();
        assert!(days.is_some() || length > TimeDelta::hours(48), "{period:?}\n{told}");
        assert!(length > TimeDelta::zero() && length < TimeDelta::days(63), "{period:?}\n{told}");
        if let Some((days, of_days)) = days {
            let off = (length - TimeDelta::days(i64::from(days))).abs();
            assert!(days < of_days && off <= TimeDelta::hours(14), "{period:?}\n{told}");
        }
        let share = days.map_or(1.0, |(days, of_days)| f64::from(days) / f64::from(of_days));
        billed += period.part().fee(FEE) as f64;
        exact += FEE as f64 * share;
    }
    assert!((billed - exact).abs() <= all.len() as f64, "{billed} for {exact}\n{told}");
}
