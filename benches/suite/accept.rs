//! Messages accepted a second: through the API, beside a bare handler and beside one fsynced insert; and by the
//! committer alone, in groups against one by one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use canopy::actions::accept_message::{Prepared, PreparedEntry};
use canopy::domain::ids::Id;
use canopy::models::accounts::{self, Account};
use canopy::models::{AnyConnection, Db};
use diesel::connection::SimpleConnection as _;
use diesel::{ExpressionMethods as _, RunQueryDsl as _};
use futures_util::{StreamExt as _, stream};

use crate::bare::Bare;
use crate::support::rows::{self, Signing};
use crate::table::{Line, Table, median, per_second};
use crate::{On, ROUNDS, SPAN, World, load};

/// Clients of the installation, each with a key; as many may send at once.
const CLIENTS: usize = 32;
/// Bytes of a message's text.
const TEXT: usize = 2048;

/// A client that can send.
pub struct Client {
    pub id: Id,
    pub key: String,
    pub domain: String,
}

/// A parent with `count` clients, each with a verified domain and a key.
pub fn clients(world: &World, count: usize) -> Vec<Client> {
    let signing = Signing::new(&world.app.services.secrets);
    world.write(|conn, cx| {
        let parent = Account::new(Id::new(cx.now), None, "Bench", "bench.example", cx.at());
        accounts::insert(conn, &parent)?;
        let client = |number| {
            let label = format!("client{number}");
            let id = rows::sub_account(conn, cx, parent.id, &label, 0)?;
            let domain = format!("{label}.example");
            rows::verified_domain(conn, cx, id, &domain, &signing)?;
            Ok(Client { id, key: rows::key(conn, cx, id, &rows::child_scopes())?, domain })
        };
        (0..count).map(client).collect()
    })
}

pub fn run(on: On, table: &mut Table) {
    let world = World::new(on);
    let clients = clients(&world, CLIENTS);
    let requests: Vec<Vec<u8>> = clients.iter().map(|client| request(client, "ann@example.org")).collect();
    let server = world.serve("web", &[]);
    let first = load::once(server.address, &requests[0]);
    assert_eq!(first.status, 202, "{}", String::from_utf8_lossy(&first.body));
    let bare = Bare::start(first.body.len());
    for connections in [1, CLIENTS] {
        let some = &requests[..connections];
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let accepted = load::run(server.address, some, SPAN).rate;
            rounds.push((accepted, load::run(bare.address, some, SPAN).rate, inserts(on, connections)));
        }
        lines(table, on, connections, &rounds);
    }
    drop(server);
    groups(on, &world, &clients, table);
}

fn lines(table: &mut Table, on: On, connections: usize, rounds: &[(f64, f64, f64)]) {
    let plural = if connections == 1 { "connection" } else { "connections" };
    let what = format!("messages accepted through the API, {connections} {plural}");
    let measured = per_second(median(rounds.iter().map(|round| round.0)));
    for (name, of) in [("bare handler", 1), ("one fsynced insert each", 2)] {
        let other = |round: &(f64, f64, f64)| if of == 1 { round.1 } else { round.2 };
        table.add(Line {
            what: what.clone(),
            on: on.name(),
            measured: measured.clone(),
            ceiling: format!("{name}: {}", per_second(median(rounds.iter().map(other)))),
            ratio: median(rounds.iter().map(|round| round.0 / other(round))),
            target: "",
        });
    }
}

/// One message of 2 KiB, as HTTP.
pub fn request(client: &Client, recipient: &str) -> Vec<u8> {
    let body = serde_json::json!({
        "from": { "email": format!("hello@{}", client.domain) }, "recipients": [{ "email": recipient }],
        "subject": "Hello", "text_content": "x".repeat(TEXT),
    })
    .to_string();
    http(client, &body)
}

/// A body that a client sends, as HTTP.
pub fn http(client: &Client, body: &str) -> Vec<u8> {
    format!(
        "POST /v2/accounts/{}/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        client.id,
        client.key,
        body.len()
    )
    .into_bytes()
}

diesel::table! {
    bench_rows (id) {
        id -> Binary,
        body -> Binary,
    }
}

/// Durable transactions of one insert a second, from `connections` threads; SQLite lets one write at a time anyway.
fn inserts(on: On, connections: usize) -> f64 {
    let world = World::new(on);
    let binary = if on == On::Sqlite { "BLOB" } else { "BYTEA" };
    let make = format!("CREATE TABLE bench_rows (id {binary} NOT NULL PRIMARY KEY, body {binary} NOT NULL)");
    world.write(|conn, _| Ok(conn.batch_execute(&make)?));
    let (done, until) = (AtomicUsize::new(0), Instant::now() + SPAN);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                while Instant::now() < until {
                    insert(&world.app.db);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / SPAN.as_secs_f64()
}

fn insert(db: &Db) {
    let id = uuid::Uuid::new_v4().as_bytes().to_vec();
    let values = (bench_rows::id.eq(id), bench_rows::body.eq(vec![b'x'; TEXT]));
    let work = |conn: &mut AnyConnection| diesel::insert_into(bench_rows::table).values(values).execute(conn);
    let written: Result<usize, diesel::result::Error> = db.write(work);
    written.expect("the row is written");
}

/// The committer without HTTP: many in flight against one at a time.
fn groups(on: On, world: &World, clients: &[Client], table: &mut Table) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rate = |in_flight| runtime.block_on(committed(world, clients, in_flight));
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (rate(512), rate(1))).collect();
    table.add(Line {
        what: "messages committed in groups, 512 in flight".into(),
        on: on.name(),
        measured: per_second(median(rounds.iter().map(|round| round.0))),
        ceiling: format!("one in flight: {}", per_second(median(rounds.iter().map(|round| round.1)))),
        ratio: median(rounds.iter().map(|round| round.0 / round.1)),
        target: "",
    });
}

async fn committed(world: &World, clients: &[Client], in_flight: usize) -> f64 {
    let (begun, span) = (Instant::now(), SPAN.max(Duration::from_secs(1)));
    let sends = (0..).take_while(|_| begun.elapsed() < span).map(|number: usize| {
        let client = &clients[number % clients.len()];
        world.app.committer.accept(prepared(client, "ann@example.org"))
    });
    let done = stream::iter(sends).buffer_unordered(in_flight).map(|sent| sent.expect("accepted")).count().await;
    done as f64 / begun.elapsed().as_secs_f64()
}

/// A message of 2 KiB as the edge hands it over.
pub fn prepared(client: &Client, recipient: &str) -> Prepared {
    let from = serde_json::json!({ "address": format!("hello@{}", client.domain), "name": null });
    let payload = serde_json::json!({ "from": from, "to": [], "cc": [], "reply_to": null, "subject": "Hello",
                                      "text": "x".repeat(TEXT), "html": null, "amp": null, "headers": [] });
    let entry = PreparedEntry {
        email: recipient.into(),
        email_lower: recipient.into(),
        name: None,
        body: Ok(("Hello".into(), 0)),
    };
    Prepared {
        account_id: client.id,
        sender: format!("hello@{}", client.domain),
        sender_domain: client.domain.clone(),
        entries: vec![entry],
        contents: vec![payload.to_string().into_bytes()],
        is_raw: false,
        all_or_none: false,
        attachments: Vec::new(),
        tags: Vec::new(),
        sandbox: None,
        track_opens: None,
        track_clicks: None,
        data_retention: None,
        metadata_retention: None,
        first_attempt: None,
        expires: None,
        reply: None,
    }
}
