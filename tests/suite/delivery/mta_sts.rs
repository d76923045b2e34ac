//! Domains that say how their mail has to be delivered (MTA-STS, RFC 8461). DNS, HTTPS and mail servers are real.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use canopy::actions::housekeeping;
use canopy::app::App;
use canopy::delivery::worker;
use canopy::models::mta_sts;
use chrono::TimeDelta;

use super::{accept, attempts, message};
use crate::support::app::{Client, On, TestApp};
use crate::support::certificates::Certificates;
use crate::support::dns_server::{DnsServer, Record};
use crate::support::policy_server::{Answer, PolicyServer};
use crate::support::smtp_sink::SmtpSink;

const ONE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const TWO: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Where policies are served.
const POLICIES: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// `mx1.test` offers STARTTLS under a certificate of an authority that we trust; `other.test` is the same server, which
/// the certificate does not name; `mx2.test` knows no TLS.
struct World {
    app: TestApp,
    client: Client,
    encrypted: SmtpSink,
    clear: SmtpSink,
    dns: DnsServer,
    policies: PolicyServer,
    records: Vec<Record>,
    _certificates: Certificates,
}

impl World {
    /// `domains` are what the policy server's certificate names as `mta-sts.{domain}`.
    async fn new(on: On, allow: &str, domains: &[&str]) -> Option<Self> {
        let names = domains.iter().map(|domain| format!(",DNS:mta-sts.{domain}")).collect::<String>();
        let certificates = Certificates::of(&format!("DNS:mx1.test{names}"));
        let path = |name: &str| certificates.path(name);
        let encrypted =
            SmtpSink::with_tls(&path("cert.pem").display().to_string(), &path("key.pem").display().to_string())?;
        let clear = SmtpSink::at("127.0.0.2", encrypted.port())?;
        let policies = PolicyServer::start(POLICIES, &path("cert.pem"), &path("key.pem"))?;
        let hosts = [("mx1.test", ONE), ("other.test", ONE), ("mx2.test", TWO)];
        let records = hosts.map(|(host, address)| Record::A(host.into(), address)).to_vec();
        let dns = DnsServer::start(&records)?;
        let options = [
            ("dns", dns.address().to_string()),
            ("direct_port", encrypted.port().to_string()),
            ("policy_port", policies.port().to_string()),
            ("direct_roots", path("ca.pem").display().to_string()),
            ("transport_allow", allow.to_owned()),
            ("default_transport", "direct".to_owned()),
            ("host_name", "node.canopy.test".to_owned()),
        ];
        let app = TestApp::start_with(on, move |settings| {
            options.into_iter().for_each(|(key, value)| settings.set(key, value));
        })
        .await?;
        let agency = app.agency("Strict").await;
        let client = app.client(&agency, "strict", 0).await;
        Some(Self { app, client, encrypted, clear, dns, policies, records, _certificates: certificates })
    }

    /// A domain with its mail servers, the most preferred first.
    fn domain(&mut self, domain: &str, servers: &[&str]) {
        let records = (1..).zip(servers).map(|(n, host)| Record::Mx(domain.into(), (*host).into(), n * 10));
        self.records.extend(records);
        self.records.push(Record::Nameless(format!("mta-sts.{domain}"), POLICIES));
    }

    /// What its DNS says of its policy, in place of what it said before.
    fn announce(&mut self, domain: &str, text: &str) {
        let name = format!("_mta-sts.{domain}");
        self.records.retain(|record| !matches!(record, Record::Txt(at, _) if *at == name));
        if !text.is_empty() {
            self.records.push(Record::Txt(name, text.into()));
        }
    }

    fn publish(&mut self) {
        self.dns.publish(&self.records);
    }

    async fn serve(&self, domain: &str, answer: Answer) {
        self.policies.serve(&format!("mta-sts.{domain}"), answer).await;
    }

    /// A domain with servers and a policy over all of this.
    async fn with_policy(&mut self, domain: &str, servers: &[&str], policy: &str) {
        self.domain(domain, servers);
        self.announce(domain, "v=STSv1; id=1");
        self.serve(domain, Answer::policy(policy)).await;
    }

