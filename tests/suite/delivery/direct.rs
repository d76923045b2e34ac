//! Straight to the recipients' servers: which are asked, in which order, what their answers mean, and where nothing is
//! ever connected to. The servers and the DNS server are real.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use canopy::delivery::worker;
use chrono::TimeDelta;
use tokio::sync::watch;

use super::{accept, attempts, deliver, message, queued};
use crate::support::app::{Client, On, TestApp};
use crate::support::dns_server::{DnsServer, Record};
use crate::support::smtp_sink::{Behaviour, SmtpSink};
use crate::support::temp_dir::TempDir;

/// Two servers on one port of two addresses, as two mail hosts have it, and the names that lead to them.
struct World {
    app: TestApp,
    client: Client,
    one: SmtpSink,
    two: SmtpSink,
    dns: DnsServer,
}

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Where nobody listens.
const DEAD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

fn mx(domain: &str, host: &str, preference: u16) -> Record {
    Record::Mx(domain.into(), host.into(), preference)
}

fn a(name: &str, address: Ipv4Addr) -> Record {
    Record::A(name.into(), address)
}

fn zone() -> Vec<Record> {
    vec![
        a("mx1.test", ONE),
        a("mx2.test", TWO),
        a("dead.test", DEAD),
        mx("ordered.test", "mx2.test", 20),
        mx("ordered.test", "mx1.test", 10),
        mx("down.test", "dead.test", 5),
        mx("down.test", "mx2.test", 10),
        mx("equal.test", "mx1.test", 10),
        mx("equal.test", "mx2.test", 10),
        mx("nowhere.test", "no-such-host.test", 10),
        a("implicit.test", TWO),
        Record::NullMx("null.test".into()),
    ]
}

impl World {
    /// The default transport sends straight; `allow` is what may be connected to.
    async fn with(on: On, allow: &str, one: Option<SmtpSink>) -> Option<Self> {
        let one = one?;
        let two = SmtpSink::at("127.0.0.2", one.port())?;
        let dns = DnsServer::start(&zone())?;
        let (address, port, allow) = (dns.address().to_string(), one.port().to_string(), allow.to_owned());
        let app = TestApp::start_with(on, move |settings| {
            settings.set("dns", address);
            settings.set("default_transport", "direct");
            settings.set("direct_port", port);
            settings.set("transport_allow", allow);
            settings.set("host_name", "node.canopy.test");
        })
        .await?;
        let agency = app.agency("Direct").await;
        let client = app.client(&agency, "direct", 0).await;
        Some(Self { app, client, one, two, dns })
    }

    async fn new(on: On) -> Option<Self> {
        Self::with(on, "127.0.0.0/8", SmtpSink::start()).await
    }

    /// Sends to one recipient; answers status, code, host and what was said.
    async fn send(&self, to: &str) -> (String, Option<i32>, String, String) {
        let id = accept(&self.app, &self.client, &[to]).await[0];
        deliver(&self.app).await;
        let last = attempts(&self.app, id).await.pop();
        let (code, host, log) = last.map_or((None, String::new(), String::new()), |a| (a.code, a.host, a.log));
        (message(&self.app, id).await.status, code, host, log)
    }
}

