//! Sending domains, from adding one to losing it.

mod contract;
mod holding;
mod looks;
mod most;
pub mod real_dns;

use canopy::dns::Dns;
use canopy::domain::ids::Id;
use serde_json::{Value, json};

use crate::support::app::{Agency, TestApp, all_scopes};

/// An account with a key, and no domain yet.
pub struct Owner {
    pub id: Id,
    pub key: String,
}

/// A sub account with no domain yet.
pub async fn owner(app: &TestApp, agency: &Agency, label: &str) -> Owner {
    let client = app.client(agency, label, 0).await;
    Owner { id: client.id, key: client.key }
}

/// A parent account.
pub async fn agency_owner(app: &TestApp, label: &str) -> Owner {
    let agency = app.agency(label).await;
    let key = app.key(agency.id, &all_scopes()).await;
    Owner { id: agency.id, key }
}

impl Owner {
    /// The path of one of its domains, or with "" of the list.
    pub fn path(&self, name: &str) -> String {
        let rest = if name.is_empty() { String::new() } else { format!("/{name}") };
        format!("/v2/accounts/{}/domains{rest}", self.id)
    }

    /// Adds a domain, with `more` in the body.
    pub async fn try_add(&self, app: &TestApp, name: &str, more: Value) -> (u16, Value) {
        let mut body = more;
        body["domain"] = json!(name);
        app.call("POST", &self.path(""), &self.key, Some(&body)).await
    }

    /// Adds a domain, which must succeed.
    pub async fn add(&self, app: &TestApp, name: &str, more: Value) -> Value {
        let (status, domain) = self.try_add(app, name, more).await;
        assert_eq!(status, 201, "{domain}");
        domain
    }

    /// Asks for a look at DNS.
    pub async fn check(&self, app: &TestApp, name: &str) -> Value {
        let (status, domain) = app.call("POST", &self.path(&format!("{name}/check-dns")), &self.key, None).await;
        assert_eq!(status, 200, "{domain}");
        domain
    }
}

/// Publishes what the API shows of a domain in the zone of this process.
pub fn publish(app: &TestApp, domain: &Value) {
    let Dns::Zone(zone) = &app.app.dns else { panic!("these tests have a zone of their own") };
    let mut zone = zone.write().expect("nobody panicked with the zone");
    for record in domain["dns_records"].as_array().expect("records") {
        let text = |field: &str| record[field].as_str().expect("a text").to_owned();
        let (host, content) = (text("host"), text("content"));
        match text("type").as_str() {
            "CNAME" => zone.cname(&host, &content),
            "MX" => zone.mx(&host, 10, content.split_once(' ').expect("priority and host").1),
            _ => zone.txt(&host, &content),
        }
    }
}

/// Takes everything of a name out of that zone.
pub fn withdraw(app: &TestApp, name: &str) {
    let Dns::Zone(zone) = &app.app.dns else { panic!("these tests have a zone of their own") };
    zone.write().expect("nobody panicked with the zone").remove(name);
}

/// Steps past the minute in which a look is not repeated.
pub fn a_minute_passes(app: &TestApp) {
    app.app.clock.step(chrono::TimeDelta::seconds(61));
}
