//! No way of writing an address of this machine, or of the networks behind it, gets a connection: neither at the door,
//! where a transport is written down, nor on the way, where a row says it all the same.

use std::net::{Ipv4Addr, Ipv6Addr};

use canopy::domain::ids::Id;
use canopy::domain::transport::{Tls, TransportKind};
use canopy::models::transports::{self, Transport};
use serde_json::json;

use super::{accept, attempts, deliver};
use crate::support::app::{Agency, Client, On, TestApp};
use crate::support::smtp_sink::SmtpSink;

/// This machine, private and shared networks, and where clouds keep their secrets.
const INSIDE: [Ipv4Addr; 6] = [
    Ipv4Addr::new(127, 0, 0, 1),
    Ipv4Addr::new(0, 0, 0, 0),
    Ipv4Addr::new(10, 0, 0, 1),
    Ipv4Addr::new(100, 64, 0, 1),
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(192, 168, 1, 1),
];
const NAMES_AND_OTHERS: [&str; 21] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.2",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "0:0:0:0:0:0:0:1",
    "0000:0000:0000:0000:0000:0000:0000:0001",
    "fd00::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "64:ff9b:1::1",
];

/// The ways of writing one that some resolver takes for it.
fn numbers(ip: Ipv4Addr) -> Vec<String> {
    let [a, b, c, d] = ip.octets();
    let (whole, low) = (u32::from(ip), u32::from_be_bytes([0, b, c, d]));
    let (high, end) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let mapped = ip.to_ipv6_mapped();
    let [.., g, h] = mapped.segments();
    vec![
        ip.to_string(),
        format!("{a}.{b}.{end}"),
        format!("{a}.{low}"),
        whole.to_string(),
        format!("0x{whole:08x}"),
        format!("0X{whole:08X}"),
        format!("0{whole:o}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("0x{a:x}.{b}.0{c:o}.{d}"),
        format!("{a:04o}.{low:#x}"),
        mapped.to_string(),
        format!("::ffff:{g:x}:{h:x}"),
        format!("0:0:0:0:0:ffff:{ip}"),
        format!("0000:0000:0000:0000:0000:FFFF:{g:04X}:{h:04X}"),
        format!("::{g:x}:{h:x}"),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, end).to_string(),
        format!("64:ff9b::{ip}"),
        Ipv6Addr::new(0x2002, high, end, 0, 0, 0, 0, 1).to_string(),
        format!("2002:{high:x}:{end:x}::"),
    ]
}

/// What only a careless reader takes for one.
fn disguises(ip: Ipv4Addr) -> Vec<String> {
    let text = ip.to_string();
    let changed = |digit: u32, dot: char| -> String {
        let other = |c: char| c.to_digit(10).map_or(dot, |n| char::from_u32(digit + n).expect("a digit"));
        text.chars().map(other).collect()
    };
    vec![
        format!("{ip}."),
        format!("[{ip}]"),
        format!("[::ffff:{ip}]"),
        format!("[::ffff:{ip}%25lo]"),
        format!("{ip}:25"),
        format!("a@{ip}"),
        format!("http://{ip}"),
        format!("{ip}/"),
        format!("{ip}#.example.org"),
        format!("{ip}\0.example.org"),
        format!("{ip}\r\n"),
        format!("example.org\t{ip}"),
        text.replace('.', "%2e"),
        changed(0xff10, '.'),
        changed(u32::from('0'), '\u{3002}'),
        changed(0x1d7ce, '\u{ff0e}'),
    ]
}

#[tokio::test]
async fn no_notation_of_an_inside_address_gets_a_connection() {
    let Some(app) = TestApp::start_with(On::Sqlite, |settings| settings.set("transport_allow", "")).await else {
        return;
    };
    let Some(sink) = SmtpSink::start() else { return };
    let agency = app.agency("Inside").await;
    let child = app.client(&agency, "inside", 0).await;
    let path = format!("/v2/accounts/{}/transports", agency.id);
    let others = NAMES_AND_OTHERS.map(str::to_owned);
    let readable: Vec<String> = INSIDE.iter().flat_map(|ip| numbers(*ip)).chain(others).collect();
    let all: Vec<String> = readable.iter().cloned().chain(INSIDE.iter().flat_map(|ip| disguises(*ip))).collect();
    let mut taken = Vec::new();
    for host in &all {
        let body = json!({ "name": "Inside", "kind": "relay", "host": host, "port": sink.port(), "tls": "none" });
        let (status, answer) = app.call("POST", &path, &agency.key, Some(&body)).await;
        if status != 400 {
            taken.push(format!("{host:?}: {status} {answer}"));
        }
    }
    assert!(taken.is_empty(), "written down: {taken:#?}");
    for host in &readable {
        choose(&app, &agency, &child, host, sink.port()).await;
        let id = accept(&app, &child, &["ann@example.org"]).await[0];
        assert_eq!(deliver(&app).await, 1);
        let tried = attempts(&app, id).await.remove(0);
        assert_eq!((tried.status.as_str(), tried.code), ("deferred", None), "{host}: {}", tried.log);
        assert_eq!(sink.connections(), 0, "{host}: {}", tried.log);
    }
    println!("{} notations refused, {} of them on the way too", all.len(), readable.len());
    assert!(all.len() >= 150, "{}", all.len());
}

/// A row that is there all the same, as after a name has moved.
async fn choose(app: &TestApp, agency: &Agency, child: &Client, host: &str, port: u16) {
    let (parent, account, port, host) = (agency.id, child.id, i32::from(port), host.to_owned());
    app.write(move |conn, cx| {
        let row = Transport {
            id: Id::new(cx.now),
            account_id: parent,
            name: host.clone(),
            kind: TransportKind::Relay.as_str().into(),
            host,
            port,
            tls: Tls::None.as_str().into(),
            username: String::new(),
            password_sealed: None,
            source_ip: String::new(),
            helo: String::new(),
            max_connections: 0,
            messages_per_second: 0,
            created_at: cx.at(),
            updated_at: cx.at(),
        };
        transports::insert(conn, &row)?;
        Ok(transports::choose(conn, account, Some(row.id), cx.at())?)
    })
    .await;
}
