//! Messages accepted a second over SMTP, by Postfix's own load generator, through the listener for programs of this machine.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::World;
use crate::accept::Client;
use crate::deliver::{self, Sink, Use};

/// What is accepted while nothing is delivered.
pub fn accepted(world: &World, client: &Client, sessions: Use) -> f64 {
    handed_in(world, client, sessions, "web", &[])
}

/// What is accepted, sessions reused, while a worker of the same process delivers it into `sink`.
pub fn accepted_while_delivering(world: &World, client: &Client, sink: &Sink) -> f64 {
    let relay = format!("smtp://127.0.0.1:{}", sink.port());
    let options = [("default_transport", relay.as_str()), ("delivery_workers", deliver::SESSIONS)];
    handed_in(world, client, Use::Again, "web,worker", &options)
}

fn handed_in(world: &World, client: &Client, sessions: Use, roles: &str, more: &[(&str, &str)]) -> f64 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let (address, account) = (free.expect("a free port"), client.id.to_string());
    let (listen, before) = (address.to_string(), world.accepted());
    let options = [more, &[("trusted_listen", listen.as_str()), ("trusted_account", account.as_str())]].concat();
    let server = world.serve(roles, &options);
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < until, "the program does not listen for mail");
        std::thread::sleep(Duration::from_millis(10));
    }
    let rate = deliver::source(address.port(), &format!("a@{}", client.domain), sessions);
    assert_eq!(world.accepted() - before, deliver::MESSAGES as i64, "every message was promised and is there");
    if roles.contains("worker") {
        until_empty(world);
    }
    drop(server);
    rate
}

/// Waits until all of it was delivered, so that the next round does not begin with what is left of this one.
fn until_empty(world: &World) {
    let until = Instant::now() + Duration::from_secs(120);
    while deliver::waiting(world) > 0 {
        assert!(Instant::now() < until, "{} messages still wait", deliver::waiting(world));
        std::thread::sleep(Duration::from_millis(20));
    }
}
