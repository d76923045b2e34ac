//! A relay takes a thousand messages and returns ninety: 9.0 % on that child, nothing on its sibling. The same for
//! complaints. Real servers, real formats, both databases.

use std::sync::Arc;

use canopy::jobs::Leader;
use canopy::models::counters::{self, Counter};
use canopy::models::{messages, summaries, suppressions, system_mails};
use chrono::TimeDelta;

use super::fixtures::{About, all};
use super::mx::{Mx, about, id_of, message, refused};
use crate::delivery::send_through;
use crate::support::app::{Agency, Client, TestApp, on_both};
use crate::support::smtp_sink::SmtpSink;
use crate::support::visitor::Visitor;

const SENT: usize = 1000;
const BOUNCED: usize = 90;
const COMPLAINED: usize = 6;

/// A page as it is read.
async fn read(visitor: &Visitor, path: &str) -> String {
    let page = visitor.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.html);
    page.html
}

async fn accept(app: &TestApp, client: &Client, count: usize) {
    let recipients: Vec<String> = (0..count).map(|n| format!("reader{n}@receiver.example")).collect();
    for group in recipients.chunks(100) {
        let group: Vec<&str> = group.iter().map(String::as_str).collect();
        app.accept(client, &group).await.expect("accepted");
    }
}

async fn counter(app: &TestApp, client: &Client, about: &About) -> Counter {
    let (account, row) = (client.id, message(app, id_of(about)).await);
    let found = app.read(move |conn| Ok(counters::find(conn, account, row.period_id)?)).await;
    found.expect("a counter")
}

/// The subjects in the outbox, which is emptied.
async fn told(app: &TestApp) -> Vec<(String, String)> {
    let now = (app.app.clock.now() + TimeDelta::minutes(1)).naive_utc();
    app.write(move |conn, _| {
        let mails = system_mails::claim(conn, now, now, 100)?;
        for mail in &mails {
            system_mails::remove(conn, mail.id)?;
        }
        Ok(mails.into_iter().map(|mail| (mail.recipient, mail.subject)).collect())
    })
    .await
}

/// Every format of bounces, in turn.
fn bounces() -> Vec<String> {
    all("dsn").into_values().chain(all("text").into_values()).collect()
}

struct Scene {
    agency: Agency,
    bad: Client,
    good: Client,
    /// What the relays took from the one and the other.
    from_bad: Vec<About>,
    from_good: Vec<About>,
}

async fn scene(app: &TestApp) -> Option<Scene> {
    let (ours, theirs) = (SmtpSink::start()?, SmtpSink::start()?);
    let agency = app.agency("Returning").await;
    app.member(agency.id, "analyst@returning.example", "analyst").await;
    let (bad, good) = (app.client(&agency, "careless", 0).await, app.client(&agency, "careful", 0).await);
    send_through(app, bad.id, &ours).await;
    send_through(app, good.id, &theirs).await;
    accept(app, &bad, SENT).await;
    accept(app, &good, 100).await;
    assert_eq!(canopy::delivery::worker::run_once(&app.app).await, SENT + 100);
    let taken = |sink: &SmtpSink| -> Vec<About> { sink.messages().iter().map(|one| about(app, one)).collect() };
    ours.wait_for(SENT).await;
    theirs.wait_for(100).await;
    Some(Scene { from_bad: taken(&ours), from_good: taken(&theirs), agency, bad, good })
}