#[tokio::test]
async fn the_servers_of_a_domain_are_asked_in_their_order_and_the_next_when_one_does_not_take_the_connection() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(world) = World::new(on).await else { return };
        let port = world.one.port();
        let (status, code, host, _) = world.send("ann@ordered.test").await;
        assert_eq!((status.as_str(), code), ("delivered", Some(250)));
        assert_eq!(host, format!("mx1.test [127.0.0.1]:{port}"));
        assert_eq!((world.one.messages().len(), world.two.connections()), (1, 0));

        let (status, _, host, _) = world.send("ann@down.test").await;
        assert_eq!((status.as_str(), host), ("delivered", format!("mx2.test [127.0.0.2]:{port}")));

        let (status, _, host, _) = world.send("ann@implicit.test").await;
        assert_eq!((status.as_str(), host), ("delivered", format!("implicit.test [127.0.0.2]:{port}")));

        // A server that is full, or closed to us, at the greeting.
        for greeting in ["421 4.3.2 too busy", "450 4.3.2 not now", "554 no service here"] {
            world.app.app.clock.step(TimeDelta::hours(1));
            world.one.set("greeting", Behaviour::RefuseRecipient(greeting)).await;
            // The kept connection was greeted before.
            world.one.set("late@ordered.test", Behaviour::DropConnection).await;
            let (status, _, host, _) = world.send("late@ordered.test").await;
            assert_eq!((status.as_str(), host), ("delivered", format!("mx2.test [127.0.0.2]:{port}")), "{greeting}");
        }
        // First a 4xx at the greeting, then a 5xx about the recipient: that is what counts.
        world.two.set("nobody@ordered.test", Behaviour::RefuseRecipient("550 5.1.1 No such user")).await;
        let (status, code, host, _) = world.send("nobody@ordered.test").await;
        assert_eq!((status.as_str(), code), ("bounced", Some(550)));
        assert_eq!(host, format!("mx2.test [127.0.0.2]:{port}"));
        // Both say no at the greeting: later, whatever the code.
        world.two.set("greeting", Behaviour::RefuseRecipient("554 no service here")).await;
        world.two.set("late@ordered.test", Behaviour::DropConnection).await;
        assert_eq!(world.send("late@ordered.test").await.0, "deferred");
    }
}

#[tokio::test]
async fn servers_of_one_preference_share_the_load_and_connections_are_used_again() {
    let Some(world) = World::new(On::Sqlite).await else { return };
    for n in 0..4 {
        let recipients: Vec<String> = (0..10).map(|m| format!("r{n}-{m}@equal.test")).collect();
        accept(&world.app, &world.client, &recipients.iter().map(String::as_str).collect::<Vec<_>>()).await;
        world.app.app.clock.step(TimeDelta::seconds(60));
        deliver(&world.app).await;
    }
    for _ in 0..20 {
        world.app.app.clock.step(TimeDelta::seconds(31));
        deliver(&world.app).await;
    }
    let (one, two) = (world.one.messages().len(), world.two.messages().len());
    assert_eq!(one + two, 40);
    assert!(one > 5 && two > 5, "{one} and {two}");
    let connections = world.one.connections() + world.two.connections();
    assert!(connections <= 16, "{connections} connections for 40 messages");
}

#[tokio::test]
async fn a_domain_that_takes_no_mail_bounces_and_one_that_cannot_be_looked_up_is_tried_again() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(mut world) = World::new(on).await else { return };
        for (to, code, words) in [
            ("ann@null.test", 556, "null MX"),
            ("ann@no-such-domain.test", 550, "neither MX nor address"),
            ("ann@nowhere.test", 550, "have no address"),
        ] {
            let (status, said, _, log) = world.send(to).await;
            assert_eq!((status.as_str(), said), ("bounced", Some(code)), "{to}: {log}");
            assert!(log.contains(words), "{to}: {log}");
        }
        world.dns.stop();
        let (status, code, _, log) = world.send("ann@ordered.test").await;
        assert_eq!((status.as_str(), code), ("deferred", None), "{log}");
        assert_eq!(world.one.connections() + world.two.connections(), 0);
    }
}

#[tokio::test]
async fn names_that_lead_to_private_addresses_get_no_connection() {
    let Some(world) = World::with(On::Sqlite, "", SmtpSink::start()).await else { return };
    for to in ["ann@ordered.test", "ann@implicit.test", "ann@equal.test", "ann@down.test"] {
        let (status, code, _, log) = world.send(to).await;
        assert_eq!((status.as_str(), code), ("bounced", Some(550)), "{to}: {log}");
        assert!(log.contains("private networks"), "{to}: {log}");
    }
    assert_eq!(world.one.connections() + world.two.connections(), 0);
}

