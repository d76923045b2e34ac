//! Saved views of the list: a search, filters, order and columns under a name, by a person without script.

use canopy::actions::Actor;
use canopy::actions::create_saved_view::{Keeper, MOST, NewView, create_saved_view};
use canopy::actions::remove_member::remove_member;
use canopy::domain::ids::Id;
use canopy::domain::text::ViewName;
use canopy::models::audit;
use canopy::models::saved_views::{self, SavedView};

use crate::support::app::{Agency, TestApp, on_both};
use crate::support::visitor::{Page, Visitor};

const NEW: &str = "/sub-accounts/views/new";

async fn own(app: &TestApp, account: Id, user: Id) -> Vec<SavedView> {
    app.read(move |conn| Ok(saved_views::own(conn, account, user)?)).await
}

/// Keeps what the list shows behind `query` under a name.
async fn keep(visitor: &Visitor, name: &str, query: &str, shared: bool) -> Page {
    let mut fields = vec![("name", name), ("query", query)];
    if shared {
        fields.push(("shared", "on"));
    }
    visitor.fill(NEW, &fields).await
}

async fn views_in_audit(app: &TestApp, agency: &Agency) -> Vec<String> {
    let root = agency.id;
    let entries = app
        .read(move |conn| {
            let filter = audit::Filter { action_prefix: Some("saved_view.".into()), ..audit::Filter::default() };
            Ok(audit::page(conn, root, &filter, None, true, 100)?)
        })
        .await;
    entries.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn what_the_list_shows_is_kept_opened_brought_up_to_date_renamed_and_deleted() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        for name in ["alder", "birch"] {
            app.client(&agency, name, 100).await;
        }
        let owner = Visitor::signed_in(&app, &agency.email).await;
        // The list offers to keep what it shows, and the form says what that is.
        let list = owner.get("/sub-accounts?q=birch&sort=sent&hide=domains&after=").await;
        list.shows("href=\"/sub-accounts/views/new?q=birch&#38;sort=sent&#38;hide=domains\"");
        let form = owner.get("/sub-accounts/views/new?q=birch&sort=sent&hide=domains").await;
        form.shows("With “birch”; by messages this period; without the column domains");
        let kept = keep(&owner, "  Birch & co ", "q=birch&sort=sent&hide=domains", false).await;
        assert_eq!(kept.status, 303, "{}", kept.html);
        let row = own(&app, agency.id, agency.owner).await.remove(0);
        assert_eq!((row.name.as_str(), row.query.as_str()), ("Birch & co", "q=birch&sort=sent&hide=domains"));
        assert_eq!(kept.location, format!("/sub-accounts?q=birch&sort=sent&hide=domains&view={}", row.id));
        // Opened, it is named, and shows what was kept.
        let opened = owner.get(&kept.location).await;
        opened.shows("The view “Birch &#38; co” is saved.").shows(">birch<");
        assert!(!opened.html.contains(">alder<") && !opened.html.contains("Domains</a></th>"), "{}", opened.html);
        assert!(!opened.html.contains("to what I see"), "nothing is to be brought up to date");
        // Something else is shown by now: it can be brought up to that.
        let other = format!("/sub-accounts?q=alder&view={}", row.id);
        owner.get(&other).await.shows("changed").shows("Update “Birch &#38; co” to what I see").shows(">alder<");
        let update = format!("/sub-accounts/views/{}/update", row.id);
        let updated = owner.fill(&update, &[("query", "q=alder&after=x&view=y&nonsense=1")]).await;
        assert_eq!(updated.location, format!("/sub-accounts?q=alder&view={}", row.id));
        owner.get(&updated.location).await.shows("is updated").shows("With “alder”; by name.");
        // Renamed, it keeps what it shows.
        let edit = format!("/sub-accounts/views/{}", row.id);
        owner.get(&edit).await.shows("value=\"Birch &#38; co\"");
        assert_eq!(owner.fill(&edit, &[("name", "Alder only"), ("query", "q=ignored")]).await.status, 303);
        let renamed = own(&app, agency.id, agency.owner).await.remove(0);
        assert_eq!((renamed.name.as_str(), renamed.query.as_str()), ("Alder only", "q=alder"));
        owner.get("/sub-accounts/views").await.shows("Alder only").shows("With “alder”; by name").shows("Only you");
        // Deleted, it can be saved again.
        let gone = owner.fill_and_follow(&format!("{edit}/delete"), &[]).await;
        assert!(gone.contains("The view “Alder only” is deleted.") && gone.contains("No saved views yet"), "{gone}");
        let again = gone.split("href=\"/sub-accounts/views/new?").nth(1).and_then(|rest| rest.split('"').next());
        let again = again.expect("a way back").replace("&#38;", "&");
        owner.get(&format!("{NEW}?{again}")).await.shows("value=\"Alder only\"").shows("With “alder”");
        assert!(views_in_audit(&app, &agency).await.is_empty(), "what one keeps for oneself is one's own");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_empty_too_long_or_taken_comes_back_as_it_was_typed() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let long = "x".repeat(ViewName::MAX + 1);
        for (name, said) in [("", "The name is empty"), (long.as_str(), "The name is too long"), ("a\u{7}b", "control")]
        {
            let refused = keep(&owner, name, "hold=suspended", true).await;
            assert_eq!(refused.status, 422, "{name}");
            refused.shows(said).shows("value=\"hold=suspended\"").shows("name=\"shared\" value=\"on\" checked");
        }
        assert_eq!(keep(&owner, "Held", "hold=suspended", false).await.status, 303);
        let taken = keep(&owner, "hELD", "cap=near", false).await;
        assert_eq!(taken.status, 422);
        taken.shows("There is a view called “hELD” already").shows("value=\"hELD\"").shows("value=\"cap=near\"");
        let endless = format!("tag={}", "y".repeat(2_100));
        let refused = keep(&owner, "Endless", &endless, false).await;
        assert_eq!(refused.status, 422);
        refused.shows("too long to be kept");
        assert_eq!(own(&app, agency.id, agency.owner).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn one_person_keeps_fifty_views_and_is_told_so() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        let keeper = Keeper { account: agency.id, user: agency.owner, shares: false };
        app.write(move |conn, cx| {
            (0..MOST).try_for_each(|number| {
                let name = ViewName::parse(&format!("View {number}")).expect("a name");
                create_saved_view(conn, cx, keeper, &NewView { name, shared: false, query: String::new() }).map(drop)
            })
        })
        .await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let refused = keep(&owner, "One more", "", false).await;
        assert_eq!(refused.status, 422);
        refused.shows("You keep 50 views, which is the most. Delete one first.").shows("value=\"One more\"");
        let views = own(&app, agency.id, agency.owner).await;
        assert_eq!(views.len(), MOST);
        // The fiftieth can still be changed, and another member has fifty of their own.
        let edit = format!("/sub-accounts/views/{}", views[0].id);
        assert_eq!(owner.fill(&edit, &[("name", "First")]).await.status, 303);
        app.member(agency.id, "sue@harbor.example", "support").await;
        let support = Visitor::signed_in(&app, "sue@harbor.example").await;
        assert_eq!(keep(&support, "Mine", "", false).await.status, 303);
    })
    .await;
}

