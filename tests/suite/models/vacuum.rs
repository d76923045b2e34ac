//! The search finds whom it names, also after SQLite has written its file anew.

use canopy::domain::ids::Id;
use canopy::models::sub_account_list::{Filter, Query, Sort, page};
use diesel::connection::SimpleConnection;
use diesel::result::Error;

use crate::support::app::TestApp;

#[tokio::test]
async fn a_vacuum_gives_no_account_the_words_of_another() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Harbor").await;
    let mut clients = Vec::new();
    for label in ["anchor", "beacon", "capstan"] {
        clients.push((label, app.client(&agency, label, 0).await.id));
    }
    // SQLite may number the rows of a table without an integer key anew in a VACUUM. This version copies them as they
    // are, so the test does what another may do.
    app.app
        .db
        .exclusive(|conn| conn.batch_execute("UPDATE accounts SET rowid = 1000 - rowid; VACUUM;"))
        .map_err(|error: Error| error)
        .expect("the file is written anew");
    for (label, id) in clients {
        let query = search(agency.id, label);
        let found = app.read(move |conn| Ok(page(conn, &query)?.rows)).await;
        assert_eq!(found.iter().map(|row| row.account_id).collect::<Vec<_>>(), [id], "{label}");
    }
}

fn search(parent: Id, words: &str) -> Query {
    Query {
        parent,
        filter: Filter { search: words.into(), ..Filter::default() },
        sort: Sort::Name,
        descending: false,
        edge: None,
        backward: false,
        limit: 50,
        deleted_since: chrono::DateTime::UNIX_EPOCH.naive_utc(),
        open_days: Vec::new(),
    }
}
