//! Settings, System health: who sees it, and what it tells whom.

use canopy::domain::role::Role;

use crate::support::app::{On, TestApp};
use crate::support::smtp_sink::SmtpSink;
use crate::support::visitor::Visitor;

const PAGE: &str = "/settings/health";

#[tokio::test]
async fn an_agency_looks_again_at_a_press_and_finds_the_last_look_with_its_time() {
    let Some(sink) = SmtpSink::with_login("user", "right-password") else { return };
    for on in [On::Sqlite, On::Postgres] {
        let url = format!("smtp://user:canary-password@127.0.0.1:{}", sink.port());
        let app = TestApp::start_with(on, |settings| settings.set("default_transport", url)).await;
        let Some(app) = app else { return };
        let (agency, other) = (app.agency("Healthy").await, app.agency("Other").await);
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.get(PAGE).await.shows("Not looked at yet").shows("Check now");
        let page = owner.fill_and_follow(PAGE, &[]).await;
        for words in
            ["Check again", "Looked at <time", "Database", "Default transport", "could not be used", "to mend."]
        {
            assert!(page.contains(words), "{words}: {page}");
        }
        // The operator's relay said why to the operator alone.
        for secret in ["canary", "refused our sign-in", "(535", &app.app.config.database_url()[12..]] {
            assert!(!page.contains(secret), "{secret}: {page}");
        }
        let stranger = Visitor::signed_in(&app, &other.email).await;
        stranger.get(PAGE).await.shows("Not looked at yet");
        let found = app.app.health.last(agency.id).expect("kept").findings.len();
        assert!(page.matches("<tr>").count() > found, "a row for each of {found}");
    }
}

#[tokio::test]
async fn only_those_of_an_agency_who_manage_its_settings_see_its_health() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Roles").await;
    let client = app.client(&agency, "client", 0).await;
    app.member(client.id, "admin@client.example", Role::Administrator.as_str()).await;
    app.member(agency.id, "support@roles.example", Role::Support.as_str()).await;
    for email in ["admin@client.example", "support@roles.example"] {
        let visitor = Visitor::signed_in(&app, email).await;
        let page = visitor.get(PAGE).await;
        assert_eq!(page.status, 403, "{email}: {}", page.html);
        assert_eq!(visitor.fill(PAGE, &[]).await.status, 403, "{email}");
        assert!(!visitor.get("/settings/profile").await.ok().contains(PAGE), "{email} is not led there");
    }
    let owner = Visitor::signed_in(&app, &agency.email).await;
    owner.get("/settings").await.shows(PAGE);
    assert_eq!(app.app.health.last(agency.id), None, "nobody looked");
}