#[tokio::test]
async fn mail_is_encrypted_where_the_server_can_whatever_its_certificate_and_in_the_clear_where_that_fails() {
    let folder = TempDir::new();
    let command = "req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem \
                   -subj /CN=somebody-else.test";
    let made = Command::new("openssl").args(command.split_whitespace()).current_dir(folder.path()).output();
    assert!(made.expect("openssl is there").status.success());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let sink = SmtpSink::with_tls(&file("cert.pem"), &file("key.pem"));
    let Some(world) = World::with(On::Sqlite, "127.0.0.0/8", sink).await else { return };
    let (status, _, _, log) = world.send("ann@ordered.test").await;
    assert_eq!((status.as_str(), world.one.messages()[0].tls), ("delivered", true), "{log}");
    assert!(!log.contains("in the clear"), "{log}");
    drop(world);

    let Some(world) = World::with(On::Sqlite, "127.0.0.0/8", SmtpSink::with_broken_tls()).await else { return };
    let (status, _, _, log) = world.send("ann@ordered.test").await;
    assert_eq!((status.as_str(), world.one.messages()[0].tls), ("delivered", false), "{log}");
    assert!(log.contains("sent in the clear: TLS failed"), "{log}");
    assert_eq!(world.two.connections(), 0);
}

#[tokio::test]
async fn a_destination_that_has_enough_is_left_alone_by_all_for_a_growing_while() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(world) = World::new(on).await else { return };
        world.two.set("*", Behaviour::RefuseRecipient("421 4.7.0 Too much mail from you")).await;
        let first = accept(&world.app, &world.client, &["ann@implicit.test"]).await[0];
        deliver(&world.app).await;
        assert_eq!(message(&world.app, first).await.status, "deferred");
        let asked = world.two.connections();
        let others = accept(&world.app, &world.client, &["bob@implicit.test", "eve@implicit.test"]).await;
        deliver(&world.app).await;
        assert_eq!(world.two.connections(), asked, "nobody else asks");
        for id in &others {
            let row = message(&world.app, *id).await;
            assert_eq!((row.status.as_str(), row.num_attempts), ("received", 0), "waiting is no attempt");
            assert!(attempts(&world.app, *id).await.is_empty());
        }
        assert_eq!(queued(&world.app, world.client.id).await, (0, 3));
        // Another destination is served meanwhile.
        assert_eq!(world.send("ann@ordered.test").await.0, "delivered");
        world.two.set("*", Behaviour::Accept).await;
        world.app.app.clock.step(TimeDelta::minutes(2));
        deliver(&world.app).await;
        for id in others.into_iter().chain([first]) {
            assert_eq!(message(&world.app, id).await.status, "delivered");
        }
    }
}

/// Runs a node until `done`, at most 30 seconds; answers after how long.
async fn run_until(app: &TestApp, done: impl Fn() -> bool) -> Duration {
    let (stop, stopped) = watch::channel(false);
    let (node, start) = (tokio::spawn(worker::run(Arc::clone(&app.app), stopped)), Instant::now());
    while !done() && start.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = start.elapsed();
    stop.send(true).expect("the node runs");
    node.await.expect("the node ends");
    took
}

#[tokio::test]
async fn one_slow_server_among_ten_delays_the_others_by_nothing() {
    let Some(sink) = SmtpSink::start() else { return };
    let Some(mut world) = World::with(On::Sqlite, "127.0.0.0/8", Some(sink)).await else { return };
    let mut records = zone();
    records.extend((0..9).map(|n| a(&format!("swift{n}.test"), ONE)));
    world.dns.publish(&records);
    let swift: Vec<String> = (0..9).map(|n| format!("ann@swift{n}.test")).collect();
    let swift: Vec<&str> = swift.iter().map(String::as_str).collect();
    accept(&world.app, &world.client, &swift).await;
    let idle = run_until(&world.app, || world.one.messages().len() >= 9).await;

    world.two.set("*", Behaviour::Slow(Duration::from_secs(8))).await;
    let slow: Vec<String> = (0..60).map(|n| format!("r{n}@implicit.test")).collect();
    accept(&world.app, &world.client, &slow.iter().map(String::as_str).collect::<Vec<_>>()).await;
    accept(&world.app, &world.client, &swift).await;
    let beside = run_until(&world.app, || world.one.messages().len() >= 18).await;
    println!("nine messages to nine servers: {idle:?} alone, {beside:?} behind 60 to a server that takes 8 s for each");
    assert_eq!(world.one.messages().len(), 18);
    assert!(beside < idle + Duration::from_secs(4), "{beside:?} instead of {idle:?}");
    assert!(world.two.connections() <= 4, "a destination takes a quarter of the places");
}