#[tokio::test]
async fn what_is_shared_is_seen_by_all_changed_by_some_and_audited() {
    on_both(|app| async move {
        let agency = app.agency("harbor").await;
        app.client(&agency, "alder", 100).await;
        app.member(agency.id, "sue@harbor.example", "support").await;
        app.member(agency.id, "dev@harbor.example", "developer").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let support = Visitor::signed_in(&app, "sue@harbor.example").await;
        let developer = Visitor::signed_in(&app, "dev@harbor.example").await;
        assert_eq!(keep(&owner, "By cost", "sort=cost", true).await.status, 303);
        assert_eq!(keep(&owner, "Mine alone", "", false).await.status, 303);
        let row = own(&app, agency.id, agency.owner).await.into_iter().find(|view| view.shared).expect("it is shared");
        let path = format!("/sub-accounts/views/{}", row.id);
        // Support finds it, sees no money by it, and can neither change it nor share its own.
        let menu = support.get("/sub-accounts").await;
        menu.shows("Shared by others").shows(">By cost<");
        assert!(!menu.html.contains("Mine alone"), "what others keep for themselves is theirs");
        let opened = support.get(&format!("/sub-accounts?sort=cost&view={}", row.id)).await.ok();
        assert!(!opened.replace("By cost", "").to_lowercase().contains("cost"), "{opened}");
        for (at, fields) in [
            (path.clone(), vec![("name", "Mine now")]),
            (format!("{path}/update"), vec![("query", "")]),
            (format!("{path}/delete"), vec![]),
            (NEW.to_owned(), vec![("name", "For all"), ("shared", "on")]),
        ] {
            assert_eq!(support.fill(&at, &fields).await.status, 403, "{at}");
        }
        // A name means one view to whoever sees it.
        assert_eq!(keep(&support, "by COST", "", false).await.status, 422);
        // A developer changes what is shared, but cannot keep it from the others.
        let updated = developer.fill(&format!("{path}/update"), &[("query", "sort=used")]).await;
        assert_eq!(updated.status, 303);
        assert_eq!(developer.fill(&path, &[("name", "By share")]).await.status, 303);
        let now = own(&app, agency.id, agency.owner).await.into_iter().find(|view| view.id == row.id).expect("there");
        assert_eq!((now.name.as_str(), now.query.as_str(), now.shared), ("By share", "sort=used", true));
        developer.get("/sub-accounts/views").await.shows("All members, shared by");
        // Whoever made it takes it back.
        assert_eq!(owner.fill(&path, &[("name", "By share")]).await.status, 303);
        assert!(!support.get("/sub-accounts").await.html.contains("By share"));
        let said = views_in_audit(&app, &agency).await;
        assert_eq!(said, ["saved_view.create", "saved_view.update", "saved_view.update", "saved_view.delete"]);
        owner.get("/activity?kind=saved_view.").await.shows("View “By cost” shared");
    })
    .await;
}

