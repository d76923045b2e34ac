//! Behind a proxy the client's address is what the proxy wrote, in the one header that the operator named; whatever else
//! stands in it changes nothing of allow-lists, of what is counted, or of the audit.

use canopy::models::audit;
use serde_json::json;

use crate::support::app::{Agency, On, TestApp};
use crate::support::visitor::Visitor;

const CLIENT: &str = "198.51.100.7";
const SPOOFED: &str = "192.0.2.66";

async fn behind(on: On, header: &'static str) -> Option<TestApp> {
    TestApp::start_with(on, move |settings| {
        settings.set("trusted_proxies", "127.0.0.0/8");
        settings.set("forwarded_header", header);
    })
    .await
}

/// What strangers send, and the proxy's own line behind it; the header that is read, and whether it is `CLIENT`.
fn lines(header: &str) -> Vec<Vec<(&'static str, String)>> {
    match header {
        "x-forwarded-for" => vec![
            vec![("x-forwarded-for", CLIENT.into())],
            vec![("x-forwarded-for", SPOOFED.into()), ("x-forwarded-for", CLIENT.into())],
            vec![("x-forwarded-for", format!("{SPOOFED}, {CLIENT}:4711, 127.0.0.2"))],
            vec![("x-forwarded-for", "unknown".into()), ("X-Forwarded-For", format!("{CLIENT}, 127.0.0.2"))],
            vec![("x-forwarded-for", CLIENT.into()), ("forwarded", format!("for={SPOOFED}"))],
            vec![("x-real-ip", SPOOFED.into()), ("x-forwarded-for", CLIENT.into()), ("client-ip", SPOOFED.into())],
        ],
        _ => vec![
            vec![("forwarded", format!("for={CLIENT}"))],
            vec![("forwarded", format!("for={SPOOFED}")), ("forwarded", format!("for=\"{CLIENT}:4711\";proto=https"))],
            vec![("forwarded", format!("for=\"{SPOOFED}, for={CLIENT}, for=127.0.0.2"))],
            vec![("x-forwarded-for", SPOOFED.into()), ("forwarded", format!("for={CLIENT}"))],
            vec![("forwarded", format!("for={CLIENT}")), ("x-forwarded-for", SPOOFED.into())],
        ],
    }
}

/// A key that may be used from one address alone.
async fn bound_key(app: &TestApp, agency: &Agency, from: &str) -> String {
    let body = json!({ "label": format!("From {from}"), "scopes": ["accounts:read"], "ip_allow_list": [from] });
    let path = format!("/v2/accounts/{}/api-keys", agency.id);
    let (status, answer) = app.call("POST", &path, &agency.key, Some(&body)).await;
    assert_eq!(status, 201, "{answer}");
    answer["secret_key"].as_str().expect("a secret").to_owned()
}

#[tokio::test]
async fn a_spoofed_line_of_the_header_changes_nothing_of_allow_lists_and_audit() {
    for on in [On::Sqlite, On::Postgres] {
        for header in ["x-forwarded-for", "forwarded"] {
            let Some(app) = behind(on, header).await else { return };
            let agency = app.agency("Oak").await;
            let own = bound_key(&app, &agency, CLIENT).await;
            let spoofed = bound_key(&app, &agency, SPOOFED).await;
            let path = format!("/v2/accounts/{}", agency.id);
            for sent in lines(header) {
                let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
                assert_eq!(app.send("GET", &path, &own, None, &sent).await.status().as_u16(), 200, "{sent:?}");
                assert_eq!(app.send("GET", &path, &spoofed, None, &sent).await.status().as_u16(), 403, "{sent:?}");
                signs_in_from(&app, &agency, &sent).await;
            }
        }
    }
}

/// Signs somebody in; the audit names the client.
async fn signs_in_from(app: &TestApp, agency: &Agency, sent: &[(&str, &str)]) {
    let visitor = Visitor::new(app);
    let token = visitor.token().await;
    let fields =
        [("csrf_token", token.as_str()), ("email", agency.email.as_str()), ("password", crate::support::app::PASSWORD)];
    let page = visitor.post_with("/sign-in", &fields, sent).await;
    assert_eq!(page.status, 303, "{}", page.html);
    let root = agency.id;
    let entries = app.read(move |conn| Ok(audit::page(conn, root, &audit::Filter::default(), None, false, 1)?)).await;
    assert_eq!((entries[0].action.as_str(), entries[0].address.as_str()), ("user.sign_in", CLIENT), "{sent:?}");
}

#[tokio::test]
async fn a_spoofed_line_of_the_header_makes_no_other_place_to_guess_from() {
    for (on, header) in [(On::Sqlite, "x-forwarded-for"), (On::Postgres, "forwarded")] {
        let Some(app) = behind(on, header).await else { return };
        let visitor = Visitor::new(&app);
        let token = visitor.token().await;
        let own = if header == "forwarded" { format!("for={CLIENT}") } else { CLIENT.to_owned() };
        let mut statuses = Vec::new();
        for number in 0..150 {
            let email = format!("nobody-{number}@oak.example");
            let fields = [("csrf_token", token.as_str()), ("email", email.as_str()), ("password", "a guess at it")];
            let line =
                if header == "forwarded" { format!("for=192.0.2.{number}") } else { format!("192.0.2.{number}") };
            statuses
                .push(visitor.post_with("/sign-in", &fields, &[(header, line.as_str()), (header, &own)]).await.status);
        }
        let looked_at = statuses.iter().filter(|status| **status == 422).count();
        assert_eq!(looked_at, 100, "one address is one place");
    }
}