    /// Sends to one recipient of `domain` by this node; answers the status and what was said.
    async fn send(&self, domain: &str) -> (String, String) {
        self.send_by(&self.app.app, domain).await
    }

    async fn send_by(&self, node: &Arc<App>, domain: &str) -> (String, String) {
        let id = accept(&self.app, &self.client, &[&format!("ann@{domain}")]).await[0];
        // A destination takes four at once of a node; whoever comes fifth, behind messages that were put off before and are
        // due again, waits a moment in place only if one left just now, and else goes back for a second.
        while message(&self.app, id).await.status == "received" && worker::run_once(node).await > 0 {}
        let log = attempts(&self.app, id).await.pop().map(|attempt| attempt.log).unwrap_or_default();
        (message(&self.app, id).await.status, log)
    }

    async fn requests(&self, domain: &str) -> usize {
        self.policies.requests(&format!("mta-sts.{domain}")).await
    }
}

fn policy(mode: &str, mx: &str) -> String {
    format!("version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 3600\n")
}

const LOOPBACK: &str = "127.0.0.0/8";

#[tokio::test]
async fn an_enforced_policy_lets_mail_go_to_its_servers_only_and_only_encrypted_and_verified() {
    let domains = ["good.test", "wild.test", "mixed.test", "clear.test", "badcert.test", "foreign.test"];
    for on in [On::Sqlite, On::Postgres] {
        let Some(mut world) = World::new(on, LOOPBACK, &domains).await else { return };
        world.domain("easy.test", &["other.test"]);
        world.with_policy("good.test", &["mx1.test"], &policy("enforce", "mx1.test")).await;
        world.with_policy("wild.test", &["mx1.test"], &policy("enforce", "*.test")).await;
        world.with_policy("mixed.test", &["mx2.test", "mx1.test"], &policy("enforce", "mx1.test")).await;
        world.with_policy("clear.test", &["mx2.test"], &policy("enforce", "mx2.test")).await;
        world.with_policy("badcert.test", &["other.test"], &policy("enforce", "other.test")).await;
        world.with_policy("foreign.test", &["mx2.test"], &policy("enforce", "mx1.test")).await;
        world.publish();
        // Leaves a connection behind that nobody verified.
        assert_eq!(world.send("easy.test").await.0, "delivered");
        for domain in ["good.test", "wild.test", "mixed.test"] {
            let (status, log) = world.send(domain).await;
            assert_eq!(status, "delivered", "{domain}: {log}");
        }
        let arrived = world.encrypted.wait_for(4).await;
        assert_eq!((arrived.len(), arrived.iter().all(|one| one.tls)), (4, true));
        let (port, as_asked) = (world.encrypted.port(), "as the domain's MTA-STS policy asks for");
        for (domain, words) in [
            (
                "clear.test",
                format!("mx2.test (127.0.0.2:{port}) could not be reached {as_asked}: it offers no STARTTLS"),
            ),
            ("badcert.test", format!("other.test (127.0.0.1:{port}) could not be reached {as_asked}: TLS failed")),
            ("foreign.test", "foreign.test enforces MTA-STS, and its policy names none of the servers".to_owned()),
        ] {
            let (status, log) = world.send(domain).await;
            assert_eq!(status, "deferred", "{domain}: {log}");
            assert!(log.contains(&words), "{domain}: {log}");
        }
        assert_eq!((world.encrypted.messages().len(), world.clear.messages().len()), (4, 0));
    }
}

#[tokio::test]
async fn a_policy_that_tests_or_takes_itself_back_holds_nothing_up() {
    let Some(mut world) = World::new(On::Sqlite, LOOPBACK, &["testing.test", "none.test"]).await else { return };
    world.with_policy("testing.test", &["mx2.test"], &policy("testing", "mx1.test")).await;
    world.with_policy("none.test", &["mx2.test"], "version: STSv1\nmode: none\nmax_age: 3600\n").await;
    world.publish();
    for domain in ["testing.test", "none.test"] {
        assert_eq!(world.send(domain).await.0, "delivered", "{domain}");
        assert_eq!(world.requests(domain).await, 1, "{domain}");
    }
    assert_eq!(world.clear.wait_for(2).await.len(), 2);
}

