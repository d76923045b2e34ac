//! What must hold once everything is settled, however often the program was killed.

use std::collections::{BTreeMap, BTreeSet};

use canopy::models::messages::{self, Filter, Message};
use canopy::models::{counters, queue, usage};
use chrono::TimeDelta;

use super::load::{CAP, Wish, World};
use super::mailers::Sender;
use crate::support::app::Client;

pub async fn all(world: &World<'_>) {
    let (acknowledged, refused) = (by_client(&world.acknowledged), by_client(&world.refused));
    let (mut stored, mut begun) = (BTreeSet::new(), 0);
    let mut told = BTreeMap::new();
    for (number, client) in world.clients.iter().enumerate() {
        let rows = rows(world, client).await;
        let recipients: BTreeSet<String> = rows.iter().map(|row| row.recipient.clone()).collect();
        assert_eq!(recipients.len(), rows.len(), "{}: no message is stored twice", client.domain);
        let taken = acknowledged.get(&number).cloned().unwrap_or_default();
        assert_eq!(recipients, taken, "{}: what was acknowledged is stored, and nothing else", client.domain);
        statuses(world, &rows);
        counted(world, client, &rows).await;
        if number > 0 {
            let tried = taken.len() + refused.get(&number).map_or(0, BTreeSet::len);
            assert_eq!(rows.len(), tried.min(CAP), "{}: as many as the cap allows of {tried}", client.domain);
            told.extend(alerts(client, rows.len()));
        }
        begun += again(world, &rows).await;
        stored.extend(recipients);
    }
    for (number, sender) in world.mailers.senders.iter().enumerate() {
        let rows = rows(world, &sender.client).await;
        stored.extend(handed_in(number > 0, sender, &rows));
        statuses(world, &rows);
        counted(world, &sender.client, &rows).await;
        told.extend(alerts(&sender.client, rows.len()).filter(|_| number > 0));
        begun += again(world, &rows).await;
    }
    let sent: usize = acknowledged.values().map(BTreeSet::len).sum();
    assert!(sent >= world.clients.len() / 2, "there was load: {sent}");
    assert!(!world.reported.lock().expect("nobody panics").is_empty(), "bounces came in");
    assert_eq!(outbox(world).await, told, "each crossing was told once");
    arrived(world, &stored, begun).await;
}

fn by_client(wishes: &std::sync::Mutex<Vec<Wish>>) -> BTreeMap<usize, BTreeSet<String>> {
    let mut all: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for wish in wishes.lock().expect("nobody panics").iter() {
        let new = all.entry(wish.client).or_default().insert(wish.recipient.clone());
        assert!(new, "{wish:?} was answered once");
    }
    all
}

async fn rows(world: &World<'_>, client: &Client) -> Vec<Message> {
    let id = client.id;
    world.app.read(move |conn| Ok(messages::page(conn, id, &Filter::default(), None, false, 10_000_000)?)).await
}

/// All arrived; those who do not exist were reported, and bounced.
fn statuses(world: &World<'_>, rows: &[Message]) {
    let reported = world.reported.lock().expect("nobody panics");
    for row in rows {
        let gone = row.recipient.starts_with("gone");
        assert_eq!(row.status, if gone { "bounced" } else { "delivered" }, "{}", row.recipient);
        assert!(!gone || reported.contains(&row.recipient), "{} is reported", row.recipient);
    }
}

/// Counters, days and queue say what the messages are.
async fn counted(world: &World<'_>, client: &Client, rows: &[Message]) {
    let Some(first) = rows.first() else { return };
    let (id, period) = (client.id, first.period_id);
    let now = world.app.app.clock.now().naive_utc();
    let (counter, days, waiting) = world
        .app
        .read(move |conn| {
            let counter = counters::find(conn, id, period)?.expect("a counter");
            Ok((counter, usage::days(conn, id, "2000-01-01", "9999-12-31")?, queue::depth(conn, id, now)?))
        })
        .await;
    assert_eq!(waiting, (0, 0), "{}: nothing waits", client.domain);
    let bounced = rows.iter().filter(|row| row.status == "bounced").count() as i64;
    let accepted = rows.len() as i64;
    let expected = (accepted, accepted - bounced, bounced);
    assert_eq!((counter.accepted, counter.delivered, counter.bounced), expected, "{}: the counter", client.domain);
    let day = |of: fn(&usage::UsageDay) -> i64| days.iter().map(of).sum::<i64>();
    let by_day = (day(|day| day.accepted), day(|day| day.delivered), day(|day| day.bounced));
    assert_eq!(by_day, expected, "{}: the days", client.domain);
}

