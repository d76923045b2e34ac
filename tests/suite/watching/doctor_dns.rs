//! What the checks say of names, by a real DNS server, and of port 25, by a real mail server.

use std::net::Ipv4Addr;

use canopy::config::Config;
use canopy::doctor::{Subject, Verdict, examine};

use super::doctor::{about, configured, expect, subject};
use crate::support::app::TestApp;
use crate::support::dns_server::{DnsServer, Record};
use crate::support::smtp_sink::SmtpSink;

const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const HOST: &str = "mail.platform.test";
const RETURN: &str = "bounces.platform.test";

fn a(name: &str, address: Ipv4Addr) -> Record {
    Record::A(name.into(), address)
}

fn spf(text: &str) -> Record {
    Record::Txt(RETURN.into(), text.into())
}

fn mx(host: &str) -> Record {
    Record::Mx(RETURN.into(), host.into(), 10)
}

/// All as it should be.
fn good() -> Vec<Record> {
    vec![a(HOST, OURS), mx(HOST), spf("v=spf1 mx -all")]
}

/// A node that sends straight to recipients and receives bounces.
fn config(app: &TestApp, dns: &DnsServer, more: &[(&'static str, &str)]) -> Config {
    let address = dns.address().to_string();
    let mut pairs = vec![
        ("dns", address.as_str()),
        ("default_transport", "direct"),
        ("host_name", HOST),
        ("return_path_host", RETURN),
        ("mx_listen", "127.0.0.1:2525"),
        ("transport_allow", "127.0.0.0/8"),
    ];
    pairs.extend_from_slice(more);
    configured(app, &pairs)
}

#[tokio::test]
async fn names_that_lead_where_they_should_are_in_order() {
    let app = TestApp::sqlite().await;
    let Some(dns) = DnsServer::start(&good()) else { return };
    let findings = examine(subject(&app, config(&app, &dns, &[]))).await;
    for (name, words) in [
        ("resolver", "answered"),
        ("HELO", "leads to where mail comes from"),
        ("reverse DNS", "192.0.2.7 is mail.platform.test, which leads back to it"),
        ("return path", "leads to mail.platform.test, which is this node"),
        ("SPF", "lets our addresses send"),
    ] {
        expect(&findings, name, Verdict::Ok, words);
    }
    expect(&findings, "port 25", Verdict::Skip, "--probe-domain");
    assert!(!findings.iter().any(|finding| finding.subject == "mx_listen"), "it listens");
}

#[tokio::test]
async fn each_name_that_leads_astray_is_told_with_what_to_publish() {
    let app = TestApp::sqlite().await;
    let Some(mut dns) = DnsServer::start(&good()) else { return };
    let other = Ipv4Addr::new(192, 0, 2, 9);
    let nameless = || Record::Nameless(HOST.into(), OURS);
    let fail = Verdict::Fail;
    let cases: Vec<(Vec<Record>, &str, Verdict, &str)> = vec![
        (vec![nameless(), mx(HOST), spf("v=spf1 mx -all")], "reverse DNS", fail, "192.0.2.7 has no name (PTR)"),
        (vec![mx(HOST), spf("v=spf1 mx -all")], "HELO", fail, "has no address"),
        (vec![a(HOST, OURS), spf("v=spf1 a:mail.platform.test -all")], "return path", fail, "has no MX record"),
        (vec![a(HOST, OURS), mx("gone.platform.test"), spf("v=spf1 -all")], "return path", fail, "has no address"),
        (
            vec![a(HOST, OURS), a("else.test", other), mx("else.test"), spf("v=spf1 -all")],
            "return path",
            Verdict::Warn,
            "leads to else.test, not to mail.platform.test",
        ),
        (vec![a(HOST, OURS), mx(HOST)], "SPF", fail, "has no SPF record"),
        (vec![a(HOST, OURS), mx(HOST), spf("v=spf1 mx -all"), spf("v=spf1 -all")], "SPF", fail, "has 2 SPF records"),
        (vec![a(HOST, OURS), mx(HOST), spf("v=spf1 ip4:192.0.2.9 -all")], "SPF", fail, "does not let 192.0.2.7 send"),
    ];
    for (records, name, verdict, words) in cases {
        dns.publish(&records);
        expect(&examine(subject(&app, config(&app, &dns, &[]))).await, name, verdict, words);
    }
    dns.publish(&good());
    let deaf = config(&app, &dns, &[("mx_listen", "")]);
    expect(&examine(subject(&app, deaf)).await, "mx_listen", Verdict::Warn, "does not listen");
    let nobody = config(&app, &dns, &[("return_path_host", "bounces.canopy.example")]);
    expect(&examine(subject(&app, nobody)).await, "return path", fail, "nobody's name");
}

#[tokio::test]
async fn a_resolver_that_is_gone_fails_and_is_not_taken_for_missing_records() {
    let app = TestApp::sqlite().await;
    let Some(mut dns) = DnsServer::start(&good()) else { return };
    dns.stop();
    let mut gone = subject(&app, config(&app, &dns, &[]));
    gone.dns = Ok(canopy::dns::Dns::at(dns.address(), std::time::Duration::from_millis(500)).expect("a resolver"));
    let findings = examine(gone).await;
    expect(&findings, "resolver", Verdict::Fail, "did not answer");
    for name in ["return path", "SPF", "reverse DNS"] {
        expect(&findings, name, Verdict::Fail, "could not be looked up");
    }
}

#[tokio::test]
async fn port_25_is_tried_at_the_domain_that_is_named_and_only_where_deliveries_may_go() {
    let app = TestApp::sqlite().await;
    let Some(sink) = SmtpSink::start() else { return };
    let mut records = good();
    records
        .extend([a("mx.probe.test", Ipv4Addr::LOCALHOST), Record::Mx("probe.test".into(), "mx.probe.test".into(), 5)]);
    let Some(dns) = DnsServer::start(&records) else { return };
    let open = sink.port().to_string();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let closed = closed.to_string();
    for (port, allow, domain, verdict, words) in [
        (&open, "127.0.0.0/8", "probe.test", Verdict::Ok, "mx.probe.test [127.0.0.1] greeted us"),
        (&closed, "127.0.0.0/8", "probe.test", Verdict::Fail, "open port 25 outwards"),
        (&open, "", "probe.test", Verdict::Fail, "which transport_allow does not name"),
        (&open, "127.0.0.0/8", "nowhere.test", Verdict::Fail, "names no mail server"),
    ] {
        let config = config(&app, &dns, &[("direct_port", port), ("transport_allow", allow)]);
        let probing = Subject { probe_domain: Some(domain.into()), ..subject(&app, config) };
        expect(&examine(probing).await, "port 25", verdict, words);
    }
    let kept = config(&app, &dns, &[("default_transport", "mailbox")]);
    let findings = examine(Subject { probe_domain: Some("probe.test".into()), ..subject(&app, kept) }).await;
    assert_eq!(about(&findings, "port 25").verdict, Verdict::Skip);
    assert_eq!(about(&findings, "reverse DNS").verdict, Verdict::Skip);
}