#[tokio::test]
async fn a_policy_is_fetched_once_for_all_nodes_again_for_a_new_id_and_kept_while_its_host_is_away() {
    for on in [On::Sqlite, On::Postgres] {
        let Some(mut world) = World::new(on, LOOPBACK, &["kept.test"]).await else { return };
        world.with_policy("kept.test", &["mx1.test"], &policy("enforce", "mx1.test")).await;
        world.publish();
        let (first, second) = (Arc::clone(&world.app.app), world.app.second_node());
        for node in [&first, &second, &first] {
            assert_eq!(world.send_by(node, "kept.test").await.0, "delivered");
        }
        assert_eq!(world.requests("kept.test").await, 1, "one fetch for two nodes");

        let step = |by: TimeDelta| [&first, &second].map(|node| node.clock.step(by));
        world.serve("kept.test", Answer::policy(&policy("enforce", "elsewhere.test"))).await;
        step(TimeDelta::minutes(2));
        assert_eq!(world.send("kept.test").await.0, "delivered", "the id is the same");
        world.announce("kept.test", "v=STSv1; id=2");
        world.publish();
        step(TimeDelta::minutes(2));
        for node in [&first, &second] {
            let (status, log) = world.send_by(node, "kept.test").await;
            assert_eq!(status, "deferred");
            assert!(log.contains("its policy names none"), "{log}");
        }
        assert_eq!(world.requests("kept.test").await, 2);

        // A third id, and nobody there to fetch it from; then no record at all.
        world.policies.stop();
        for text in ["v=STSv1; id=3", ""] {
            world.announce("kept.test", text);
            world.publish();
            step(TimeDelta::minutes(6));
            for node in [&first, &second] {
                let (status, log) = world.send_by(node, "kept.test").await;
                assert_eq!(status, "deferred", "{text}");
                assert!(log.contains("its policy names none"), "{text}: {log}");
            }
        }
        // An hour after it was fetched it is over.
        step(TimeDelta::minutes(60));
        assert_eq!(world.send("kept.test").await.0, "delivered");
        purged(&world).await;
    }
}

/// What is over goes with the housekeeping.
async fn purged(world: &World) {
    let (app, services) = (&world.app, Arc::clone(&world.app.app.services));
    let (now, before) = (app.app.clock.now(), app.app.clock.now() - TimeDelta::minutes(70));
    let stored = |at: chrono::NaiveDateTime| app.read(move |conn| Ok(mta_sts::find(conn, "kept.test", at)?));
    assert!(stored(before.naive_utc()).await.is_some());
    app.write(move |conn, _| housekeeping::purge(conn, now, &services)).await;
    assert!(stored(before.naive_utc()).await.is_none());
}

