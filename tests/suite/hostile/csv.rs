//! Every CSV file of the product, with names and reasons that are made to run in a spreadsheet: however it parts the
//! cells, none is a formula.

use super::percent_encoded;
use crate::isolation::dashboard::filled;
use crate::isolation::routes::dashboard;
use crate::isolation::world::World;
use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;

/// A text of one line that every name takes.
const NAME: &str = "mal;=cmd|'/c calc'!A1,\"x\";\"=1+1\";-2";
const REASON: &str = "late;@SUM(1)\n=1+1\n\t+2\n\"=3";

fn cells(file: &str, by: u8) -> Vec<String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(by).from_reader(file.as_bytes());
    let records = reader.records().map(|record| record.expect("a record"));
    records.flat_map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

async fn planted(app: &TestApp, world: &World, visitor: &Visitor) {
    let new = serde_json::json!({ "name": NAME, "website": "mal.example" });
    let made = app
        .call("POST", &format!("/v2/accounts/{}/sub-accounts", world.agency.id), &world.agency.key, Some(&new))
        .await;
    assert_eq!(made.0, 201, "{}", made.1);
    let suspend = format!("/sub-accounts/{}/suspend", world.own.id);
    assert_eq!(visitor.fill(&suspend, &[("kind", "abuse"), ("reason", REASON)]).await.status, 303);
    let suppressions = format!("/sub-accounts/{}/suppressions", world.sibling.id);
    let until = (app.app.clock.now() + chrono::TimeDelta::days(9)).format("%Y-%m-%d").to_string();
    let added = visitor
        .fill(
            &suppressions,
            &[
                ("email", "+a@reader.example"),
                ("domain", &world.sibling.domain),
                ("reason", "=HYPERLINK(1);=2"),
                ("until", &until),
            ],
        )
        .await;
    assert_eq!(added.status, 303, "{}", added.html);
}

#[tokio::test]
async fn no_cell_of_any_csv_file_is_a_formula_whatever_parts_the_cells() {
    on_both(|app| async move {
        let world = World::new(&app).await;
        let visitor = Visitor::signed_in(&app, &world.agency.email).await;
        planted(&app, &world, &visitor).await;
        let mut looked_at = Vec::new();
        for route in dashboard().into_iter().filter(|route| route.method == "GET" && route.path.ends_with(".csv")) {
            let path = filled(&route.path, &world.sibling_things, "1");
            let page = visitor.get(&path).await;
            // Those of a client's own pages are looked at from outside.
            if page.status != 200 {
                assert!(route.path.starts_with("/account"), "{path}: {}", page.status);
                continue;
            }
            for by in [b',', b';', b'\t'] {
                for cell in cells(&page.html, by) {
                    let begins = cell.trim_start_matches([' ', '"', '\n']);
                    assert!(
                        !begins.starts_with(['=', '+', '-', '@']),
                        "{path}: {cell:?} parted at {:?}",
                        char::from(by)
                    );
                }
            }
            looked_at.push((path, page.html));
        }
        let all: String = looked_at.iter().map(|(_, file)| file.as_str()).collect();
        for planted in ["calc", "HYPERLINK", "@SUM"] {
            assert!(all.contains(planted), "{planted} is in no file, so that nothing was shown");
        }
        assert!(looked_at.len() >= 5, "{}", looked_at.len());
    })
    .await;
}

/// What is not text cannot be an import, and is told so.
#[tokio::test]
async fn a_list_with_nul_in_it_is_refused_with_a_sentence() {
    on_both(|app| async move {
        let agency = app.agency("Oak").await;
        let visitor = Visitor::signed_in(&app, &agency.email).await;
        let file = ("file", b"name,website\na\0b,a.example\n".to_vec());
        let page = visitor.upload("/sub-accounts/import", "/sub-accounts/import", &[], file).await;
        assert_eq!(page.status, 422);
        page.shows("NUL character");
        let token = visitor.token().await;
        let body = format!("csrf_token={}&csv=name%0Aa{}", percent_encoded(token.as_bytes()), "%00");
        let pasted =
            visitor.post_raw("/sub-accounts/import", "application/x-www-form-urlencoded", body.into_bytes()).await;
        assert_eq!(pasted.status, 400);
        pasted.shows("csv: It contains a NUL character.");
    })
    .await;
}
