//! An external ID names one live client, and a list makes each client once, however many ask at the same time.

use canopy::actions::ActionError;
use canopy::actions::bulk_run::run_jobs_once;
use canopy::actions::bulk_start::import_start;
use canopy::actions::create_sub_account::{NewSubAccount, create_sub_account};
use canopy::domain::cap::MonthlyCap;
use canopy::domain::client_import::Client;
use canopy::domain::ids::Id;
use canopy::domain::text::{AccountName, ExternalId};
use canopy::domain::website::Website;
use canopy::models::accounts;
use futures_util::future::join_all;

use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;

fn client(name: &str, external_id: &str) -> NewSubAccount {
    NewSubAccount {
        name: AccountName::parse(name).expect("a name"),
        website: Website::parse("client.example").expect("a website"),
        cap: MonthlyCap::NONE,
        external_id: Some(ExternalId::parse(external_id).expect("an id")),
        tags: Vec::new(),
    }
}

async fn names(app: &TestApp, parent: Id) -> Vec<String> {
    let rows = app.read(move |conn| Ok(accounts::page_of_children(conn, parent, None, true, 500)?)).await;
    let mut names: Vec<String> = rows.into_iter().map(|row| row.name).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn an_external_id_names_one_client_however_it_is_given() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let parent = agency.id;
        let make = |name, id| app.write(move |conn, cx| create_sub_account(conn, cx, parent, &client(name, id)));
        let (one, two) = (make("One", "E-1").await, make("Two", "E-2").await);
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let settings = format!("/sub-accounts/{}/settings", two.id);
        let fields = |id| [("name", "Two"), ("website", "client.example"), ("external_id", id), ("tags", "")];

        let refused = owner.submit(&settings, &settings, &fields("E-1")).await;
        assert_eq!(refused.status, 422);
        refused.shows("Another sub account has the external ID E-1").shows("value=\"E-1\"");

        // A deleted client's is free, until the client comes back.
        let deleted = format!("/sub-accounts/{}/delete", one.id);
        assert_eq!(owner.submit(&deleted, &deleted, &[("typed", "One")]).await.status, 303);
        assert_eq!(owner.submit(&settings, &settings, &fields("E-1")).await.status, 303);
        let back = app.app.clone();
        let undone = back
            .write(move |conn| {
                let cx = app.app.cx("test");
                canopy::actions::undelete_sub_account::undelete_sub_account(conn, &cx, parent, one.id).map(drop)
            })
            .await;
        assert!(matches!(undone, Err(ActionError::Conflict(ref why)) if why.contains("E-1")), "{undone:?}");
    })
    .await;
}

#[tokio::test]
async fn of_many_who_give_one_external_id_at_once_one_gets_it() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let parent = agency.id;
        let tries = (0..12).map(|number| {
            let app = app.app.clone();
            async move {
                let cx = app.cx("test");
                let new = client(&format!("Client {number}"), "E-1");
                app.write(move |conn| create_sub_account(conn, &cx, parent, &new).map(drop)).await
            }
        });

        let answers = join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        let refused = |answer: &&Result<(), ActionError>| matches!(answer, Err(ActionError::Invalid(_)));
        assert_eq!(answers.iter().filter(refused).count(), 11, "{answers:?}");
        assert_eq!(names(&app, parent).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn lists_sent_twice_and_done_at_once_make_each_client_once() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let parent = agency.id;
        let list: Vec<Client> = (0..30)
            .map(|number| Client {
                name: format!("Client {number}"),
                website: format!("c{number}.example"),
                ..Client::default()
            })
            .collect();
        for _ in 0..4 {
            let list = list.clone();
            app.write(move |conn, cx| import_start(conn, cx, parent, &list).map(drop)).await;
        }

        let nodes = [app.second_node(), app.second_node(), app.second_node(), app.app.clone()];
        let workers = nodes.map(|node| {
            tokio::task::spawn_blocking(move || {
                while run_jobs_once(&node.db, &node.cx("jobs"), &node.services).expect("the database answers") > 0 {}
            })
        });
        for worker in workers {
            worker.await.expect("it ends");
        }

        let made = names(&app, parent).await;
        let mut once = made.clone();
        once.dedup();
        assert_eq!((made.len(), &made), (30, &once));
    })
    .await;
}
