//! Whatever changes something is written down, once: every route of the API, from its own table, and every form of the
//! dashboard.

use std::collections::BTreeSet;

use canopy::api::routes::listed;
use canopy::domain::ids::Id;
use canopy::models::api_keys;
use chrono::TimeDelta;
use serde_json::Value;

use super::api::{body, filled, parts};
use super::routes::dashboard;
use super::submitted::{self, Writes, told};
use super::world::World;
use crate::support::app::{TestApp, on_both};
use crate::support::rows::child_scopes;

/// What is told elsewhere: messages have their own story, and a look at DNS changes nothing that somebody chose.
const TOLD_ELSEWHERE: [&str; 3] = ["/messages", "/messages/conversation", "/domains/{domain}/check-dns"];

/// Things are made and changed before they are deleted, and the client itself comes last.
fn turn(method: &str, path: &str) -> (usize, usize) {
    let of_method = ["POST", "PUT", "DELETE"].iter().position(|one| *one == method).unwrap_or(0);
    let last = ["/suspend", "/unsuspend", "/sub-accounts/{sub_account_id}"];
    (last.iter().position(|end| path.ends_with(end)).map_or(0, |at| at + 1), of_method)
}

/// A body that changes something, whatever was changed before.
fn changing(app: &TestApp, world: &World, method: &str, path: &str, end: &str) -> Option<Value> {
    let mut asked = body(method, path, &world.own.domain)?;
    match (method, end) {
        ("POST", "/suppressions") => {
            asked["expires_at"] = (app.app.clock.now() + TimeDelta::days(1)).to_rfc3339().into();
        }
        ("PUT", "/sub-accounts/{sub_account_id}/transport") => {
            asked["transport_id"] = world.sibling_things.transport.to_string().into();
        }
        ("PUT", "/sub-accounts/{sub_account_id}") => asked["name"] = "Renamed again".into(),
        ("PUT", "/sub-accounts/{sub_account_id}/api-keys/{key_id}") => asked["label"] = "Changed again".into(),
        _ => {}
    }
    Some(asked)
}

/// The key that is asked with, and the ids of two others of the client.
async fn keys(app: &TestApp, client: Id) -> (String, [Id; 2]) {
    for _ in 0..2 {
        app.key(client, &child_scopes()).await;
    }
    let all = app.read(move |conn| Ok(api_keys::page(conn, client, None, false, 10)?)).await;
    let ids: Vec<Id> = all.iter().map(|key| key.id).collect();
    (app.key(client, &child_scopes()).await, [ids[0], ids[1]])
}

async fn entries(world: &World, app: &TestApp) -> usize {
    world.heads(app).await.iter().map(|(_, entries)| entries.len()).sum()
}

#[tokio::test]
async fn every_route_that_changes_something_writes_one_entry() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let (own, ids) = keys(&app, world.own.id).await;
        let mut routes: Vec<_> = listed().into_iter().filter(|(method, _)| method != "GET").collect();
        routes.sort_by_key(|(method, path)| turn(method, path));
        let (mut written, mut told) = (0, Vec::new());
        for (method, path) in routes {
            let end = path.strip_prefix("/v2/accounts/{account_id}").unwrap_or(&path);
            // What an agency alone has is asked with its key, everything else with the client's own.
            let agencys = end.contains("sub-accounts") || end.contains("transport");
            let mut values = parts(&world.things);
            values.insert("key_id", ids[usize::from(agencys)].to_string());
            if agencys {
                values.insert("account_id", world.agency.id.to_string());
            }
            if method != "POST" {
                // A verified one keeps its settings.
                values.insert("domain", "added.example".into());
            }
            let key = if agencys { &world.agency.key } else { &own };
            let mut address = filled(&path, &values);
            if method == "DELETE" && end == "/suppressions" {
                address.push_str("?email=b@reader.example");
            }
            if end == "/suppressions/all" {
                let again = format!("/v2/accounts/{}/suppressions", world.own.id);
                let asked = changing(&app, &world, "POST", "/v2/accounts/{account_id}/suppressions", "/suppressions");
                assert_eq!(app.call("POST", &again, key, asked.as_ref()).await.0, 201, "there is something to wipe");
            }
            let before = entries(&world, &app).await;
            let asked = changing(&app, &world, &method, &path, end);
            let (status, answer) = app.call(&method, &address, key, asked.as_ref()).await;
            let more = entries(&world, &app).await - before;
            if TOLD_ELSEWHERE.contains(&end) || end.ends_with("/cancel") {
                continue;
            }
            if (200..300).contains(&status) && more == 1 {
                written += 1;
            } else {
                told.push(format!("{method} {address}: {status}, {more} entries: {answer}"));
            }
        }
        assert!(told.is_empty(), "{told:#?}");
        println!("{written} routes wrote one entry each on {:?}", app.app.db.backend());
        assert!(written > 20, "{written}");
    })
    .await;
}

#[test]
fn every_form_that_the_dashboard_mounts_is_submitted() {
    let mounted = dashboard().into_iter().filter(|route| route.method == "POST").map(|route| route.path);
    let submitted = submitted::cases().chain([&submitted::FIRST]).map(|case| case.path.to_owned());
    assert_eq!(submitted.collect::<BTreeSet<String>>(), mounted.collect::<BTreeSet<String>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_that_changes_something_writes_one_entry() {
    on_both(|app| async move {
        let all = told(&app, &[]).await;
        let faults: Vec<String> = all.iter().filter_map(submitted::Told::fault).collect();
        assert!(faults.is_empty(), "{} of {}: {faults:#?}", faults.len(), all.len());
        let written = all.iter().filter(|told| told.expected == Writes::One).count();
        for told in &all {
            if let Writes::Each(_, why) | Writes::None(why) | Writes::Refused(why) = told.expected {
                println!("{}: {} entries: {why}", told.path, told.expected.entries());
            }
        }
        println!("{written} of {} submissions wrote one entry on {:?}", all.len(), app.app.db.backend());
        assert!(written > 70, "{written}");
    })
    .await;
}
