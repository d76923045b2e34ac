//! Numbers as people type them: read in the style of their agency, shown as they were understood before anything is
//! saved, refused where they could be two.

use canopy::actions::bulk_run::run_jobs_once;
use canopy::actions::ensure_period::ensure_period;
use canopy::actions::set_plan::plan_in_force;
use canopy::actions::update_account::{AccountChanges, update_account};
use canopy::domain::ids::Id;
use canopy::domain::number::NumberStyle;
use canopy::domain::period::BillingAnchor;
use canopy::jobs::Leader;
use canopy::models::{accounts, limits};
use chrono::TimeDelta;

use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::visitor::{Page, Visitor};

const PLAN: &str = "/settings/plan";
const BULK: &str = "/sub-accounts/bulk/start";
const IMPORT: &str = "/sub-accounts/import";

/// An agency that writes numbers so, with a client and its owner at the dashboard.
async fn agency(app: &TestApp, style: NumberStyle) -> (Agency, Client, Visitor) {
    let agency = app.agency("harbor").await;
    let client = app.client(&agency, "alder", 100).await;
    let id = agency.id;
    app.write(move |conn, cx| {
        let changes = AccountChanges { number_style: Some(style), ..AccountChanges::default() };
        update_account(conn, cx, id, &changes).map(drop)
    })
    .await;
    let owner = Visitor::signed_in(app, &agency.email).await;
    (agency, client, owner)
}

async fn cap_of(app: &TestApp, id: Id) -> i64 {
    app.read(move |conn| Ok(accounts::find(conn, id)?.expect("lives").monthly_credit)).await
}

/// The plan in force: fee, included messages, and the price of its one step in micros.
async fn plan_of(app: &TestApp, id: Id) -> Option<(i64, i64, i64)> {
    let now = app.app.clock.now().naive_utc();
    let plan = app.read(move |conn| plan_in_force(conn, id, now)).await?;
    Some((plan.monthly_fee_minor, plan.included, plan.tiers[0].micros_per_thousand))
}

/// Says yes to the page that shows what was understood.
async fn confirm(owner: &Visitor, form: &str, path: &str, fields: &[(&str, &str)], asked: &Page) -> Page {
    assert_eq!(asked.status, 200, "{}", asked.html);
    let understood = asked.hidden("understood");
    assert!(!understood.is_empty(), "{}", asked.html);
    owner.submit(form, path, &[fields, &[("understood", &understood)]].concat()).await
}

