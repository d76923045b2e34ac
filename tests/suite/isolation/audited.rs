//! Whatever changes something is written down, once: every route of the API, from its own table.

use canopy::api::routes::listed;
use chrono::TimeDelta;

use super::api::{body, filled, parts};
use super::world::World;
use crate::support::app::{TestApp, on_both};

/// What is told elsewhere: messages have their own story, and a look at DNS changes nothing that somebody chose.
const TOLD_ELSEWHERE: [&str; 3] = ["/messages", "/messages/conversation", "/domains/{domain}/check-dns"];

/// Things are made and changed before they are deleted, and the account itself is the last.
fn turn(method: &str, path: &str) -> (usize, usize) {
    let last = path.ends_with("/sub-accounts/{sub_account_id}") || path.ends_with("/suspend");
    let of_method = ["POST", "PUT", "DELETE"].iter().position(|one| *one == method).unwrap_or(0);
    (usize::from(last || path.ends_with("/unsuspend")) + usize::from(path.ends_with("/unsuspend")), of_method)
}

async fn entries(world: &World, app: &TestApp) -> usize {
    world.heads(app).await.iter().map(|(_, entries)| entries.len()).sum()
}

#[tokio::test]
async fn every_route_that_changes_something_writes_one_entry() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let mut routes: Vec<_> = listed().into_iter().filter(|(method, _)| method != "GET").collect();
        routes.sort_by_key(|(method, path)| turn(method, path));
        let (mut written, mut told) = (0, Vec::new());
        for (method, path) in routes {
            let end = path.strip_prefix("/v2/accounts/{account_id}").unwrap_or(&path);
            // What an agency alone has is asked with its key, everything else with the client's own.
            let agencys = end.contains("sub-accounts") || end.contains("transport");
            let mut values = parts(&world.things);
            if agencys {
                values.insert("account_id", world.agency.id.to_string());
            }
            let key = if agencys { &world.agency.key } else { &world.own.key };
            let address = match filled(&path, &values) {
                one if method == "DELETE" && one.ends_with("/suppressions") => format!("{one}?email=b@reader.example"),
                other => other,
            };
            let before = entries(&world, &app).await;
            let mut asked = body(&method, &path, &world.own.domain);
            if end == "/suppressions"
                && let Some(asked) = &mut asked
            {
                asked["expires_at"] = (app.app.clock.now() + TimeDelta::days(1)).to_rfc3339().into();
            }
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