#[tokio::test]
async fn a_policy_that_cannot_be_had_or_read_is_as_none() {
    let domains: Vec<String> = (0..9).map(|n| format!("d{n}.test")).collect();
    let named: Vec<&str> = domains.iter().map(String::as_str).collect();
    let Some(mut world) = World::new(On::Sqlite, LOOPBACK, &named).await else { return };
    // Each would hold the message up, if it counted.
    let strict = Answer::policy(&policy("enforce", "mx1.test"));
    let filler = format!("x: {}\n", "y".repeat(1020));
    let with = |change: &dyn Fn(&mut Answer)| {
        let mut answer = strict.clone();
        change(&mut answer);
        answer
    };
    let cases: Vec<(&str, &str, Answer, &str)> = vec![
        ("it counts", "v=STSv1; id=1", strict.clone(), "deferred"),
        ("not its type", "v=STSv1; id=1", with(&|a| a.kind = "text/html"), "delivered"),
        ("a redirect", "v=STSv1; id=1", with(&|a| a.status = 302), "delivered"),
        ("an error", "v=STSv1; id=1", with(&|a| a.status = 500), "delivered"),
        ("malformed", "v=STSv1; id=1", with(&|a| a.body = a.body.replace("max_age", "age")), "delivered"),
        ("a record that is none", "v=STSv1; id=a-b", strict.clone(), "delivered"),
        ("as large as may be", "v=STSv1; id=1", with(&|a| a.body.push_str(&filler.repeat(60))), "deferred"),
        ("too large", "v=STSv1; id=1", with(&|a| a.body.push_str(&filler.repeat(66))), "delivered"),
        // It would take an hour.
        ("too slow", "v=STSv1; id=1", with(&|a| a.wait = Duration::from_secs(3600)), "delivered"),
        ("a host with another's certificate", "v=STSv1; id=1", strict.clone(), "delivered"),
    ];
    for (n, (_, record, answer, _)) in cases.iter().enumerate() {
        let domain = format!("d{n}.test");
        world.domain(&domain, &["mx2.test"]);
        world.announce(&domain, record);
        world.serve(&domain, answer.clone()).await;
    }
    world.publish();
    for (n, (name, _, _, expected)) in cases.iter().enumerate() {
        let (status, log) = world.send(&format!("d{n}.test")).await;
        assert_eq!(status, *expected, "{name}: {log}");
    }
    let mut asked = Vec::new();
    for n in 0..cases.len() {
        asked.push(world.requests(&format!("d{n}.test")).await);
    }
    assert_eq!(asked, [1, 1, 1, 1, 1, 0, 1, 1, 1, 0]);
    // What failed is left alone for five minutes.
    world.app.app.clock.step(TimeDelta::minutes(2));
    assert_eq!(world.send("d3.test").await.0, "delivered");
    assert_eq!(world.requests("d3.test").await, 1);
    world.app.app.clock.step(TimeDelta::minutes(4));
    world.serve("d3.test", strict).await;
    assert_eq!(world.send("d3.test").await.0, "deferred");
}

#[tokio::test]
async fn a_policy_with_nul_in_it_is_kept_or_is_none_and_mail_goes_on() {
    let whole = policy("enforce", "mx1.test");
    let bodies = [
        format!("{whole}note: a\0b\n"),
        format!("{whole}\0"),
        format!("\0{whole}"),
        whole.replace("max_age", "mx: m\0x.test\nmax_age"),
        whole.replace("enforce", "enforce\0"),
        whole.replace("STSv1", "STSv1\0"),
        whole.replace("3600", "3600\0"),
    ];
    let domains: Vec<String> = (0..bodies.len()).map(|n| format!("d{n}.test")).collect();
    let named: Vec<&str> = domains.iter().map(String::as_str).collect();
    for on in [On::Sqlite, On::Postgres] {
        let Some(mut world) = World::new(on, LOOPBACK, &named).await else { return };
        for (domain, body) in domains.iter().zip(&bodies) {
            world.with_policy(domain, &["mx1.test"], body).await;
        }
        world.publish();
        for (domain, body) in domains.iter().zip(&bodies) {
            for _ in 0..2 {
                let (status, log) = world.send(domain).await;
                assert_eq!(status, "delivered", "{body:?}: {log}");
            }
            assert_eq!(world.requests(domain).await, 1, "what was found is remembered: {body:?}");
        }
    }
}

#[tokio::test]
async fn two_records_are_none() {
    let Some(mut world) = World::new(On::Sqlite, LOOPBACK, &["two.test"]).await else { return };
    world.with_policy("two.test", &["mx2.test"], &policy("enforce", "mx1.test")).await;
    world.records.push(Record::Txt("_mta-sts.two.test".into(), "v=STSv1; id=2".into()));
    world.publish();
    assert_eq!(world.send("two.test").await.0, "delivered");
    assert_eq!(world.requests("two.test").await, 0);
}

#[tokio::test]
async fn a_policy_host_on_a_private_network_is_asked_only_where_that_is_allowed() {
    for (allow, expected, asked) in
        [("127.0.0.1,127.0.0.2", "delivered", 0), ("127.0.0.1,127.0.0.2,127.0.0.3", "deferred", 1)]
    {
        let Some(mut world) = World::new(On::Sqlite, allow, &["inside.test"]).await else { return };
        world.with_policy("inside.test", &["mx2.test"], &policy("enforce", "mx1.test")).await;
        world.publish();
        assert_eq!(world.send("inside.test").await.0, expected);
        assert_eq!(world.requests("inside.test").await, asked, "{allow}");
    }
}