#[tokio::test]
async fn the_style_is_chosen_in_settings_recorded_and_counts_for_the_clients_too() {
    on_both(|app| async move {
        let (agency, client, owner) = agency(&app, NumberStyle::Point).await;
        app.member(client.id, "carla@alder.example", "administrator").await;
        owner.get("/settings").await.shows("1,234.50").shows("1.234,50").shows("value=\"point\" checked");
        let fields = [
            ("name", "harbor"),
            ("website", "harbor.example"),
            ("message_metadata_retention", "30"),
            ("message_data_retention", "7"),
            ("anchor_day", "1"),
            ("time_zone", "UTC"),
        ];
        let wrong = owner.submit("/settings", "/settings", &[&fields[..], &[("number_style", "roman")]].concat()).await;
        assert_eq!(wrong.status, 422);
        wrong.shows("Choose how numbers are written");
        let taken = owner.submit("/settings", "/settings", &[&fields[..], &[("number_style", "comma")]].concat()).await;
        assert_eq!(taken.status, 303, "{}", taken.html);
        owner.get("/settings").await.shows("value=\"comma\" checked");
        let id = agency.id;
        let style = app.read(move |conn| Ok(accounts::find(conn, id)?.expect("lives").number_style)).await;
        assert_eq!(style, NumberStyle::Comma);
        let entry = owner.get("/activity?kind=account.").await;
        let link = entry.html.split("href=\"/activity/").nth(1).and_then(|rest| rest.split('"').next());
        owner.get(&format!("/activity/{}", link.expect("an entry"))).await.shows("1,234.50").shows("1.234,50");

        let path = format!("/sub-accounts/{}/cap", client.id);
        assert_eq!(owner.submit(&path, &path, &[("cap_kind", "cap"), ("cap", "25.000")]).await.status, 303);
        assert_eq!(cap_of(&app, client.id).await, 25_000);
        let carla = Visitor::signed_in(&app, "carla@alder.example").await;
        carla.get("/account").await.shows("of 25.000");
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_shown_as_it_was_understood_before_it_reprices_a_period() {
    on_both(|app| async move {
        for style in NumberStyle::ALL {
            let name = style.as_str();
            let agency = app.agency(name).await;
            let id = agency.id;
            app.write(move |conn, cx| {
                let changes = AccountChanges { number_style: Some(style), ..AccountChanges::default() };
                update_account(conn, cx, id, &changes).map(drop)
            })
            .await;
            let owner = Visitor::signed_in(&app, &agency.email).await;

            // What the attack typed: none of it is a hundred times as much any more.
            let first = [("currency", "EUR"), ("fee", "49,00"), ("included", ""), ("price", "0,90"), ("do", "save")];
            let asked = owner.submit(PLAN, PLAN, &first).await;
            asked.shows("Is this what you mean?").shows(&format!("€{}", style.shown("49.00")));
            asked.shows(&format!("{} per {}", style.shown("0.90"), style.whole(1_000))).shows("0 messages so far");
            assert_eq!(plan_of(&app, id).await, None, "nothing is saved by looking");
            assert_eq!(confirm(&owner, PLAN, PLAN, &first, &asked).await.status, 303);
            assert_eq!(plan_of(&app, id).await, Some((4_900, 0, 900_000)), "{name}");
            owner.get(PLAN).await.shows(&format!("value=\"{}\"", style.shown("49.00")));

            // Repriced: old and new, and what it does; another number than the one that was shown is asked about anew.
            let more =
                [("currency", "EUR"), ("fee", "1 234,5"), ("price", "0,90"), ("when", "current"), ("do", "save")];
            let asked = owner.submit(PLAN, PLAN, &more).await;
            asked.shows("is priced anew").shows(&format!("€{}", style.shown("1,234.50")));
            asked.shows(&format!("instead of €{}", style.shown("49.00")));
            let other = [("currency", "EUR"), ("fee", "12,5"), ("price", "0,90"), ("when", "current"), ("do", "save")];
            let asked_again = confirm(&owner, PLAN, PLAN, &other, &asked).await;
            assert_eq!(asked_again.status, 200);
            asked_again.shows(&format!("€{}", style.shown("12.50")));
            let back = confirm(&owner, PLAN, PLAN, &[&more[..4], &[("do", "edit")]].concat(), &asked).await;
            back.shows("value=\"1 234,5\"").shows("Save the plan");
            assert_eq!(plan_of(&app, id).await, Some((4_900, 0, 900_000)));
            assert_eq!(confirm(&owner, PLAN, PLAN, &more, &asked).await.status, 303);
            assert_eq!(plan_of(&app, id).await, Some((123_450, 0, 900_000)));
        }
    })
    .await;
}

#[tokio::test]
async fn a_yes_to_a_plan_counts_only_while_what_it_was_compared_with_is_true() {
    let app = TestApp::sqlite().await;
    let (agency, _, owner) = agency(&app, NumberStyle::Point).await;
    let fields =
        |fee: &'static str| [("currency", "USD"), ("fee", fee), ("price", "1"), ("when", "current"), ("do", "save")];
    let asked = owner.submit(PLAN, PLAN, &fields("10")).await;
    confirm(&owner, PLAN, PLAN, &fields("10"), &asked).await;
    let (one, other) = (owner.submit(PLAN, PLAN, &fields("20")).await, owner.submit(PLAN, PLAN, &fields("30")).await);
    assert_eq!(confirm(&owner, PLAN, PLAN, &fields("20"), &one).await.status, 303);
    let late = confirm(&owner, PLAN, PLAN, &fields("30"), &other).await;
    assert_eq!(late.status, 200);
    late.shows("$20.00").shows("$30.00");
    assert_eq!(plan_of(&app, agency.id).await.map(|plan| plan.0), Some(2_000));
}

#[tokio::test]
async fn figures_of_a_plan_that_could_be_two_are_refused_beside_their_field() {
    let app = TestApp::sqlite().await;
    let (agency, _, owner) = agency(&app, NumberStyle::Comma).await;
    for (field, value, said) in [
        ("fee", "49.00.0", "It is not clear which number this is"),
        ("fee", "-1", "Leave the sign out"),
        ("fee", "€49", "without a currency"),
        ("fee", "4,9001", "more than 2 decimals"),
        ("included", "1,5", "with decimals"),
        ("included", "1e5", "without an exponent"),
        ("price", "\u{ff11}", "digits 0 to 9"),
        ("messages", "1,5", "with decimals"),
    ] {
        let action = if field == "messages" { "preview" } else { "save" };
        let mut fields = vec![("currency", "EUR"), ("fee", "1"), ("included", "1"), ("price", "1"), ("messages", "1")];
        fields.retain(|(name, _)| *name != field);
        fields.extend([(field, value), ("do", action)]);
        let page = owner.submit(PLAN, PLAN, &fields).await;
        assert_eq!(page.status, 422, "{field} {value}");
        page.shows(said).shows(&format!("value=\"{value}\""));
    }
    owner.submit(PLAN, PLAN, &[("currency", "EUR"), ("fee", "x"), ("do", "save")]).await.shows("for example 49,00.");
    assert_eq!(plan_of(&app, agency.id).await, None);
}

/// What is typed as a cap, in point and in comma style; `None` is refused.
const CAPS: [(&str, Option<i64>, Option<i64>); 9] = [
    ("5,000", Some(5_000), None),
    ("5.000", None, Some(5_000)),
    ("1 234 567", Some(1_234_567), Some(1_234_567)),
    ("1,5", None, None),
    ("5000,00", None, None),
    ("0", None, None),
    ("00", None, None),
    ("-5", None, None),
    ("\u{665}", None, None),
];

#[tokio::test]
async fn every_way_to_set_a_cap_reads_the_same_number_or_none() {
    on_both(|app| async move {
        for (index, style) in NumberStyle::ALL.into_iter().enumerate() {
            let agency = app.agency(style.as_str()).await;
            let client = app.client(&agency, &format!("alder{index}"), 100).await;
            let (parent, id) = (agency.id, client.id);
            app.write(move |conn, cx| {
                let changes = AccountChanges { number_style: Some(style), ..AccountChanges::default() };
                update_account(conn, cx, parent, &changes).map(drop)
            })
            .await;
            let owner = Visitor::signed_in(&app, &agency.email).await;
            for (text, point, comma) in CAPS {
                let wanted = if style == NumberStyle::Point { point } else { comma };
                ways(&app, &owner, id, text, wanted, style).await;
            }
        }
    })
    .await;
}

/// Tries one text on the page, in the row, for many, for a new account, and as limits and pool.
async fn ways(app: &TestApp, owner: &Visitor, id: Id, text: &str, wanted: Option<i64>, style: NumberStyle) {
    let page = format!("/sub-accounts/{id}/cap");
    for kind in [&[("cap_kind", "cap")][..], &[]] {
        app.write(move |conn, _| {
            let mut account = accounts::find(conn, id)?.expect("lives");
            account.monthly_credit = 100;
            Ok(accounts::save(conn, &account)?)
        })
        .await;
        let answer = owner.submit(&page, &page, &[kind, &[("cap", text)]].concat()).await;
        assert_eq!(answer.status, if wanted.is_some() { 303 } else { 422 }, "{text} {style:?}");
        assert_eq!(cap_of(app, id).await, wanted.unwrap_or(100), "{text} {style:?}");
        if let Some(cap) = wanted {
            owner.get(&page).await.shows(&format!("is {}.", style.whole(cap))).shows("It was 100.");
            owner.get(&page).await.shows(&format!("value=\"{}\"", style.whole(cap)));
        }
    }

    let many = [("do", "cap"), ("scope", "all"), ("cap_kind", "cap"), ("cap", text)];
    let answer = owner.submit("/sub-accounts", BULK, &many).await;
    assert_eq!(answer.status, if wanted.is_some() { 200 } else { 422 }, "{text} {style:?}: no job starts unasked");
    if let Some(cap) = wanted {
        answer.shows(&format!("<strong>{}</strong>", style.whole(cap))).shows("Set the cap of 1 account");
    }

    let new = [("step", "client"), ("go", "next"), ("name", "New"), ("website", "new.example"), ("cap", text)];
    let answer = owner.submit("/sub-accounts/new", "/sub-accounts/new", &new).await;
    assert_eq!(answer.status, if wanted.is_some() { 200 } else { 422 }, "{text} {style:?}");
    if let Some(cap) = wanted {
        answer.shows(&format!("<dd>{}</dd>", style.whole(cap)));
    }

    let (path, status) = (format!("/sub-accounts/{id}/limits"), if wanted.is_some() { 303 } else { 422 });
    for field in ["daily", "hourly"] {
        let fields = [("at_cap", "reject"), ("hold_days", "3"), ("alerts", "80"), (field, text)];
        assert_eq!(owner.submit(&path, &path, &fields).await.status, status, "{text} {style:?} as {field}");
        let row = app.read(move |conn| Ok(limits::find(conn, id)?)).await;
        let saved = row.map_or(0, |row| if field == "daily" { row.daily } else { row.hourly });
        assert!(wanted.is_none_or(|cap| cap == saved), "{text} {style:?} as {field} is {saved}");
    }
    let pool = "/settings/limits";
    assert_eq!(owner.submit(pool, pool, &[("pool", text)]).await.status, status, "{text} {style:?} as a pool");
    if let Some(cap) = wanted {
        owner.get(pool).await.shows(&format!("value=\"{}\"", style.whole(cap)));
    }
}

#[tokio::test]
async fn a_cap_says_what_it_was_and_what_it_does_to_this_period() {
    let app = TestApp::sqlite().await;
    let (_, client, owner) = agency(&app, NumberStyle::Comma).await;
    app.accept(&client, &["a@example.org", "b@example.org"]).await.expect("accepted");
    let path = format!("/sub-accounts/{}/cap", client.id);
    owner.submit(&path, &path, &[("cap_kind", "cap"), ("cap", "2")]).await;
    let page = owner.get(&path).await;
    page.shows("It was 100.").shows("2 messages were accepted in this period already: it is at its cap now.");
    page.shows("Set it back").shows("/cap?cap=100");
    owner.get(&format!("{path}?cap=12500")).await.shows("value=\"12.500\"");
    owner.submit(&path, &path, &[("cap_kind", "none")]).await;
    owner.get(&path).await.shows("alder has no cap.").shows("It was 2.");
}

#[tokio::test]
async fn a_cap_for_many_shows_what_it_does_before_the_job_starts() {
    on_both(|app| async move {
        let (agency, client, owner) = agency(&app, NumberStyle::Comma).await;
        for (label, cap) in [("birch", 0), ("cobalt", 5_000), ("dune", 90_000)] {
            app.client(&agency, label, cap).await;
        }
        let many = [("do", "cap"), ("scope", "all"), ("cap_kind", "cap"), ("cap", "5.000")];
        let asked = owner.submit("/sub-accounts", BULK, &many).await;
        asked.shows("4 accounts").shows("Nothing is changed yet");
        for what in ["Have this cap already", "Have no cap until now", "Have a higher cap", "Have a lower cap"] {
            let cell = asked.html.split(what).nth(1).unwrap_or_default();
            assert!(
                cell.split("</dd>").next().is_some_and(|cell| cell.contains("1 account")),
                "{what}: {}",
                asked.html
            );
        }
        assert_eq!(cap_of(&app, client.id).await, 100);
        let other = [("do", "cap"), ("scope", "all"), ("cap_kind", "cap"), ("cap", "50.000")];
        assert_eq!(confirm(&owner, "/sub-accounts", BULK, &other, &asked).await.status, 200, "another number");
        let back = owner.submit("/sub-accounts", BULK, &[&many[..], &[("go", "edit")]].concat()).await;
        back.shows("value=\"5.000\"").shows("Monthly cap of each");
        let started = confirm(&owner, "/sub-accounts", BULK, &many, &asked).await;
        assert_eq!(started.status, 303, "{}", started.html);
        owner.get(&started.location).await.shows("Set monthly caps to 5.000");

        let id = client.id.to_string();
        let none = [("do", "cap"), ("scope", "ticked"), ("id", id.as_str()), ("cap_kind", "none")];
        let asked = owner.submit("/sub-accounts", BULK, &none).await;
        asked.shows("Remove the cap of 1 account").shows("No cap");
        let nobody = [("do", "cap"), ("scope", "ticked"), ("cap_kind", "none")];
        let refused = owner.submit("/sub-accounts", BULK, &nobody).await;
        assert_eq!(refused.status, 422);
        refused.shows("No sub account is selected");
    })
    .await;
}

/// Does what is left of the jobs that wait: the page woke whoever does them already.
async fn run_jobs(app: &TestApp) {
    let app = std::sync::Arc::clone(&app.app);
    let all = move || while run_jobs_once(&app.db, &app.cx("jobs"), &app.services).expect("they are done") > 0 {};
    tokio::task::spawn_blocking(all).await.expect("it ends");
}

#[tokio::test]
async fn a_cap_for_many_is_set_for_the_accounts_that_were_shown_and_for_no_others() {
    on_both(|app| async move {
        let (agency, client, owner) = agency(&app, NumberStyle::Point).await;
        let (birch, cobalt) = (app.client(&agency, "birch", 0).await, app.client(&agency, "cobalt", 0).await);
        let [a, b, c] = [client.id, birch.id, cobalt.id].map(|id| id.to_string());
        let ticked = |ids: &[&str]| {
            let mut fields: Vec<(String, String)> =
                [("do", "cap"), ("scope", "ticked"), ("cap_kind", "cap"), ("cap", "5,000")].map(owned).to_vec();
            fields.extend(ids.iter().map(|id| owned(("id", id))));
            fields
        };
        let send = async |fields: Vec<(String, String)>, asked: Option<&Page>| {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            match asked {
                Some(asked) => confirm(&owner, "/sub-accounts", BULK, &fields, asked).await,
                None => owner.submit("/sub-accounts", BULK, &fields).await,
            }
        };
        let asked = send(ticked(&[&a, &b]), None).await;
        asked.shows("Set the cap of 2 accounts");
        for others in [vec![&a[..]], vec![&a[..], &c[..]], vec![&a[..], &b[..], &c[..]]] {
            let again = send(ticked(&others), Some(&asked)).await;
            assert_eq!(again.status, 200, "other accounts than were shown");
            again.shows("Nothing is changed yet");
        }
        let all = |search: &'static str| {
            [("do", "cap"), ("scope", "all"), ("f_q", search), ("cap_kind", "cap"), ("cap", "5,000")]
                .map(owned)
                .to_vec()
        };
        assert_eq!(send(all(""), Some(&asked)).await.status, 200, "all, where some were shown");
        let matching = send(all("birch"), None).await;
        matching.shows("Set the cap of 1 account");
        assert_eq!(send(all(""), Some(&matching)).await.status, 200, "all, where those that match were shown");

        let started = send(ticked(&[&b, &a]), Some(&asked)).await;
        assert_eq!(started.status, 303, "the same accounts, in whatever order: {}", started.html);
        run_jobs(&app).await;
        assert_eq!((cap_of(&app, client.id).await, cap_of(&app, birch.id).await), (5_000, 5_000));
        assert_eq!(cap_of(&app, cobalt.id).await, 0);
    })
    .await;
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn a_cap_for_many_in_a_short_period_says_who_is_at_their_part_of_it_rounded_up() {
    on_both(|app| async move {
        const CAP: i64 = 11;
        let (agency, reached, _) = agency(&app, NumberStyle::Point).await;
        let (below, parent) = (app.client(&agency, "below", 0).await, agency.id);
        let changes = AccountChanges {
            anchor: Some(BillingAnchor::parse(15, "UTC").expect("an anchor")),
            ..AccountChanges::default()
        };
        let running = app
            .write(move |conn, cx| {
                update_account(conn, cx, parent, &changes)?;
                ensure_period(conn, parent, cx.now)
            })
            .await;
        app.app.clock.step(running.end_at.and_utc() - app.app.clock.now() + TimeDelta::hours(1));
        let period = app.write(move |conn, cx| ensure_period(conn, parent, cx.now)).await;
        let (days, of_days) =
            (i64::from(period.days.expect("a short one")), i64::from(period.of_days.expect("of so many")));
        let in_force = (CAP * days + of_days - 1) / of_days;
        assert!(in_force * of_days > CAP * days && in_force < CAP, "{CAP} is rounded up: {period:?}");

        for _ in 1..in_force {
            app.accept(&reached, &["ann@example.org"]).await.expect("accepted");
            app.accept(&below, &["ann@example.org"]).await.expect("accepted");
        }
        app.accept(&reached, &["ann@example.org"]).await.expect("accepted");
        Leader::new(std::sync::Arc::clone(&app.app)).round().await.expect("a round");
        // A session of a month ago is over.
        let owner = Visitor::signed_in(&app, &agency.email).await;
        let many = [("do", "cap"), ("scope", "all"), ("cap_kind", "cap"), ("cap", "11")];
        let asked = owner.submit("/sub-accounts", BULK, &many).await;
        let cell = asked.html.split("Are at the new cap at once").nth(1).unwrap_or_default();
        assert!(cell.split("</dd>").next().is_some_and(|cell| cell.contains("1 account")), "{}", asked.html);

        assert_eq!(confirm(&owner, "/sub-accounts", BULK, &many, &asked).await.status, 303);
        run_jobs(&app).await;
        app.accept(&reached, &["ann@example.org"]).await.expect_err("it is at its part");
        app.accept(&below, &["ann@example.org"]).await.expect("it is one below it");
        app.accept(&below, &["ann@example.org"]).await.expect_err("and then at it");
    })
    .await;
}

#[tokio::test]
async fn an_imports_preview_shows_each_cap_as_it_was_understood_and_leaves_the_others_out() {
    on_both(|app| async move {
        let (agency, _, owner) = agency(&app, NumberStyle::Comma).await;
        let list = "name;website;cap\nOne;one.example;5.000\nTwo;two.example;5000,00\nThree;three.example;0\n\
                    Four;four.example;none\nFive;five.example;1 250\n";
        let preview = owner.submit(IMPORT, IMPORT, &[("csv", list)]).await;
        preview.shows("2 rows have problems").shows("Create 3 sub accounts").shows("with decimals");
        preview.shows("write “none” for no cap").shows("not understood").shows("no cap");
        preview.shows("<span>1.250</span> <small>written 1 250</small>");
        let style = preview.hidden("style");

        // Whoever chooses another style meanwhile looks again: 5.000 is five then.
        let id = agency.id;
        let choose = |style| {
            app.write(move |conn, cx| {
                let changes = AccountChanges { number_style: Some(style), ..AccountChanges::default() };
                update_account(conn, cx, id, &changes).map(drop)
            })
        };
        choose(NumberStyle::Point).await;
        let create = [("csv", list), ("go", "create"), ("style", style.as_str())];
        let again = owner.submit(IMPORT, IMPORT, &create).await;
        assert_eq!(again.status, 200);
        again.shows("3 rows have problems");
        choose(NumberStyle::Comma).await;

        // What was understood is what is created, though the style changes before the job runs.
        let started = owner.submit(IMPORT, IMPORT, &create).await;
        assert_eq!(started.status, 303, "{}", started.html);
        choose(NumberStyle::Point).await;
        while !owner.get(&started.location).await.html.contains("finished") {
            tokio::task::yield_now().await;
        }
        let made = app.read(move |conn| Ok(accounts::page_of_children(conn, id, None, true, 9)?)).await;
        let mut caps: Vec<_> = made[1..].iter().map(|made| (made.name.as_str(), made.monthly_credit)).collect();
        caps.sort_unstable();
        assert_eq!(caps, [("Five", 1_250), ("Four", 0), ("One", 5_000)]);
    })
    .await;
}

/// The texts of a page: what stands between its tags.
fn texts(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').filter_map(|piece| piece.split_once('>').map(|(_, text)| text.trim()))
}

/// Whether a word is a number whose sign before three digits is a comma.
fn is_point_style(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    let mut groups = word.split(',');
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    word.contains(',') && groups.next().is_some_and(|g| digits(g, 3)) && groups.all(|g| g.len() == 3 && digits(g, 3))
}

#[tokio::test]
async fn every_page_writes_its_figures_in_the_parents_style() {
    on_both(|app| async move {
        let (agency, client, owner) = agency(&app, NumberStyle::Comma).await;
        let recipients: Vec<String> = (0..1_200).map(|number| format!("r{number}@example.org")).collect();
        let path = format!("/sub-accounts/{}/cap", client.id);
        owner.submit(&path, &path, &[("cap_kind", "cap"), ("cap", "50.000")]).await;
        let pool = [("pool", "90.000"), ("alerts", "80; 100")];
        owner.submit("/settings/limits", "/settings/limits", &pool).await;
        let plan = [("currency", "EUR"), ("fee", "1.234,50"), ("included", "1.000"), ("price", "0,90"), ("do", "save")];
        owner.submit_and_confirm(PLAN, PLAN, &plan).await;
        for part in recipients.chunks(100) {
            app.accept(&client, &part.iter().map(String::as_str).collect::<Vec<_>>()).await.expect("accepted");
        }

        app.member(client.id, "carla@alder.example", "administrator").await;
        let carla = Visitor::signed_in(&app, "carla@alder.example").await;
        let base = format!("/sub-accounts/{}", client.id);
        let mut seen = 0;
        for (visitor, path) in [
            (&owner, "/".to_owned()),
            (&owner, "/sub-accounts".into()),
            (&owner, "/usage".into()),
            (&owner, "/activity".into()),
            (&owner, PLAN.into()),
            (&owner, "/settings/limits".into()),
            (&owner, "/queue".into()),
            (&owner, "/sub-accounts/import".into()),
            (&owner, base.clone()),
            (&owner, format!("{base}/usage")),
            (&owner, format!("{base}/cap")),
            (&owner, format!("{base}/suspend")),
            (&owner, format!("{base}/delete")),
            (&carla, "/account".into()),
            (&carla, "/account/usage".into()),
        ] {
            let page = visitor.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            for text in texts(&page.html) {
                let wrong = text.split([' ', '\u{a0}']).find(|word| is_point_style(word));
                assert_eq!(wrong, None, "{path}: {text}");
                seen += usize::from(text.contains("1.200") || text.contains("50.000"));
            }
        }
        assert!(seen > 10, "the figures are on the pages: {seen}");
        owner.get("/usage").await.shows("€1.234,68").shows("1.200");

        // Files and the API write plain digits.
        Leader::new(app.app.clone()).round().await.expect("it keeps house");
        let csv = owner.get("/sub-accounts.csv").await;
        assert!(csv.html.contains(",1200,50000,") && !csv.html.contains("50.000"), "{}", csv.html);
        let path = format!("/v2/accounts/{}/sub-accounts/{}", agency.id, client.id);
        let (status, answer) = app.call("GET", &path, &agency.key, None).await;
        assert_eq!((status, answer["monthly_credit"].as_i64()), (200, Some(50_000)), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn whole_fields_of_every_form_refuse_decimals() {
    let app = TestApp::sqlite().await;
    let (_, client, owner) = agency(&app, NumberStyle::Comma).await;
    let settings = [("name", "harbor"), ("website", "harbor.example"), ("time_zone", "UTC")];
    let transport = [("name", "Relay"), ("kind", "relay"), ("host", "mx.example"), ("tls", "required")];
    let limits = [("at_cap", "reject"), ("alerts", "80")];
    let path = format!("/sub-accounts/{}/limits", client.id);
    for (path, others, field) in [
        ("/settings", &settings[..], "message_metadata_retention"),
        ("/settings", &settings, "message_data_retention"),
        ("/settings", &settings, "anchor_day"),
        ("/settings/transports/new", &transport, "port"),
        ("/settings/transports/new", &transport, "max_connections"),
        ("/settings/transports/new", &transport, "messages_per_second"),
        (&path, &limits, "hold_days"),
        (&path, &limits, "alerts"),
    ] {
        for value in ["1,5", "5,00", "+5", "1e1", "\u{ff15}"] {
            let mut fields = others.to_vec();
            fields.retain(|(name, _)| *name != field);
            fields.push((field, value));
            let page = owner.submit(path, path, &fields).await;
            assert_eq!(page.status, 422, "{path} {field} {value}");
            page.shows(&format!("{field}-error")).shows(&format!("value=\"{value}\""));
        }
    }
}
