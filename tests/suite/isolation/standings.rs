//! The same table of permissions from two other places: a client's own members in every role, and an agency's people
//! inside a client by View as, read-only and raised.

use canopy::domain::role::{Permission, Role};
use canopy::domain::standing::Standing;

use super::roles::{Takes, filled, status, takes};
use super::routes::{Route, dashboard};
use super::world::World;
use crate::support::app::TestApp;
use crate::support::visitor::Visitor;

/// Asks every address; answers how many were judged. Whoever may is only asked for pages.
async fn judge(visitor: &Visitor, world: &World, role: Role, standing: Standing, routes: &[Route]) -> usize {
    let mut judged = 0;
    for route in routes {
        let (permission, inside) = match takes(route) {
            Takes::Nothing => continue,
            Takes::Agency(permission) => (permission, false),
            Takes::Account(permission) => (permission, !route.path.starts_with("/sub-accounts")),
        };
        let allowed = standing.may(role, permission) && !is_the_agencys_alone(route);
        if allowed && route.method == "POST" {
            continue;
        }
        let status = status(visitor, route, &filled(route, world)).await;
        if inside {
            assert_eq!(status == 403, !allowed, "{standing:?} {role:?} {route:?} with {permission:?}: {status}");
        } else if allowed && !route.path.starts_with("/sub-accounts") {
            assert!(status < 500, "{standing:?} {role:?} {route:?} with {permission:?}: {status}");
        } else {
            // An agency's address is refused, or is not there for whoever has no sub accounts.
            let refused = matches!(status, 403 | 404);
            assert!(refused, "{standing:?} {role:?} {route:?} with {permission:?}: {status}");
        }
        judged += 1;
    }
    judged
}

/// How mail leaves is set from outside only: a connection is opened from this machine to wherever it says.
fn is_the_agencys_alone(route: &Route) -> bool {
    route.path.contains("/transport")
}

#[tokio::test]
async fn members_of_a_client_do_what_their_role_says_and_nothing_of_the_agencys() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let before = world.heads(&app).await;
    let routes = dashboard();
    let mut judged = 0;
    for role in Role::all() {
        let email = format!("{}@client.example", role.as_str());
        app.member(world.own.id, &email, role.as_str()).await;
        let visitor = Visitor::signed_in(&app, &email).await;
        judged += judge(&visitor, &world, role, Standing::Client, &routes).await;
    }
    assert_eq!(world.heads(&app).await, before, "something was changed");
    println!("{judged} answers to members of a client: each as the permission table says");
    assert!(judged > 350, "{judged}");
}

#[tokio::test]
async fn view_as_reads_what_the_role_may_and_changes_nothing_before_it_is_raised() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let routes = dashboard();
    let (mut judged, mut raised) = (0, 0);
    for role in Role::all().into_iter().filter(|role| role.may(Permission::ViewAs)) {
        let email = format!("{}@inside.example", role.as_str());
        app.member(world.agency.id, &email, role.as_str()).await;
        let visitor = Visitor::signed_in(&app, &email).await;
        let begin = format!("/sub-accounts/{}/view-as", world.own.id);
        assert_eq!(visitor.fill(&begin, &[("reason", "ticket 7")]).await.status, 303, "{role:?}");
        judged += judge(&visitor, &world, role, Standing::ViewAs { raised: false }, &routes).await;
        let answer = visitor.fill("/view-as/raise", &[]).await.status;
        assert_eq!(answer, if role.may(Permission::ViewAsWrite) { 303 } else { 403 }, "{role:?}");
        if answer == 303 {
            judged += judge(&visitor, &world, role, Standing::ViewAs { raised: true }, &routes).await;
            raised += 1;
        }
        visitor.get("/account").await.shows("ticket 7");
    }
    println!("{judged} answers to View as, {raised} roles of it raised: each as the permission table says");
    assert!(judged > 250 && raised >= 2, "{judged} {raised}");
}
