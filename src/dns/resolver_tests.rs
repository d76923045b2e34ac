//! The resolver against a real server: dnsmasq on a loopback port, without any upstream.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::super::records::{DomainSetup, sample};
use super::super::{RecordKind, check};
use super::*;

/// A DNS server of our own, ended with the test.
struct Server {
    process: Child,
    dns: Dns,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts `program` on some port. None when it ended at once: the port is taken.
    async fn launch(program: &str, records: &[String]) -> Option<Self> {
        // Below the ports that the system gives to outgoing sockets, the questions of other tests among them.
        let port = rand::random_range(10_000..20_000_u16);
        let fixed = "--no-daemon --conf-file=/dev/null --no-resolv --no-hosts --pid-file= --listen-address=127.0.0.1 \
                     --bind-interfaces --local=/example.com/ --local=/platform.example/ --quiet-dhcp";

        let process = Command::new(program)
            .args(fixed.split_whitespace())
            .arg(format!("--port={port}"))
            .args(records)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { process, dns: Dns::server(&format!("127.0.0.1:{port}")).unwrap() };

        // A query that somebody else's socket swallowed must not count as a start that takes long.
        let asked = Dns::at((Ipv4Addr::LOCALHOST, port).into(), Duration::from_millis(200)).unwrap();
        for _ in 0..500 {
            if server.process.try_wait().unwrap().is_some() {
                return None;
            }
            if asked.txt("ready.example.com").await.is_ok() {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("dnsmasq does not answer on port {port}");
    }
}

/// Starts dnsmasq, answering for example.com and platform.example only. None where it is not installed.
async fn server(records: &[String]) -> Option<Server> {
    let program = ["/usr/sbin/dnsmasq", "/usr/local/sbin/dnsmasq", "/usr/bin/dnsmasq"];
    let Some(program) = program.into_iter().find(|path| Path::new(path).exists()) else {
        assert!(std::env::var_os("CANOPY_TEST_STRICT").is_none(), "dnsmasq is needed");
        println!("skipped: dnsmasq is not installed (apt install dnsmasq-base)");
        return None;
    };

    for _ in 0..20 {
        if let Some(server) = Server::launch(program, records).await {
            return Some(server);
        }
    }
    panic!("dnsmasq found no free port in 20 tries");
}

/// The argument that publishes a TXT record, cut into the strings of at most 255 bytes DNS allows.
fn txt(name: &str, text: &str) -> String {
    let strings: Vec<String> =
        text.as_bytes().chunks(255).map(|part| str::from_utf8(part).unwrap().to_owned()).collect();
    format!("--txt-record={name},{}", strings.join(","))
}

fn publish(setup: &DomainSetup) -> Vec<String> {
    let argument = |record: super::super::Record| match record.type_ {
        "TXT" => txt(&record.host, &record.content),
        "CNAME" => format!("--cname={},{}", record.host, record.content),
        _ => format!("--mx-host={},{},10", record.host, setup.platform.mx),
    };
    let mut arguments: Vec<String> = setup.records().into_iter().map(argument).collect();
    // dnsmasq answers with an alias only when it knows the target.
    let hosts = [&setup.platform.return_path, &setup.platform.tracking];
    arguments.extend(hosts.map(|host| format!("--host-record={host},127.0.0.1")));
    arguments
}

#[tokio::test]
async fn a_domain_with_every_record_published_passes_on_a_real_server() {
    let mut setup = sample();
    setup.dkim_public = crate::secrets::DkimKey::generate().public_base64();
    let Some(server) = server(&publish(&setup)).await else { return };
    let result = check(&server.dns, &setup).await;
    for (kind, state) in &result.records {
        assert!(state.ok, "{kind:?}: {state:?}");
    }
    assert!(result.all_required_ok && !result.unreachable);
    let dkim = result.records.iter().find(|(kind, _)| *kind == RecordKind::Dkim).unwrap();
    assert!(dkim.1.found[0].len() > 255, "the key comes in several strings");
}

#[tokio::test]
async fn nothing_published_is_missing_and_not_unreachable() {
    let Some(server) = server(&[]).await else { return };
    let result = check(&server.dns, &sample()).await;
    assert!(!result.all_required_ok && !result.unreachable);
    assert!(result.records.iter().all(|(_, state)| !state.ok && !state.unreachable && state.found.is_empty()));
    assert_eq!(server.dns.txt("other.example.com").await, Ok(vec![]));
}

#[tokio::test]
async fn a_delegated_dkim_record_is_followed() {
    let key = txt("key.example.com", "v=DKIM1; p=MIIBIjANBg");
    let alias = "--cname=canopy._domainkey.shop.example.com,key.example.com".to_owned();
    let Some(server) = server(&[key, alias]).await else { return };
    let found = server.dns.txt("canopy._domainkey.shop.example.com").await;
    assert_eq!(found, Ok(vec!["v=DKIM1; p=MIIBIjANBg".to_owned()]));
}

#[tokio::test]
async fn a_server_that_refuses_is_no_answer() {
    let Some(server) = server(&[]).await else { return };
    let failure = server.dns.txt("outside.example.net").await.unwrap_err();
    assert_eq!(failure.name, "outside.example.net");
}

#[tokio::test]
async fn a_server_that_is_not_there_makes_the_domain_unreachable_not_missing() {
    let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let dns = Dns::at((Ipv4Addr::LOCALHOST, port).into(), Duration::from_millis(200)).unwrap();
    let result = check(&dns, &sample()).await;
    assert!(result.unreachable && !result.all_required_ok);
    let (_, spf) = &result.records[0];
    let problem = spf.problem.as_deref().unwrap();
    assert!(spf.unreachable && problem.starts_with("We could not look up shop.example.com just now"), "{problem}");
}
