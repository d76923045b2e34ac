//! Every address of the dashboard that takes a form, from its route tables: without a token, with another session's and
//! with one of a session that is over it is refused, and nothing is changed.

use std::collections::BTreeMap;

use super::routes::dashboard;
use super::world::World;
use crate::support::app::TestApp;
use crate::support::visitor::Visitor;

#[tokio::test]
async fn no_form_of_any_route_is_taken_without_the_token_of_its_own_session() {
    let app = TestApp::sqlite().await;
    let world = World::new(&app).await;
    let visitor = Visitor::signed_in(&app, &world.agency.email).await;
    let foreign = Visitor::signed_in(&app, &world.agency.email).await.token().await;
    let over = {
        let other = Visitor::signed_in(&app, &world.agency.email).await;
        let token = other.token().await;
        other.fill("/sign-out", &[]).await;
        token
    };
    let things = &world.things;
    let named = BTreeMap::from([
        ("id", world.own.id.to_string()),
        ("domain", things.domain.clone()),
        ("message", things.message.to_string()),
        ("key", things.key.to_string()),
        ("credential", things.credential.to_string()),
        ("member", things.user.to_string()),
        ("transport", things.transport.to_string()),
        ("view", things.view.to_string()),
    ]);
    let fill = |path: &str| {
        named.iter().fold(path.to_owned(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    };
    let forms: Vec<String> =
        dashboard().into_iter().filter(|route| route.method == "POST").map(|route| fill(&route.path)).collect();
    let before = world.heads(&app).await;
    for path in &forms {
        for token in [None, Some(""), Some(foreign.as_str()), Some(over.as_str())] {
            let fields: Vec<(&str, &str)> = token.map(|token| ("csrf_token", token)).into_iter().collect();
            let page = visitor.post(path, &fields).await;
            assert_eq!(page.status, 403, "{path} {token:?}: {}", page.html);
        }
    }
    assert_eq!(before, world.heads(&app).await, "nothing was changed");
    println!("{} forms, each refused four times", forms.len());
    assert!(forms.len() > 60, "{}", forms.len());
}
