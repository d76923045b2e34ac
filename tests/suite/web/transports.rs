//! Settings, Transports, and the choice on a client's page.

use canopy::models::transports::{self, Transport};

use crate::support::app::{Agency, TestApp, on_both};
use crate::support::smtp_sink::{Behaviour, SmtpSink};
use crate::support::visitor::Visitor;

const PAGE: &str = "/settings/transports";

const FORM: [(&str, &str); 7] = [
    ("name", "Main relay"),
    ("kind", "relay"),
    ("host", "smtp.relay.example"),
    ("port", "587"),
    ("tls", "required"),
    ("username", "u"),
    ("password", "hunter2"),
];

async fn all(app: &TestApp, agency: &Agency) -> Vec<Transport> {
    let parent = agency.id;
    app.read(move |conn| Ok(transports::all(conn, parent)?)).await
}

fn with(form: &[(&'static str, &'static str)], field: &str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    form.iter().map(|(name, given)| (*name, if *name == field { value } else { *given })).collect()
}

#[tokio::test]
async fn a_transport_is_kept_sealed_and_its_password_goes_to_no_other_server() {
    on_both(|app| async move {
        let agency = app.agency("Sealed").await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        owner.get(PAGE).await.shows("No transport yet").shows("the mailbox on this machine");
        let page = owner.fill_and_follow(&format!("{PAGE}/new"), &FORM).await;
        assert!(page.contains("The transport Main relay is saved") && page.contains("smtp.relay.example:587"));
        assert!(!page.contains("hunter2"));
        let row = all(&app, &agency).await.remove(0);
        let sealed = row.password_sealed.clone().expect("sealed");
        assert_eq!(app.app.services.secrets.open("transport", &sealed).expect("opens"), b"hunter2");
        let edit = format!("{PAGE}/{}", row.id);
        let shown = owner.get(&edit).await;
        assert!(!shown.shows("smtp.relay.example").html.contains("hunter2"));
        let keep = with(&FORM[..6], "tls", "implicit");
        owner.fill_and_follow(&edit, &keep).await;
        let kept = all(&app, &agency).await.remove(0);
        assert_eq!((kept.tls.as_str(), kept.password_sealed.as_deref()), ("implicit", Some(sealed.as_slice())));
        for (field, value) in [
            ("host", "smtp.evil.example"),
            ("port", "2525"),
            ("username", "another"),
            ("tls", "opportunistic"),
            ("tls", "none"),
        ] {
            let answer = owner.fill(&edit, &with(&keep, field, value)).await;
            assert!(answer.status == 422 && answer.html.contains("Enter the password"), "{field}: {}", answer.html);
            assert!(answer.html.contains("id=\"password-error\"") && answer.html.contains(value), "{field}: {value}");
        }
        let answer = owner.fill(&edit, &with(&with(&FORM, "username", ""), "password", "hunter3")).await;
        assert!(answer.status == 422 && answer.html.contains("Enter the user that this password belongs to."));
        assert!(!answer.html.contains("hunter3"), "a secret is never echoed");
        for (field, value) in [
            ("name", ""),
            ("kind", "magic"),
            ("host", "a b"),
            ("host", "10.0.0.1"),
            ("port", "0"),
            ("port", "70000"),
            ("tls", "magic"),
        ] {
            let answer = owner.fill(&edit, &with(&FORM, field, value)).await;
            assert_eq!(answer.status, 422, "{field} {value}");
            assert!(answer.html.contains(&format!("href=\"#{field}\"")), "{field} {value}: {}", answer.html);
        }
        assert_eq!(all(&app, &agency).await, [kept], "nothing was changed");
    })
    .await;
}

