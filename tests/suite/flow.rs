//! The documented flow, against the running program and from outside: an agency provisions a client over the API,
//! publishes its records in a real DNS server, sends, a real mail server takes the message, an independent verifier
//! accepts its signature, and usage and allocated cost move.

use serde_json::{Value, json};

use crate::domains::real_dns::{targets, zone};
use crate::support::dkim_verify::dkim_verify;
use crate::support::dns_server::DnsServer;
use crate::support::process::Process;
use crate::support::smtp_sink::SmtpSink;
use crate::support::temp_dir::TempDir;

/// Whoever holds a key, at the API's address.
struct Caller<'a> {
    http: &'a reqwest::Client,
    api: &'a str,
    key: &'a str,
}

impl Caller<'_> {
    async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}{path}", self.api)).bearer_auth(self.key).send().await;
        let answer = answer.expect("the program answers");
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.expect("JSON")
    }

    /// Posts with an Idempotency-Key; answers status and body.
    async fn post(&self, path: &str, once: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.api)).bearer_auth(self.key);
        let answer = request.header("Idempotency-Key", once).json(body).send().await.expect("the program answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

#[tokio::test]
async fn an_agency_provisions_a_client_whose_signed_message_arrives_and_is_paid_for() {
    let (Some(sink), Some(mut dns)) = (SmtpSink::start(), DnsServer::start(&[])) else { return };
    let data = TempDir::new();
    let folder = data.path().join("demo").display().to_string();
    let (relay, resolver) = (format!("smtp://127.0.0.1:{}", sink.port()), dns.address().to_string());
    let arguments =
        ["demo", "--json", "--listen", "127.0.0.1:0", "--data", &folder, "--sub-accounts", "3", "--days", "5"];
    let program = Process::canopy(&[&arguments[..], &["--relay", &relay, "--dns", &resolver]].concat(), &[]);
    let said = program.next_json();
    let text = |name: &str| said[name].as_str().expect("the demo tells it").to_owned();
    let (http, api, account, key) = (reqwest::Client::new(), text("api"), text("account_id"), text("api_key"));
    let agency = Caller { http: &http, api: &api, key: &key };
    let children = format!("/v2/accounts/{account}/sub-accounts");

    // The sub account: a retry with its key answers the same and makes no second one.
    let wish = json!({ "name": "Larkspur Dental", "website": "larkspur.example", "monthly_credit": 1000 });
    let (status, child) = agency.post(&children, "create-larkspur", &wish).await;
    assert_eq!(status, 201, "{child}");
    assert_eq!(agency.post(&children, "create-larkspur", &wish).await, (201, child.clone()));
    let id = child["id"].as_str().expect("an id").to_owned();

    // Its bootstrap key.
    let wish = json!({ "label": "Bootstrap", "scopes": ["domains:read", "domains:write", "messages:send:all", "messages:read:all"] });
    let (status, made) = agency.post(&format!("{children}/{id}/api-keys"), "key-larkspur", &wish).await;
    assert_eq!(status, 201, "{made}");
    let secret = made["secret_key"].as_str().expect("the secret, once").to_owned();
    let client = Caller { http: &http, api: &api, key: &secret };
    let before = of_child(&agency.get(&format!("{children}/usage")).await, &id);

    // Its domain, its records, and a look at them.
    let domains = format!("/v2/accounts/{id}/domains");
    let (status, domain) = client.post(&domains, "domain-larkspur", &json!({ "domain": "larkspur.example" })).await;
    assert_eq!((status, &domain["dns_valid"]), (201, &json!(false)), "{domain}");
    let mut records = zone(&domain);
    records.extend(targets(&domain));
    dns.publish(&records);
    let (status, checked) = client.post(&format!("{domains}/larkspur.example/check-dns"), "look", &json!({})).await;
    assert_eq!((status, &checked["dns_valid"]), (200, &json!(true)), "{checked}");

    // A message, taken by the mail server and accepted by the verifier with what DNS publishes.
    let message = json!({ "from": { "email": "hello@larkspur.example", "name": "Larkspur" }, "subject": "Your appointment",
                          "recipients": [{ "email": "ann@example.org" }], "text_content": "See you on Monday." });
    let (status, sent) = client.post(&format!("/v2/accounts/{id}/messages"), "send-1", &message).await;
    assert_eq!(status, 202, "{sent}");
    let arrived = sink.wait_for(1).await.remove(0);
    assert_eq!(arrived.recipients, ["ann@example.org"]);
    assert!(arrived.text().contains(sent["data"][0]["id"].as_str().expect("a message id")), "{}", arrived.text());
    let dkim = domain["dns_records"].as_array().expect("records").iter().find(|record| record["label"] == "DKIM");
    let dkim = dkim.expect("the key's record");
    let published = [(dkim["host"].as_str().expect("a host"), dkim["content"].as_str().expect("a text"))];
    assert_eq!(dkim_verify(&arrived.content, &published).expect("the verifier is there"), Ok(()));
    let (host, forged) = (published[0].0, "v=DKIM1; k=rsa; p=");
    assert!(dkim_verify(&arrived.content, &[(host, forged)]).expect("the verifier is there").is_err(), "it can say no");

    // Usage and cost move.
    let usage = agency.get(&format!("{children}/usage")).await;
    let after = of_child(&usage, &id);
    assert_eq!((before.0, after.0), (0, 1), "{usage}");
    assert!(after.1 > 0.0 || usage["total"]["allocated_cost"] == json!(0.0), "{usage}");
    let minor = |value: &Value| (value.as_f64().expect("an amount") * 100.0).round();
    let parts = usage["sub_accounts"].as_array().expect("a list").iter().map(|line| minor(&line["allocated_cost"]));
    let parts = parts.sum::<f64>()
        + minor(&usage["parent"]["allocated_cost"])
        + minor(&usage["removed_sub_accounts"]["allocated_cost"]);
    assert_eq!(parts, minor(&usage["total"]["allocated_cost"]), "the parts add up: {usage}");
}

/// What the usage report says of one sub account: messages and allocated cost.
fn of_child(usage: &Value, id: &str) -> (i64, f64) {
    let line = usage["sub_accounts"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|line| line["id"] == id || line["account_id"] == id);
    let line = line.unwrap_or_else(|| panic!("no line of {id}: {usage}"));
    (line["reception_count"].as_i64().expect("a number"), line["allocated_cost"].as_f64().unwrap_or_default())
}