/// What was handed in over SMTP: all that was answered with 250, once, and beside it only what got no answer.
fn handed_in(capped: bool, sender: &Sender, rows: &[Message]) -> BTreeSet<String> {
    let name = &sender.client.domain;
    let stored: BTreeSet<String> = rows.iter().map(|row| row.recipient.clone()).collect();
    assert_eq!(stored.len(), rows.len(), "{name}: no message is stored twice");
    let taken = sender.taken.lock().expect("nobody panics");
    let lost: Vec<_> = taken.difference(&stored).collect();
    assert!(lost.is_empty(), "{name}: answered with 250 and lost: {lost:?}");
    let unanswered = sender.unanswered.lock().expect("nobody panics");
    let strange: Vec<_> = stored.iter().filter(|one| !taken.contains(*one) && !unanswered.contains(*one)).collect();
    assert!(strange.is_empty(), "{name}: stored, and never promised: {strange:?}");
    if capped {
        let refused = !sender.refused.lock().expect("nobody panics").is_empty();
        assert!(rows.len() <= CAP && (!refused || rows.len() == CAP), "{name}: {} of {CAP}", rows.len());
    }
    stored
}

/// What members were told of the cap, by subject.
fn alerts(client: &Client, accepted: usize) -> impl Iterator<Item = (String, usize)> {
    let name = client.domain.trim_end_matches(".example");
    let near = (accepted * 100 >= CAP * 80).then(|| format!("{name} has used 80 % of its monthly cap"));
    let at = (accepted >= CAP).then(|| format!("{name} has reached its monthly cap"));
    near.into_iter().chain(at).map(|subject| (subject, 1))
}

/// What waits to be told, by subject; what was tried in vain is due again much later.
async fn outbox(world: &World<'_>) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for _ in 0..2 {
        world.app.app.clock.step(TimeDelta::days(2));
        loop {
            let mails = world.app.outbox().await;
            if mails.is_empty() {
                break;
            }
            for (_, subject) in mails.into_iter().filter(|(_, subject)| subject.contains("monthly cap")) {
                *all.entry(subject).or_default() += 1;
            }
        }
    }
    all
}

/// Attempts whose process was gone before it recorded the answer.
async fn again(world: &World<'_>, rows: &[Message]) -> usize {
    let ids: Vec<_> = rows.iter().filter(|row| row.num_attempts > 1).map(|row| row.id).collect();
    let attempts = ids.len();
    world.app.read(move |conn| Ok(messages::attempts_of(conn, &ids)?.len())).await - attempts
}

fn message_id(text: &str) -> String {
    text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("every message has one").trim().to_owned()
}

/// Everything arrived; a second copy only of what was under way at a kill.
async fn arrived(world: &World<'_>, stored: &BTreeSet<String>, begun: usize) {
    let arrived = world.sink.wait_for(stored.len()).await;
    let different: BTreeSet<String> = arrived.iter().map(|one| one.recipients[0].clone()).collect();
    assert_eq!(&different, stored, "each arrived");
    let names: BTreeSet<(&str, String)> =
        arrived.iter().map(|one| (one.recipients[0].as_str(), message_id(&one.text()))).collect();
    assert_eq!(names.len(), different.len(), "a second copy has the Message-ID of the first");
    let twice = arrived.len() - different.len();
    assert!(twice <= begun, "{twice} copies of {begun} that were under way");
    let refused = world.refused.lock().expect("nobody panics").len();
    let reported = world.reported.lock().expect("nobody panics").len();
    let count = |of: fn(&Sender) -> &std::sync::Mutex<BTreeSet<String>>| -> usize {
        world.mailers.senders.iter().map(|sender| of(sender).lock().expect("nobody panics").len()).sum()
    };
    let (taken, cut_off) = (count(|sender| &sender.taken), count(|sender| &sender.unanswered));
    assert!(taken > 0, "mail programs handed in too");
    println!(
        "{} accepted ({taken} of them acknowledged over SMTP, where {cut_off} were cut off), {refused} refused at their \
         cap, {} arrived, {reported} bounced; {begun} were under way at a kill, {twice} of them arrived twice",
        stored.len(),
        different.len(),
    );
}
