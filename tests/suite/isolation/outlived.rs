//! What somebody began does not outlive their right to it: links that were mailed before their access changed, and work
//! that goes on in the background.

use canopy::actions::bulk_run::run_jobs_once;
use canopy::actions::bulk_start::{Selection, bulk_start, matching};
use canopy::actions::bulk_work::Work;
use canopy::actions::{ActorKind, Cx};
use canopy::domain::ids::Id;
use canopy::models::sub_account_list::Filter;
use canopy::models::{account_tags, accounts, jobs, memberships, users};

use crate::support::app::{Agency, PASSWORD, TestApp, on_both};
use crate::support::rows;
use crate::support::visitor::Visitor;
use crate::web::links::mailed_link;

const RESET: &str = "/reset/";
const CONFIRM: &str = "/settings/profile/email/";

/// Asks for both kinds of links of somebody signed in, and answers where they lead.
async fn links(app: &TestApp, person: &Visitor, email: &str, new: &str) -> (String, String) {
    Visitor::new(app).submit("/forgot", "/forgot", &[("email", email)]).await;
    let reset = mailed_link(app, email, RESET).await.expect("a link to a password");
    let fields = [("email", new), ("current_password", PASSWORD)];
    assert_eq!(person.fill("/settings/profile/email", &fields).await.status, 303);
    (reset, mailed_link(app, new, CONFIRM).await.expect("a link to an address"))
}

#[tokio::test]
async fn a_link_asked_for_before_access_changed_does_not_work_after_it() {
    let events = ["password", "address", "other devices", "one device", "removed"];
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let other = app.agency("Other").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        for (number, event) in events.into_iter().enumerate() {
            let email = format!("eve{number}@harbor.example");
            let eve = app.member(agency.id, &email, "developer").await;
            app.write(move |conn, cx| rows::join(conn, cx, other.id, eve, "analyst")).await;
            let person = Visitor::signed_in(&app, &email).await;
            let (reset, confirm) = links(&app, &person, &email, &format!("new{number}@harbor.example")).await;
            assert_eq!(Visitor::new(&app).get(&reset).await.status, 200, "it works before");
            changed(&app, event, &person, &owner, eve, &confirm).await;
            assert_eq!(Visitor::new(&app).get(&reset).await.status, 404, "a new password after: {event}");
            if event != "address" {
                assert_eq!(person.get(&confirm).await.status, 404, "a new address after: {event}");
            }
        }
    })
    .await;
}

/// Lets one thing change about a person.
async fn changed(app: &TestApp, event: &str, person: &Visitor, owner: &Visitor, id: Id, confirm: &str) {
    let answer = match event {
        "password" => {
            let fields = [("current_password", PASSWORD), ("new_password", "a brand new pass phrase")];
            person.fill("/settings/profile/password", &fields).await
        }
        "other devices" => person.fill("/settings/sessions/end-others", &[]).await,
        "one device" => {
            let email = app.read(move |conn| Ok(users::find(conn, id)?)).await.expect("the person").email;
            Visitor::signed_in(app, &email).await;
            let all = app.read(move |conn| Ok(canopy::models::sessions::of_user(conn, id)?)).await;
            let newest = all.iter().max_by_key(|session| session.created_at).expect("a session");
            person.fill("/settings/sessions/end", &[("session", &canopy::secrets::hex(&newest.digest))]).await
        }
        "removed" => owner.fill(&format!("/settings/members/{id}/remove"), &[]).await,
        // The link to the address is used; the other one that was open falls with it.
        _ => person.get(confirm).await,
    };
    assert_eq!(answer.status, 303, "{event}: {}", answer.html);
}

#[tokio::test]
async fn an_invitation_that_went_to_the_old_address_falls_when_the_address_changes() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let other = app.agency("Other").await;
        app.member(agency.id, "eve@harbor.example", "developer").await;
        let person = Visitor::signed_in(&app, "eve@harbor.example").await;
        let inviting = Visitor::signed_in(&app, &other.email).await;
        let fields = [("email", "eve@harbor.example"), ("role", "developer")];
        assert_eq!(inviting.fill("/settings/members", &fields).await.status, 303);
        let invitation = mailed_link(&app, "eve@harbor.example", "/invite/").await.expect("an invitation");
        assert_eq!(Visitor::new(&app).get(&invitation).await.status, 200);
        // The next mail to her is written after the answer: what came before is not taken for it.
        app.outbox().await;
        let (_, confirm) = links(&app, &person, "eve@harbor.example", "eva@harbor.example").await;
        assert_eq!(person.get(&confirm).await.status, 303);
        assert_eq!(Visitor::new(&app).get(&invitation).await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_with_the_right_of_whoever_sent_it() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        for how in ["removed", "disabled", "demoted"] {
            let admin = format!("{how}@harbor.example");
            let user = app.member(agency.id, &admin, "administrator").await;
            let inviting = Visitor::signed_in(&app, &admin).await;
            let invited = format!("friend-of-{how}@elsewhere.example");
            let fields = [("email", invited.as_str()), ("role", "administrator")];
            assert_eq!(inviting.fill("/settings/members", &fields).await.status, 303);
            let link = mailed_link(&app, &invited, "/invite/").await.expect("an invitation");
            assert_eq!(Visitor::new(&app).get(&link).await.status, 200, "it works before");

            taken_away(&app, how, agency.id, user).await;
            let stranger = Visitor::new(&app);
            assert_eq!(stranger.get(&link).await.status, 404, "{how}");
            let fields = [("name", "Friend"), ("password", "a brand new pass phrase")];
            assert_eq!(stranger.submit("/sign-in", &link, &fields).await.status, 404, "{how}");
            let listed = owner.get("/settings/members").await;
            listed.shows("invitation lapsed");

            // Invited again by somebody who may, they can join.
            let id = app.read(move |conn| Ok(users::find_by_email(conn, &invited)?)).await.expect("the person").id;
            app.outbox().await;
            assert_eq!(owner.fill(&format!("/settings/members/{id}/invite"), &[]).await.status, 303);
            let invited = format!("friend-of-{how}@elsewhere.example");
            let again = mailed_link(&app, &invited, "/invite/").await.expect("a fresh invitation");
            assert_eq!(Visitor::new(&app).get(&again).await.status, 200, "{how}");
            assert!(!owner.get("/settings/members").await.html.contains("invitation lapsed"), "{how}");
        }
    })
    .await;
}