#[tokio::test]
async fn ninety_bounces_of_a_thousand_are_nine_percent_on_that_child_and_nothing_on_its_sibling() {
    on_both(|app| async move {
        let Some(scene) = scene(&app).await else { return };
        let mut mx = Mx::of(&app);
        let mut leader = Leader::new(Arc::clone(&app.app));
        let owner = Visitor::signed_in(&app, &scene.agency.email).await;
        leader.round().await.expect("a round");
        assert_eq!(told(&app).await, [], "nothing to tell yet");

        let formats = bounces();
        for (at, about) in scene.from_bad.iter().take(BOUNCED).enumerate() {
            let report = about.fill(&formats[at % formats.len()]);
            assert_eq!(mx.send(None, &about.return_path, report).await, 250);
        }
        check_counters(&app, &scene, 0).await;
        leader.round().await.expect("a round");
        check_summaries(&app, &scene).await;
        check_pages(&owner, &scene).await;
        let warning = (scene.agency.email.clone(), "The bounce rate of careless is too high".to_owned());
        assert_eq!(told(&app).await, [warning], "those who may put it on hold, once");
        check_story(&app, &scene, &owner).await;

        // The same reports again, and again in another format, change nothing.
        for about in scene.from_bad.iter().take(BOUNCED) {
            assert_eq!(mx.send(None, &about.return_path, about.fill(&formats[0])).await, 250);
        }
        check_counters(&app, &scene, 0).await;
        complain(&app, &scene, &mx).await;
        check_counters(&app, &scene, COMPLAINED as i64).await;
        leader.round().await.expect("a round");
        let warning = (scene.agency.email.clone(), "The complaint rate of careless is too high".to_owned());
        assert_eq!(told(&app).await, [warning]);
        let page = read(&owner, &format!("/sub-accounts/{}", scene.bad.id)).await;
        assert!(page.contains("0.6\u{a0}%"), "complaints of what left: {page}");
        mx.stop();
        assert_eq!(refused(&app).await["replayed"], BOUNCED as i64 + 1);
    })
    .await;
}

async fn check_counters(app: &TestApp, scene: &Scene, complained: i64) {
    let bad = counter(app, &scene.bad, &scene.from_bad[0]).await;
    assert_eq!(
        (bad.accepted, bad.delivered, bad.bounced, bad.complained),
        (SENT as i64, (SENT - BOUNCED) as i64, BOUNCED as i64, complained)
    );
    let good = counter(app, &scene.good, &scene.from_good[0]).await;
    assert_eq!((good.accepted, good.delivered, good.bounced, good.complained), (100, 100, 0, 0));
    let account = scene.bad.id;
    let bounced = app
        .read(move |conn| {
            let filter = messages::Filter { statuses: vec!["bounced".into()], ..messages::Filter::default() };
            Ok(messages::page(conn, account, &filter, None, false, 1000)?.len())
        })
        .await;
    assert_eq!(bounced, BOUNCED, "messages say what counters say");
}

async fn check_summaries(app: &TestApp, scene: &Scene) {
    let (bad, good) = (scene.bad.id, scene.good.id);
    let (bad, good) = app.read(move |conn| Ok((summaries::find(conn, bad)?, summaries::find(conn, good)?))).await;
    assert_eq!(bad.expect("a summary").bounce_ppm, 90_000);
    assert_eq!(good.expect("a summary").bounce_ppm, 0);
}

async fn check_pages(owner: &Visitor, scene: &Scene) {
    let list = read(owner, "/sub-accounts").await;
    let row = |name: &str| {
        let rows: Vec<&str> = list.split("<tr").filter(|row| row.contains(&format!("{name}.example"))).collect();
        rows.first().map(|row| (*row).to_owned()).unwrap_or_else(|| panic!("no {name} in {list}"))
    };
    let cell = |row: &str, label: &str| {
        let after = row.split(&format!("data-label=\"{label}\"")).nth(1).unwrap_or_default();
        let inner = after.split_once('>').map_or("", |(_, inner)| inner);
        inner.split('<').next().unwrap_or_default().to_owned()
    };
    assert_eq!(cell(&row("careless"), "Bounces"), "9.0\u{a0}%");
    assert_eq!(cell(&row("careful"), "Bounces"), "0\u{a0}%");
    assert!(list.contains("bounced 8.2\u{a0}%"), "90 of 1,100 of the parent: {list}");
    let (child, sibling) = (format!("/sub-accounts/{}", scene.bad.id), format!("/sub-accounts/{}", scene.good.id));
    for page in ["", "/usage", &format!("/domains/{}", scene.bad.domain)] {
        let page = read(owner, &format!("{child}{page}")).await;
        assert!(page.contains("9.0\u{a0}%"), "{page}");
    }
    for page in ["", "/usage", &format!("/domains/{}", scene.good.domain)] {
        let page = read(owner, &format!("{sibling}{page}")).await;
        assert!(!page.contains("9.0\u{a0}%") && !page.contains("no data"), "{page}");
    }
}

