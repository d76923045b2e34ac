//! Times that no database orders rightly are refused wherever one is given, and the furthest that is taken holds.

use serde_json::json;

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::Visitor;

const TOO_FAR: [&str; 5] = ["+12026-12-31", "12026-12-31", "9999-12-31", "2201-01-01", "1969-12-31"];

async fn may_send(app: &TestApp, client: &Client) -> u16 {
    let body = json!({ "from": { "email": format!("a@{}", client.domain) }, "subject": "x", "text_content": "x",
                       "recipients": [{ "email": "b@reader.example" }] });
    app.call("POST", &format!("/v2/accounts/{}/messages", client.id), &client.key, Some(&body)).await.0
}

async fn both(app: &TestApp) -> (Agency, Client, Visitor) {
    let agency = app.agency("Oak").await;
    let client = app.client(&agency, "own", 0).await;
    let visitor = Visitor::signed_in(app, &agency.email).await;
    (agency, client, visitor)
}

#[tokio::test]
async fn a_suspension_until_a_year_out_of_range_is_refused_and_one_until_the_last_holds() {
    on_both(|app| async move {
        let (_, client, visitor) = both(&app).await;
        let path = format!("/sub-accounts/{}/suspend", client.id);
        let fields = |until: String| [("kind", "abuse".to_owned()), ("reason", "a test".to_owned()), ("until", until)];
        for day in TOO_FAR {
            let fields = fields(format!("{day}T23:59"));
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page = visitor.fill(&path, &fields).await;
            assert_eq!(page.status, 422, "{day}");
            assert_eq!(may_send(&app, &client).await, 202, "{day}: nothing was suspended");
        }
        let fields = fields("2200-12-31T23:59".into());
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(visitor.fill(&path, &fields).await.status, 303);
        assert_eq!(may_send(&app, &client).await, 401, "it holds");
    })
    .await;
}

#[tokio::test]
async fn a_suppression_until_a_year_out_of_range_is_refused_by_form_and_api() {
    on_both(|app| async move {
        let (_, client, visitor) = both(&app).await;
        let form = format!("/sub-accounts/{}/suppressions", client.id);
        let api = format!("/v2/accounts/{}/suppressions", client.id);
        for day in TOO_FAR {
            let page = visitor.fill(&form, &[("email", "b@reader.example"), ("domain", "*"), ("until", day)]).await;
            assert_eq!(page.status, 422, "{day}");
            let body = json!({ "email": "b@reader.example", "expires_at": format!("{day}T23:59:00Z") });
            let (status, answer) = app.call("POST", &api, &client.key, Some(&body)).await;
            assert_eq!(status, 400, "{day}: {answer}");
            assert!(answer["message"].as_str().is_some_and(|text| text.starts_with("expires_at: ")), "{answer}");
        }
        let body = json!({ "email": "b@reader.example", "expires_at": "2200-12-31t23:59:59.5+00:00" });
        assert_eq!(app.call("POST", &api, &client.key, Some(&body)).await.0, 201);
        visitor.get(&form).await.shows("b@reader.example");
    })
    .await;
}

#[tokio::test]
async fn a_filter_by_time_takes_what_rfc_3339_allows_and_nothing_out_of_range() {
    on_both(|app| async move {
        let (_, client, _) = both(&app).await;
        assert_eq!(may_send(&app, &client).await, 202);
        let now = app.app.clock.now();
        let early = (now - chrono::TimeDelta::minutes(5)).format("%Y-%m-%dT%H:%M:%S").to_string();
        let ask = async |query: String| {
            app.call("GET", &format!("/v2/accounts/{}/messages?{query}", client.id), &client.key, None).await
        };
        for text in [
            format!("{early}Z"),
            format!("{}z", early.to_lowercase()),
            format!("{early}.123456789Z"),
            format!("{early}-00:00"),
        ] {
            let (status, answer) = ask(format!("from_time={text}")).await;
            assert_eq!((status, answer["data"].as_array().map(Vec::len)), (200, Some(1)), "{text}: {answer}");
        }
        for day in TOO_FAR {
            let (status, answer) = ask(format!("to_time={}T23:59:00Z", day.replace('+', "%2B"))).await;
            assert_eq!(status, 400, "{day}: {answer}");
        }
        assert_eq!(ask("from_time=2016-12-31T23:59:60Z".into()).await.0, 200, "a leap second");
        assert_eq!(ask(format!("subject={}", "x".repeat(201))).await.0, 400);
        assert_eq!(ask(format!("tags={}", "x".repeat(201))).await.0, 400);
    })
    .await;
}
