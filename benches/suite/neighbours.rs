//! How long the API's answer to one client takes while another sends requests of a hundred recipients on twelve
//! connections, beside the same on a system that does nothing else.

use std::thread;

use crate::accept::{Client, clients, http, request};
use crate::load::{self, Outcome};
use crate::table::{Line, Table, millis};
use crate::{On, SPAN, World};

/// Connections of the busy client, and recipients of each of its requests.
const CONNECTIONS: usize = 12;
const RECIPIENTS: usize = 100;

pub fn run(on: On, table: &mut Table) {
    let world = World::new(on);
    let [busy, quiet] = clients(&world, 2).try_into().unwrap_or_else(|_| unreachable!("two were asked for"));
    let server = world.serve("web", &[]);
    let (own, theirs) = ([request(&quiet, "ann@example.org")], vec![to_many(&busy); CONNECTIONS]);
    let idle = load::run(server.address, &own, SPAN);
    let address = server.address;
    // The busy one goes on for longer than it is measured beside.
    let noise = thread::spawn(move || load::run(address, &theirs, SPAN * 2));
    let beside = load::run(server.address, &own, SPAN);
    let noise = noise.join().expect("the busy client is answered");
    table.add(Line {
        what: format!(
            "API's answer to one client, beside another's {CONNECTIONS} connections of {RECIPIENTS} recipients"
        ),
        on: on.name(),
        measured: format!(
            "{}; the other sends {:.0} recipients a second",
            times(&beside),
            noise.rate * RECIPIENTS as f64
        ),
        ceiling: format!("idle: {}", times(&idle)),
        ratio: beside.p99 / idle.p99,
        target: "",
    });
}

fn times(outcome: &Outcome) -> String {
    format!("p50 {}, p99 {}", millis(outcome.p50), millis(outcome.p99))
}

/// One message to a hundred, as HTTP.
fn to_many(client: &Client) -> Vec<u8> {
    let recipients: Vec<_> =
        (0..RECIPIENTS).map(|number| serde_json::json!({ "email": format!("r{number}@example.org") })).collect();
    let body = serde_json::json!({
        "from": { "email": format!("hello@{}", client.domain) }, "recipients": recipients,
        "subject": "Hello", "text_content": "Hello",
    })
    .to_string();
    http(client, &body)
}