#[tokio::test]
async fn views_are_of_one_account_and_go_with_the_member_but_for_those_that_are_shared() {
    on_both(|app| async move {
        let (agency, other) = (app.agency("harbor").await, app.agency("other").await);
        app.client(&agency, "alder", 100).await;
        let person = app.member(agency.id, "ann@both.example", "administrator").await;
        let both = Visitor::signed_in(&app, "ann@both.example").await;
        assert_eq!(keep(&both, "Mine", "cap=near", false).await.status, 303);
        assert_eq!(keep(&both, "Ours", "cap=at", true).await.status, 303);
        let stranger = Visitor::signed_in(&app, &other.email).await;
        for view in own(&app, agency.id, person).await {
            let path = format!("/sub-accounts/views/{}", view.id);
            assert_eq!(stranger.get(&path).await.status, 404);
            for end in ["", "/update", "/delete"] {
                let answer = stranger.fill(&format!("{path}{end}"), &[("name", "x"), ("query", "")]).await;
                assert_eq!(answer.status, 404, "{end}");
            }
            // In the list's address it is no more than a mark.
            let page = stranger.get(&format!("/sub-accounts?view={}", view.id)).await.ok();
            assert!(!page.contains(&view.name), "{page}");
        }
        let account = agency.id;
        app.write(move |conn, cx| {
            let cx = cx.acting(Actor::system("test"));
            remove_member(conn, &cx, account, person)
        })
        .await;
        let left: Vec<String> = own(&app, agency.id, person).await.into_iter().map(|view| view.name).collect();
        assert_eq!(left, ["Ours"], "what all members see stays");
        Visitor::signed_in(&app, &agency.email).await.get("/sub-accounts").await.shows(">Ours<");
    })
    .await;
}
