//! The own account over the API.

use serde_json::{Value, json};

use crate::support::app::{TestApp, on_both};

#[tokio::test]
async fn an_account_shows_itself_and_a_child_without_members_its_parents_owner() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    let client = app.client(&agency, "globex", 0).await;
    let (status, own) = app.call("GET", &format!("/v2/accounts/{}", agency.id), &agency.key, None).await;
    assert_eq!(status, 200);
    assert_eq!(own["object"], "account");
    assert_eq!(own["website"], "https://agency.example");
    assert_eq!((&own["parent_account_id"], &own["owner_id"]), (&Value::Null, &json!(agency.owner)));
    let (_, child) = app.call("GET", &format!("/v2/accounts/{}", client.id), &client.key, None).await;
    assert_eq!((&child["parent_account_id"], &child["owner_id"]), (&json!(agency.id), &json!(agency.owner)));
}

#[tokio::test]
async fn an_account_changes_what_is_sent_and_keeps_the_rest() {
    on_both(|app| async move {
        let agency = app.agency("Acme").await;
        let path = format!("/v2/accounts/{}", agency.id);
        let body = json!({ "name": " Acme Mail ", "website": "https://www.acme.example/about", "track_opens": true,
                           "message_data_retention": 0, "about": null });
        let (status, changed) = app.call("PUT", &path, &agency.key, Some(&body)).await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!((&changed["name"], &changed["track_opens"]), (&json!("Acme Mail"), &json!(true)));
        assert_eq!(changed["website"], "https://www.acme.example");
        assert_eq!(
            (&changed["message_data_retention"], &changed["message_metadata_retention"]),
            (&json!(0), &json!(30))
        );
        let (status, same) = app.call("PUT", &path, &agency.key, Some(&json!({}))).await;
        assert_eq!((status, same), (200, changed), "nothing to change is no error and changes nothing");
    })
    .await;
}

#[tokio::test]
async fn values_out_of_range_are_refused_and_nothing_is_saved() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Acme").await;
    let path = format!("/v2/accounts/{}", agency.id);
    let (_, before) = app.call("GET", &path, &agency.key, None).await;
    for wrong in [
        json!({ "name": "New", "message_metadata_retention": 31 }),
        json!({ "name": "New", "message_metadata_retention": 0 }),
        json!({ "name": "New", "message_data_retention": -1 }),
        json!({ "name": "" }),
        json!({ "name": "x".repeat(256) }),
        json!({ "website": "no host" }),
        json!({ "track_opens": "yes" }),
        json!({ "name": "\u{200b}" }),
        json!({ "name": "New \u{202e}" }),
    ] {
        assert_eq!(app.call("PUT", &path, &agency.key, Some(&wrong)).await.0, 400, "{wrong}");
    }
    assert_eq!(app.call("GET", &path, &agency.key, None).await.1, before);
    // The fields of an object in their order, which no client means.
    let children = format!("{path}/sub-accounts");
    let (status, said) = app.call("POST", &children, &agency.key, Some(&json!(["New", "new.example", 5]))).await;
    assert_eq!(status, 400, "{said}");
    let (_, list) = app.call("GET", &children, &agency.key, None).await;
    assert_eq!(list["data"], json!([]));
}