/// The circumstances of a page that `user` of the agency asks for.
fn as_person(cx: &Cx, agency: &Agency, user: Id) -> Cx {
    let mut cx = cx.clone();
    (cx.actor.kind, cx.actor.id, cx.actor.account_id) = (ActorKind::User, Some(user), Some(agency.id));
    cx
}

/// Takes from `user` what their job needs.
async fn taken_away(app: &TestApp, how: &'static str, agency: Id, user: Id) {
    app.write(move |conn, cx| {
        match how {
            "removed" => drop(memberships::delete(conn, agency, user)?),
            "disabled" => {
                let mut person = users::find(conn, user)?.expect("the person");
                person.disabled_at = Some(cx.at());
                users::save(conn, &person)?;
            }
            _ => memberships::set_role(conn, agency, user, "analyst", cx.at())?,
        }
        Ok(())
    })
    .await;
}

async fn slice(app: &TestApp) -> usize {
    let app = std::sync::Arc::clone(&app.app);
    let done = tokio::task::spawn_blocking(move || run_jobs_once(&app.db, &app.cx("jobs"), &app.services));
    done.await.expect("it ends").expect("the database answers")
}

#[tokio::test]
async fn a_bulk_job_ends_when_whoever_started_it_is_removed_disabled_or_may_less() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let parent = agency.id;
        app.write(move |conn, cx| {
            for number in 0..60 {
                rows::sub_account(conn, cx, parent, &format!("client{number}"), 0)?;
            }
            Ok(())
        })
        .await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        for how in ["removed", "disabled", "demoted"] {
            let user = app.member(parent, &format!("{how}@harbor.example"), "developer").await;
            let whose = agency.clone();
            let id = app
                .write(move |conn, cx| {
                    let work = Work::Tag { tag: how.into() };
                    let all = Selection::All(matching(conn, cx.now, parent, &Filter::default())?);
                    bulk_start(conn, &as_person(cx, &whose, user), parent, work, all)
                })
                .await
                .job;
            assert_eq!(slice(&app).await, 25, "it may at first");
            taken_away(&app, how, parent, user).await;
            while slice(&app).await > 0 {}
            let job = app.read(move |conn| Ok(jobs::find(conn, parent, id)?)).await.expect("the job");
            assert_eq!((job.state.as_str(), job.done, job.failed, job.total), (jobs::STOPPED, 25, 0, 60), "{how}");
            assert!(job.finished_at.is_some(), "nobody takes it up again");
            assert_eq!(tagged(&app, parent, how).await, 25, "{how}: no row after it");
            owner.get(&format!("/jobs/{id}")).await.shows("Stopped after 25 of 60").shows("35 rows were left undone");
            let csv = owner.get(&format!("/jobs/{id}.csv")).await.ok();
            assert_eq!(csv.matches("stopped before it came to this row").count(), 35, "{csv}");
        }
    })
    .await;
}

async fn tagged(app: &TestApp, parent: Id, tag: &'static str) -> usize {
    app.read(move |conn| {
        let children = accounts::page_of_children(conn, parent, None, true, 100)?;
        let ids: Vec<Id> = children.iter().map(|account| account.id).collect();
        Ok(account_tags::of_many(conn, &ids)?.into_iter().filter(|(_, has)| has == tag).count())
    })
    .await
}

#[tokio::test]
async fn whoever_views_as_a_client_and_may_less_meanwhile_is_outside_at_their_next_page() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let client = app.client(&agency, "alder", 0).await;
    for (how, role) in [("demoted", "administrator"), ("removed", "developer")] {
        let email = format!("{how}@harbor.example");
        let user = app.member(agency.id, &email, role).await;
        let person = Visitor::signed_in(&app, &email).await;
        let path = format!("/sub-accounts/{}/view-as", client.id);
        assert_eq!(person.fill(&path, &[("reason", "ticket 4512")]).await.status, 303);
        assert_eq!(person.get("/account/messages").await.status, 200, "{how}");
        taken_away(&app, how, agency.id, user).await;
        assert_ne!(person.get("/account/messages").await.status, 200, "{how}");
    }
}
