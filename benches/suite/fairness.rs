//! How long a client's message takes while another client of the same agency has 100,000 waiting for servers that are
//! slow or say "later", beside the same on a system that does nothing else.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use canopy::domain::ids::Id;
use canopy::models::bulk::Rows;
use canopy::models::queue;
use canopy::models::transports::{self, Transport};
use canopy::models::{AnyConnection, accounts, messages};

use crate::accept::{Client, clients, prepared, request};
use crate::destination::{Destination, Manner};
use crate::table::{Line, Table, millis};
use crate::world::Server;
use crate::{On, World, fill, load, neighbours};

/// Messages that wait.
const BACKLOG: usize = 100_000;
/// Rows written at once.
const CHUNK: usize = 10_000;
/// Messages that are timed in each state, and how far apart they are sent.
const MESSAGES: u32 = 150;
const PACE: Duration = Duration::from_millis(100);
/// How long a slow server takes over a recipient.
const SLOW: Duration = Duration::from_secs(5);
/// What nobody waits longer for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Recipients that the busy client's server has been asked about when its work is well under way.
const WELL_UNDER_WAY: usize = 12;

pub fn run(on: On, table: &mut Table) {
    beside(on, Manner::Slow(SLOW), "servers that answer RCPT after 5 s", table);
    beside(on, Manner::Deferring, "servers that say 450", table);
    neighbours::run(on, table);
}

fn beside(on: On, manner: Manner, servers: &str, table: &mut Table) {
    let world = World::new(on);
    let [busy, quiet] = clients(&world, 2).try_into().unwrap_or_else(|_| unreachable!("two were asked for"));
    let (theirs, own) = (Destination::start(manner), Destination::start(Manner::Swift));
    leads_to(&world, busy.id, "theirs", &theirs);
    leads_to(&world, quiet.id, "own", &own);
    let idle = Times::measure(&serve(&world), &quiet, &own);
    backlog(&world, &busy);
    let server = serve(&world);
    let until = Instant::now() + PATIENCE;
    while theirs.asked() < WELL_UNDER_WAY {
        assert!(Instant::now() < until, "the backlog is not being delivered");
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = theirs.asked();
    let loaded = Times::measure(&server, &quiet, &own);
    assert!(theirs.asked() > before, "the backlog was being delivered all the while");
    let left = world.read(|conn| Ok(queue::of_account(conn, busy.id, 1)?)).len();
    assert_eq!(left, 1, "the backlog lasts");
    drop(server);
    let delay = loaded.p99 - idle.p99;
    table.add(Line {
        what: format!(
            "API's 202 until arrival, beside another client's {} for {servers}",
            canopy::web::format::number(BACKLOG)
        ),
        on: on.name(),
        measured: loaded.to_string(),
        ceiling: format!("idle: {idle}"),
        ratio: delay,
        target: "p99 at most 1 s later: ratio at most 1",
    });
}

fn serve(world: &World) -> Server {
    world.serve("web,worker", &[("transport_allow", "127.0.0.0/8")])
}

/// Everything that an account sends goes to one server.
fn leads_to(world: &World, account: Id, name: &str, at: &Destination) {
    world.write(|conn, cx| {
        let parent = accounts::find_any(conn, account)?.map_or(account, |found| found.root_id());
        let transport = Transport {
            id: Id::new(cx.now),
            account_id: parent,
            name: name.into(),
            kind: "relay".into(),
            host: "127.0.0.1".into(),
            port: at.port.into(),
            tls: "none".into(),
            username: String::new(),
            password_sealed: None,
            source_ip: String::new(),
            helo: String::new(),
            max_connections: 0,
            messages_per_second: 0,
            created_at: cx.at(),
            updated_at: cx.at(),
        };
        transports::insert(conn, &transport)?;
        Ok(transports::choose(conn, account, Some(transport.id), cx.at())?)
    });
}

/// Fills a client's queue while nobody delivers: one message as every other comes in, then its like, row by row.
fn backlog(world: &World, busy: &Client) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(world.app.committer.accept(prepared(busy, "r@away.example"))).expect("accepted");
    let mut left = BACKLOG - 1;
    while left > 0 {
        let count = left.min(CHUNK);
        world.write(|conn, _| Ok(repeat(conn, busy.id, count)?));
        left -= count;
    }
    fill::settle(world);
}

/// Writes `count` more of the first message that an account has waiting.
fn repeat(conn: &mut AnyConnection, account: Id, count: usize) -> diesel::QueryResult<()> {
    let first = queue::of_account(conn, account, 1)?;
    let waiting = queue::find_many(conn, &first)?.remove(0);
    let message = messages::find_many(conn, &first)?.remove(0);
    let content = messages::content(conn, message.content_id)?.expect("it says something");
    let now = message.created_at.and_utc();
    let (mut rows, mut queued) = (Rows::default(), Vec::with_capacity(count));
    for _ in 0..count {
        let (id, said) = (Id::new(now), Id::new(now));
        rows.contents.push(messages::Content { id: said, request_id: said, ..content.clone() });
        rows.messages.push(messages::Message { id, content_id: said, ..message.clone() });
        queued.push(queue::Queued { message_id: id, ..waiting.clone() });
    }
    rows.write(conn)?;
    queue::insert(conn, &queued)
}

/// Seconds from the API's answer until a message arrived.
struct Times {
    p50: f64,
    p99: f64,
    most: f64,
}

impl Times {
    /// Sends one message after the other through the API, evenly spaced, and waits for all of them.
    fn measure(server: &Server, from: &Client, at: &Destination) -> Self {
        // The first opens connections and reads keys.
        Self::send(server, from, "warm@own.example");
        at.arrived.recv_timeout(PATIENCE).expect("the first message arrives");
        let begun = Instant::now();
        let mut answered = HashMap::new();
        for number in 0..MESSAGES {
            std::thread::sleep((PACE * number).saturating_sub(begun.elapsed()));
            let to = format!("m{number}@own.example");
            answered.insert(to.clone(), Self::send(server, from, &to));
        }
        let mut taken = Vec::with_capacity(answered.len());
        while taken.len() < answered.len() {
            let (to, arrived) = at.arrived.recv_timeout(PATIENCE).expect("every message arrives");
            // What arrives before its sender has read the answer took no time.
            taken.push(arrived.saturating_duration_since(answered[&to]).as_secs_f64());
        }
        taken.sort_by(f64::total_cmp);
        let share = |share: f64| taken[((taken.len() as f64 * share) as usize).min(taken.len() - 1)];
        Self { p50: share(0.5), p99: share(0.99), most: share(1.0) }
    }

    /// When the API had answered.
    fn send(server: &Server, from: &Client, to: &str) -> Instant {
        let answer = load::once(server.address, &request(from, to));
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        Instant::now()
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {}, p99 {}, at most {}", millis(self.p50), millis(self.p99), millis(self.most))
    }
}
