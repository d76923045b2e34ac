//! A form whose answer is loaded anew does its work once; and whoever acts for the agency is the agency, for its client.

use canopy::models::{accounts, api_keys, smtp_credentials};

use crate::support::app::on_both;
use crate::support::visitor::Visitor;

#[tokio::test]
async fn a_form_for_a_key_or_for_credentials_sent_twice_makes_one() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "client", 0).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let base = format!("/sub-accounts/{}/credentials", client.id);
        let before = app.read(move |conn| Ok(api_keys::count(conn, client.id)?)).await;

        for (path, fields) in [
            (format!("{base}/new"), [("label", "Shop"), ("scopes", "domains:read")]),
            (format!("{base}/smtp/new"), [("name", "Shop"), ("reach", "all")]),
        ] {
            let once = owner.get(&path).await.hidden("once");
            let fields = [fields[0], fields[1], ("once", once.as_str())];
            let first = owner.submit(&path, &path, &fields).await;
            assert_eq!(first.status, 200, "{path}");
            let again = owner.submit(&path, &path, &fields).await;
            assert_eq!((again.status, again.location.as_str()), (303, base.as_str()), "{path}");
            owner.get(&base).await.shows("made already").shows("A secret is shown once");
        }

        let made = app.read(move |conn| {
            Ok((
                api_keys::count(conn, client.id)?,
                smtp_credentials::page(conn, client.id, None, (None, false), 9)?.len(),
            ))
        });
        assert_eq!(made.await, (before + 1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_cap_that_is_sent_twice_at_once_is_set_and_nobody_sees_an_error() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "client", 5).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let path = format!("/sub-accounts/{}/cap", client.id);
        let token = owner.get(&path).await.token();
        let fields = [("csrf_token", token.as_str()), ("cap_kind", "cap"), ("cap", "700")];

        let answers = futures_util::future::join_all((0..6).map(|_| owner.post(&path, &fields))).await;
        let statuses: Vec<u16> = answers.iter().map(|page| page.status).collect();
        assert_eq!(statuses, [303; 6]);
        let cap = app.read(move |conn| Ok(accounts::find_any(conn, client.id)?)).await.map(|row| row.monthly_credit);
        assert_eq!(cap, Some(700));
    })
    .await;
}

#[tokio::test]
async fn a_client_reads_the_agencys_name_and_no_address_where_its_people_acted() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "client", 0).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let base = format!("/sub-accounts/{}", client.id);
        let path = format!("{base}/credentials/new");
        assert_eq!(owner.fill(&path, &[("label", "Shop"), ("scopes", "domains:read")]).await.status, 200);
        app.member(client.id, "vic@client.example", "administrator").await;
        let inside = Visitor::signed_in(&app, "vic@client.example").await;
        assert_eq!(
            inside.fill("/account/credentials/new", &[("label", "Own"), ("scopes", "domains:read")]).await.status,
            200
        );

        let made = inside.get("/account/credentials").await;
        made.shows("title=\"by harbor\"").shows("title=\"by vic@client.example\"");
        assert!(!made.html.contains(&agency.email));

        for page in ["/account/activity", "/account"] {
            let seen = inside.get(page).await;
            seen.shows("Shop").shows("By harbor").shows("By vic@client.example");
            assert!(!seen.html.contains(&agency.email), "{page}");
            let named = seen.html.matches("By vic@client.example from 127.0.0.1").count();
            assert_eq!(seen.html.matches("from 127.0.0.1").count(), named, "{page}: the client's own alone");
        }
        owner.get(&format!("{base}/activity")).await.shows(&format!("By {} from 127.0.0.1", agency.email));
    })
    .await;
}
