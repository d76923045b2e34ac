//! Against a real DNS server: aliases, a server that goes away, and a message accepted at the end.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Owner, a_minute_passes, agency_owner};
use crate::support::app::{On, TestApp};
use crate::support::dns_server::{DnsServer, Record};

/// What the API shows of a domain, as records of the server.
pub fn zone(domain: &Value) -> Vec<Record> {
    let records = domain["dns_records"].as_array().expect("records").iter();
    records
        .map(|record| {
            let text = |field: &str| record[field].as_str().expect("a text").to_owned();
            let (host, content) = (text("host"), text("content"));
            match (text("type").as_str(), content.split_once(' ')) {
                ("CNAME", _) => Record::Cname(host, content),
                ("MX", Some((priority, server))) => {
                    Record::Mx(host, server.to_owned(), priority.parse().expect("a number"))
                }
                _ => Record::Txt(host, content),
            }
        })
        .collect()
}

async fn started(zone: &[Record]) -> Option<(TestApp, DnsServer)> {
    let server = DnsServer::start(zone)?;
    let address = server.address().to_string();
    let app = TestApp::start_with(On::Sqlite, move |settings| settings.set("dns", address)).await?;
    Some((app, server))
}

fn propagated(domain: &Value, label: &str) -> Value {
    let records = domain["dns_records"].as_array().expect("records");
    records.iter().find(|record| record["label"] == label).expect("the record")["propagated"].clone()
}

#[tokio::test]
async fn a_published_domain_is_verified_and_then_sends() {
    let Some((app, mut server)) = started(&[]).await else { return };
    let owner = agency_owner(&app, "Real").await;
    let domain = owner.add(&app, "real.example", json!({})).await;
    assert_eq!(send(&app, &owner).await, 400, "not before it is verified");
    let mut records = zone(&domain);
    // The DKIM key over two aliases, as a provider that hosts keys for others has it.
    let key = records.iter().position(|record| matches!(record, Record::Txt(host, _) if host.starts_with("canopy.")));
    let Record::Txt(host, text) = records.remove(key.expect("the key's record")) else { return };
    records.push(Record::Cname(host, "keys.provider.example".into()));
    records.push(Record::Cname("keys.provider.example".into(), "k1.provider.example".into()));
    records.push(Record::Txt("k1.provider.example".into(), text));
    records.extend(targets(&domain));
    server.publish(&records);
    let checked = owner.check(&app, "real.example").await;
    assert_eq!(checked["dns_valid"], true, "{checked}");
    for label in ["SPF", "DKIM", "DMARC", "Tracking", "Return path", "MX"] {
        assert_eq!(propagated(&checked, label), true, "{label}: {checked}");
    }
    assert_eq!(send(&app, &owner).await, 202);
}

/// The hosts that the domain's aliases lead to: dnsmasq answers an alias only when it knows its target.
pub fn targets(domain: &Value) -> Vec<Record> {
    let records = domain["dns_records"].as_array().expect("records").iter();
    let mut hosts: Vec<String> = records
        .filter(|record| record["type"] == "CNAME")
        .map(|record| record["content"].as_str().expect("a host").to_owned())
        .collect();
    hosts.sort();
    hosts.dedup();
    hosts.into_iter().map(|host| Record::A(host, std::net::Ipv4Addr::LOCALHOST)).collect()
}

async fn send(app: &TestApp, owner: &Owner) -> u16 {
    let body = json!({ "from": { "email": "hello@real.example" }, "recipients": [{ "email": "ann@example.org" }],
                       "subject": "Hello", "text_content": "Hello" });
    app.call("POST", &format!("/v2/accounts/{}/messages", owner.id), &owner.key, Some(&body)).await.0
}

#[tokio::test]
async fn a_server_that_does_not_answer_takes_nothing_away() {
    let Some((app, mut server)) = started(&[]).await else { return };
    let owner = agency_owner(&app, "Silent").await;
    let domain = owner.add(&app, "silent.example", json!({})).await;
    server.publish(&zone(&domain));
    assert_eq!(owner.check(&app, "silent.example").await["dns_valid"], true);
    server.stop();
    for _ in 0..2 {
        app.app.clock.step(TimeDelta::hours(2));
        let unanswered = owner.check(&app, "silent.example").await;
        assert_eq!(unanswered["dns_valid"], true);
        assert_eq!(propagated(&unanswered, "SPF"), true, "the last known state stands");
    }
    let id = owner.id;
    let row = app.read(move |conn| Ok(canopy::models::domains::find(conn, id, "silent.example")?)).await;
    assert_eq!(row.expect("the domain").failed_checks, 0);
    server.publish(&[]);
    a_minute_passes(&app);
    assert_eq!(propagated(&owner.check(&app, "silent.example").await, "SPF"), false, "an answer is an answer");
}
