//! Figures that stay true while they are looked at: the piece of a page that its script asks for.

use canopy::actions::delete_sub_account::delete_sub_account;
use canopy::domain::ids::Id;

use crate::support::app::{TestApp, on_both};
use crate::support::visitor::Visitor;

/// Every value of a piece: the row, and the markup from its name on.
fn values(piece: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for row in piece.split("data-row=\"").skip(1) {
        let (id, rest) = row.split_once('"').expect("a row has a name");
        for value in rest.split("data-now=\"").skip(1) {
            let end = ["</td>", "</dd>", "</dl></div>", "</p></div>"].iter().filter_map(|end| value.find(end)).min();
            all.push((id.to_owned(), value[..end.unwrap_or(value.len())].trim().to_owned()));
        }
    }
    all
}

/// The piece says of each of its values what the page says in the same row; answers how many there were.
fn agree(page: &str, piece: &str) -> usize {
    let values = values(piece);
    for (row, value) in &values {
        let on_page = page.split("data-row=\"").skip(1).find(|part| part.starts_with(row.as_str()));
        let on_page = on_page.unwrap_or_else(|| panic!("no row {row} on the page"));
        assert!(on_page.contains(&format!("data-now=\"{value}")), "{row}: {value} is not in {on_page}");
    }
    values.len()
}

async fn ids(app: &TestApp, agency: &crate::support::app::Agency, count: usize) -> Vec<Id> {
    let mut all = Vec::new();
    for number in 0..count {
        all.push(app.client(agency, &format!("client{number}"), 10).await.id);
    }
    all
}

fn address(ids: &[Id]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("/sub-accounts/now?ids={}", ids.join(","))
}

#[tokio::test]
async fn the_figures_of_a_list_are_told_anew_as_the_list_tells_them() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let (busy, held) = (app.client(&agency, "busy", 3).await, app.client(&agency, "held", 0).await);
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let address = address(&[busy.id, held.id]);
        let before = owner.get(&address).await.ok();
        assert_eq!(agree(&owner.get("/sub-accounts").await.ok(), &before), 2 * 6 + 1);
        assert!(before.contains("of 3") && !before.contains("Suspended") && !before.contains("<main"), "{before}");
        app.accept(&busy, &["a@x.example", "b@x.example", "c@x.example"]).await.expect("accepted");
        let suspend = format!("/sub-accounts/{}/suspend", held.id);
        assert_eq!(owner.fill(&suspend, &[("kind", "abuse"), ("reason", "spam")]).await.status, 303);
        let after = owner.get(&address).await.ok();
        assert_eq!(agree(&owner.get("/sub-accounts").await.ok(), &after), 2 * 6 + 1);
        assert!(after.contains("Suspended"), "{after}");
        assert_ne!(before, after);
    })
    .await;
}

#[tokio::test]
async fn only_live_accounts_of_the_agency_have_figures_and_at_most_fifty() {
    on_both(|app| async move {
        let (agency, other) = (app.agency("harbor").await, app.agency("other").await);
        let all = ids(&app, &agency, 53).await;
        let foreign = app.client(&other, "foreign", 0).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let rows = |piece: &str| piece.matches("<tr data-row").count();
        assert_eq!(rows(&owner.get(&address(&all)).await.ok()), 50);
        assert_eq!(rows(&owner.get(&address(&all[..7])).await.ok()), 7);
        let (parent, gone) = (agency.id, all[0]);
        app.write(move |conn, cx| delete_sub_account(conn, cx, parent, gone).map(drop)).await;
        let asked = format!("{},nonsense,,{},{}", address(&[gone, foreign.id, agency.id]), other.id, all[1]);
        let piece = owner.get(&asked).await.ok();
        assert_eq!(rows(&piece), 1, "{piece}");
        assert!(piece.contains(&all[1].to_string()) && !piece.contains(&foreign.id.to_string()));
        assert_eq!(rows(&owner.get("/sub-accounts/now").await.ok()), 0);
    })
    .await;
}

#[tokio::test]
async fn who_sees_no_money_is_told_none_of_it() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("harbor").await;
    let client = app.client(&agency, "busy", 3).await;
    app.member(agency.id, "sue@harbor.example", "support").await;
    let support = Visitor::signed_in(&app, "sue@harbor.example").await;
    let piece = support.get(&address(&[client.id])).await.ok();
    assert!(!piece.to_lowercase().contains("cost"), "{piece}");
    assert_eq!(agree(&support.get("/sub-accounts").await.ok(), &piece), 5 + 1);
}

#[tokio::test]
async fn an_accounts_overview_is_told_anew_to_its_agency_and_to_its_own_people() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let client = app.client(&agency, "busy", 2).await;
        app.member(client.id, "dev@busy.example", "developer").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let inside = Visitor::signed_in(&app, "dev@busy.example").await;
        for (visitor, base) in [(&owner, format!("/sub-accounts/{}", client.id)), (&inside, "/account".to_owned())] {
            let (page, piece) = (visitor.get(&base).await.ok(), visitor.get(&format!("{base}/now")).await.ok());
            // How it stands, the meter, and eight figures; its cost is not told anew.
            assert_eq!(agree(&page, &piece), 1 + 1 + 8, "{piece}");
            assert!(!piece.contains("cost"), "{piece}");
            assert!(page.contains(&format!("data-poll=\"{base}/now\"")) && !piece.contains("<main"));
        }
        app.accept(&client, &["a@x.example", "b@x.example"]).await.expect("accepted");
        let piece = owner.get(&format!("/sub-accounts/{}/now", client.id)).await.ok();
        assert!(piece.contains("At cap"), "{piece}");
    })
    .await;
}