async fn check_story(app: &TestApp, scene: &Scene, owner: &Visitor) {
    let about = &scene.from_bad[0];
    let id = id_of(about);
    let row = message(app, id).await;
    assert_eq!(row.status, "bounced");
    assert!(row.sent_at.is_some() && row.delivered_at.is_none() && !row.bounce_classification.is_empty());
    let events = app.read(move |conn| Ok(messages::events(conn, id)?)).await;
    assert!(
        events.iter().any(|event| event.status == "bounced" && event.log.starts_with("Reported by ")),
        "{events:?}"
    );
    let (status, body) =
        app.call("GET", &format!("/v2/accounts/{}/messages/{id}", scene.bad.id), &scene.bad.key, None).await;
    assert_eq!((status, body["status"].as_str()), (200, Some("Bounced")), "{body}");
    let said: Vec<&str> =
        body["delivery_attempts"].as_array().expect("a list").iter().filter_map(|one| one["status"].as_str()).collect();
    assert_eq!(said, ["Delivered", "Bounced"]);
    // Some formats are soft; every hard one is suppressed, on this child alone.
    let (bad, good, now) = (scene.bad.id, scene.good.id, app.app.clock.now().naive_utc());
    let (ours, theirs) = app
        .read(move |conn| {
            let filter = suppressions::Filter::default();
            let of = |conn: &mut _, id| suppressions::page(conn, id, &filter, now, None, false, 1000);
            Ok((of(conn, bad)?, of(conn, good)?))
        })
        .await;
    let soft = app
        .read(move |conn| {
            let filter = messages::Filter { statuses: vec!["bounced".into()], ..messages::Filter::default() };
            let rows = messages::page(conn, bad, &filter, None, false, 1000)?;
            let hard = ["InvalidRecipient", "InactiveMailbox", "BadDomain"];
            Ok(rows.iter().filter(|row| !hard.contains(&row.bounce_classification.as_str())).count())
        })
        .await;
    assert!(soft > 0 && theirs.is_empty());
    assert_eq!(ours.len(), BOUNCED - soft);
    assert_eq!(owner.get(&format!("/sub-accounts/{}", scene.bad.id)).await.status, 200);
}

/// Complaints in every format, by every way there is, from people whose messages did not bounce.
async fn complain(app: &TestApp, scene: &Scene, mx: &Mx) {
    let formats: Vec<String> = all("complaints").into_values().collect();
    let unhappy = &scene.from_bad[BOUNCED..BOUNCED + COMPLAINED];
    for (at, about) in unhappy.iter().enumerate() {
        let keys = &app.app.services.secrets;
        let host = about.return_path.rsplit('@').next().expect("a host");
        let to = match at % 3 {
            0 => about.to.clone(),
            1 => canopy::actions::return_path::complaint_address(keys, id_of(about), host),
            _ => about.return_path.clone(),
        };
        let report = about.fill(&formats[(at + at / 3) % formats.len()]);
        assert_eq!(mx.send(Some("fbl@provider.example"), &to, report).await, 250);
    }
    let again = unhappy[0].fill(&formats[0]);
    assert_eq!(mx.send(Some("fbl@provider.example"), &unhappy[0].to, again).await, 250);
    let id = id_of(&unhappy[0]);
    assert_eq!(message(app, id).await.status, "delivered");
    let events = app.read(move |conn| Ok(messages::events(conn, id)?)).await;
    assert_eq!(events.iter().filter(|event| event.status == "complained").count(), 1);
    let address = suppressions::Address {
        account_id: scene.bad.id,
        email_lower: unhappy[0].recipient.clone(),
        domain: scene.bad.domain.clone(),
    };
    let now = app.app.clock.now().naive_utc();
    let suppressed = app.read(move |conn| Ok(suppressions::suppressed(conn, &[address], now)?)).await;
    assert_eq!(suppressed.len(), 1, "who complained is not written to again");
}