#[tokio::test]
async fn a_default_is_made_a_client_gets_its_own_and_what_is_in_use_is_not_deleted() {
    on_both(|app| async move {
        let agency = app.agency("Choice").await;
        let client = app.client(&agency, "choice", 0).await;
        let owner = Visitor::signed_in(&app, &agency.email).await;
        for name in ["Alpha", "Beta"] {
            owner.fill_and_follow(&format!("{PAGE}/new"), &[("name", name), ("kind", "direct")]).await;
        }
        let rows = all(&app, &agency).await;
        let (alpha, beta) = (rows[0].id.to_string(), rows[1].id.to_string());
        owner.fill_and_follow(&format!("{PAGE}/{alpha}/default"), &[]).await;
        let base = format!("/sub-accounts/{}", client.id);
        owner.get(&format!("{base}/settings")).await.shows("By your default.");
        owner.get(&format!("{base}/transport")).await.shows("Alpha: Straight to the recipients");
        let page = owner.fill_and_follow(&format!("{base}/transport"), &[("transport", &beta)]).await;
        assert!(page.contains("Mail of choice leaves by Beta from now on."), "{page}");
        owner.get(&format!("{base}/settings")).await.shows("By Beta.");
        for wrong in ["x", "0199ffff-ffff-7fff-bfff-ffffffffffff"] {
            assert_eq!(owner.fill(&format!("{base}/transport"), &[("transport", wrong)]).await.status, 422);
        }
        for (id, why) in [(&alpha, "is the default"), (&beta, "one sub account uses Beta")] {
            let answer = owner.fill(&format!("{PAGE}/{id}/delete"), &[]).await;
            assert_eq!(answer.status, 409, "{}", answer.html);
            answer.shows(why);
        }
        owner.fill_and_follow(&format!("{base}/transport"), &[("transport", "")]).await;
        owner.fill_and_follow(&format!("{PAGE}/no-default"), &[]).await;
        owner.get(PAGE).await.shows("No default is set");
        for id in [&alpha, &beta] {
            owner.get(&format!("{PAGE}/{id}/delete")).await.shows("Delete transport");
            owner.fill_and_follow(&format!("{PAGE}/{id}/delete"), &[]).await;
        }
        assert!(all(&app, &agency).await.is_empty());
        let activity = owner.get("/activity").await.ok();
        for words in ["Transport “Alpha” created", "Default transport of Choice changed", "Transport of choice chosen"]
        {
            assert!(activity.contains(words), "{words}");
        }
        app.member(client.id, "boss@choice.example", "administrator").await;
        let boss = Visitor::signed_in(&app, "boss@choice.example").await;
        for path in [PAGE, "/account/transport"] {
            assert_eq!(boss.get(path).await.status, 403, "{path}: the agency sets it");
        }
    })
    .await;
}

#[tokio::test]
async fn a_test_shows_the_whole_conversation_and_masks_the_password_when_it_works_and_when_it_does_not() {
    let app = TestApp::sqlite().await;
    let Some(sink) = SmtpSink::with_login("relay-user", "relay-secret") else { return };
    let agency = app.agency("Tries").await;
    let owner = Visitor::signed_in(&app, &agency.email).await;
    let port = sink.port().to_string();
    let form = |password| {
        [
            ("name", "Tried"),
            ("kind", "relay"),
            ("host", "127.0.0.1"),
            ("port", port.as_str()),
            ("tls", "none"),
            ("username", "relay-user"),
            ("password", password),
        ]
    };
    owner.fill_and_follow(&format!("{PAGE}/new"), &form("relay-secret")).await;
    let edit = format!("{PAGE}/{}", all(&app, &agency).await[0].id);
    owner.get(&format!("{edit}/test")).await.shows("Send the test").shows(&agency.email);
    let page = owner.fill(&format!("{edit}/test"), &[]).await;
    assert_eq!(page.status, 200, "{}", page.html);
    page.shows("The message was taken.");
    for line in [
        "&#60; 220 ",
        "&#62; EHLO localhost",
        "AUTH PLAIN ****",
        "235 ",
        "MAIL FROM:",
        "RCPT TO:",
        "&#62; DATA",
        "354 ",
        "250 2.0.0 taken",
        "&#62; QUIT",
        "221 ",
    ] {
        page.shows(line);
    }
    assert_eq!(sink.wait_for(1).await[0].recipients, std::slice::from_ref(&agency.email));
    let secret = base64(b"\0relay-user\0relay-secret");
    assert!(!page.html.contains("relay-secret") && !page.html.contains(&secret));

    sink.set("*", Behaviour::RefuseRecipient("550 5.7.1 Not from here")).await;
    owner
        .fill(&format!("{edit}/test"), &[])
        .await
        .shows("The message was not taken.")
        .shows("&#60; 550 5.7.1 Not from here");
    owner.fill_and_follow(&edit, &form("wrong")).await;
    let page = owner.fill(&format!("{edit}/test"), &[]).await;
    page.shows("The message was not taken.").shows("it refused our sign-in").shows("&#60; 535 ");
    drop(sink);
    let page = owner.fill(&format!("{edit}/test"), &[]).await;
    page.shows("The message was not taken.").shows("could not be used");
    owner.get("/activity").await.shows("Transport “Tried” tried");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
