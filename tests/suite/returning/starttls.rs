//! STARTTLS at the listener: a mail program that insists on it, what somebody on the way puts in, and its certificate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use canopy::app::App;
use canopy::cli::serve::Site;
use canopy::clock::Clock;
use canopy::config::Settings;
use canopy::smtp::Limits;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::mx::{Mx, Talk, refused};
use crate::support::app::{On, TestApp};
use crate::support::certificates::Certificates;
use crate::support::mail_program::MailProgram;
use crate::support::temp_dir::TempDir;

const NAMES: &str = "DNS:localhost,IP:127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(20);

fn named<'s>(certificates: &'s Certificates) -> impl FnOnce(&mut Settings) + 's {
    |settings| {
        settings.set("mx_tls_cert", certificates.path("cert.pem").display().to_string());
        settings.set("mx_tls_key", certificates.path("key.pem").display().to_string());
    }
}

async fn app(certificates: &Certificates) -> TestApp {
    TestApp::start_with(On::Sqlite, named(certificates)).await.expect("SQLite is always there")
}

/// Shakes hands on a conversation that was answered 220.
async fn encrypt(talk: Talk, client: ClientConfig) -> std::io::Result<Talk<TlsStream<TcpStream>>> {
    let name = ServerName::try_from("localhost").expect("a name");
    let connected = TlsConnector::from(Arc::new(client)).connect(name, talk.stream);
    Ok(Talk { stream: timeout(PATIENCE, connected).await.expect("an answer in time")? })
}

#[tokio::test]
async fn a_mail_program_that_insists_on_tls_hands_in_its_report() {
    let certificates = Certificates::of(NAMES);
    let app = app(&certificates).await;
    let mut mx = Mx::of(&app);
    let to = app.app.config.complaint_address.clone();
    let send = async |authority| {
        let program = MailProgram::at(mx.address).insisting_on_tls(authority);
        program.send("", &[&to], b"Subject: hi\r\n\r\nno report\r\n").await
    };
    let sent = send(Some(certificates.path("ca.pem"))).await;
    assert_eq!(sent.code, 250, "{sent:?}");
    let strange = send(None).await;
    assert_eq!(strange.code, 0, "a client that does not know the authority goes away: {strange:?}");
    mx.stop();
    let refused = refused(&app).await;
    assert_eq!((refused["unreadable"], refused["protocol"]), (1, 1), "{refused:?}");
}

#[tokio::test]
async fn what_was_put_in_before_tls_is_never_answered_and_everything_begins_anew() {
    let certificates = Certificates::of(NAMES);
    let app = app(&certificates).await;
    let to = app.app.config.complaint_address.clone();
    let mut mx = Mx::of(&app);
    for put_in in
        ["", "NOOP\r\n", "EHLO evil.test\r\nMAIL FROM:<evil@example.org>\r\n", "MAIL FRO", "\n.\n", "RSET\r\nDATA\r\n"]
    {
        let mut talk = mx.talk().await;
        assert!(talk.say("EHLO mx.test").await.contains("STARTTLS"), "it is offered");
        talk.expect("MAIL FROM:<before@example.org>", 250).await;
        talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
        talk.put(format!("STARTTLS\r\n{put_in}").as_bytes()).await;
        assert!(talk.hear().await.starts_with("220 2.0.0"));
        let mut talk = encrypt(talk, certificates.client()).await.expect("TLS");
        // The first answer is to the first thing said inside: nothing of before is left, the greeting neither.
        talk.expect("MAIL FROM:<inside@example.org>", 503).await;
        talk.expect("STARTTLS", 503).await;
        let offered = talk.say("EHLO mx.test").await;
        assert!(offered.contains("SIZE") && !offered.contains("STARTTLS"), "{offered}");
        talk.expect("DATA", 503).await;
        talk.expect("MAIL FROM:<inside@example.org>", 250).await;
        talk.expect("DATA", 554).await;
        talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
        talk.expect("DATA", 354).await;
        talk.expect("Subject: hi\r\n\r\ninside\r\n.", 250).await;
        talk.expect("QUIT", 221).await;
        assert_eq!(talk.rest().await, "", "after {put_in:?}");
    }
    mx.stop();
    assert_eq!(refused(&app).await, [("unreadable".to_owned(), 6)].into(), "one message each, the one inside");
}

#[tokio::test]
async fn lines_inside_tls_end_in_crlf_too_and_a_message_comes_when_it_is_asked_for() {
    let certificates = Certificates::of(NAMES);
    let app = app(&certificates).await;
    let to = app.app.config.complaint_address.clone();
    let mx = Mx::of(&app);
    let begin = async || {
        let mut talk = mx.talk().await;
        talk.expect("EHLO mx.test", 250).await;
        talk.expect("STARTTLS", 220).await;
        let mut talk = encrypt(talk, certificates.client()).await.expect("TLS");
        talk.expect("EHLO mx.test", 250).await;
        talk.expect("MAIL FROM:<>", 250).await;
        talk.expect(&format!("RCPT TO:<{to}>"), 250).await;
        talk
    };
    let mut smuggling = begin().await;
    smuggling.expect("DATA", 354).await;
    smuggling.put(b"Subject: hi\r\n\r\ntext\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\n").await;
    let heard = smuggling.rest().await;
    assert!(heard.starts_with("521 ") && heard.lines().count() == 1, "{heard}");
    let mut early = begin().await;
    early.put(b"DATA\r\nSubject: hi\r\n\r\n.\r\n").await;
    let heard = early.rest().await;
    assert!(heard.starts_with("554 5.5.0") && heard.lines().count() == 1, "{heard}");
}

#[tokio::test]
async fn who_asks_for_tls_wrongly_or_never_begins_it_gets_no_further() {
    let plain = TestApp::sqlite().await;
    let mut talk = Mx::of(&plain).talk().await;
    assert!(!talk.say("EHLO mx.test").await.contains("STARTTLS"), "nothing to show");
    let certificates = Certificates::of(NAMES);
    let app = app(&certificates).await;
    let limits = Limits { command: Duration::from_millis(700), ..Limits::default() };
    let mut mx = Mx::with(&app, limits);
    let mut talk = mx.talk().await;
    talk.expect("STARTTLS", 503).await;
    talk.expect("EHLO mx.test", 250).await;
    talk.expect("STARTTLS now", 501).await;
    talk.expect("STARTTLS", 220).await;
    talk.put(b"MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nQUIT\r\n").await;
    // An alert of TLS at most: no reply of SMTP.
    assert!(!talk.rest().await.contains("250"));
    let mut silent = mx.talk().await;
    silent.expect("EHLO mx.test", 250).await;
    silent.expect("STARTTLS", 220).await;
    assert!(!silent.rest().await.contains("250"), "its place is free again");
    mx.stop();
    assert_eq!(refused(&app).await["protocol"], 2);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
    let (first, second) = (Certificates::of(NAMES), Certificates::of(NAMES));
    let app = app(&first).await;
    let mx = Mx::of(&app);
    let works = async |client: ClientConfig| {
        let mut talk = mx.talk().await;
        talk.expect("EHLO mx.test", 250).await;
        talk.expect("STARTTLS", 220).await;
        encrypt(talk, client).await.is_ok()
    };
    assert!(works(first.client()).await && !works(second.client()).await);
    std::fs::write(first.path("cert.pem"), "half a file").expect("written");
    assert!(works(first.client()).await, "what was read goes on");
    for name in ["cert.pem", "key.pem"] {
        std::fs::write(first.path(name), second.read(name)).expect("written");
    }
    let deadline = Instant::now() + PATIENCE;
    while !works(second.client()).await {
        assert!(Instant::now() < deadline, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let (right, other) = (Certificates::of(NAMES), Certificates::of(NAMES));
    let app = TestApp::sqlite().await;
    let folder = TempDir::new();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("written");
    let missing = folder.path().join("missing.pem");
    for (certificate, key, option, why) in [
        (missing.clone(), right.path("key.pem"), "mx_tls_cert (CANOPY_MX_TLS_CERT)", "No such file"),
        (right.path("cert.pem"), missing, "mx_tls_key (CANOPY_MX_TLS_KEY)", "No such file"),
        (empty.clone(), right.path("key.pem"), "mx_tls_cert", "no certificate in it"),
        (right.path("cert.pem"), empty, "mx_tls_key", "no private key in it"),
        (right.path("cert.pem"), other.path("key.pem"), "mx_tls_key", "does not go with the certificate"),
    ] {
        let mut config = app.app.config.clone();
        config.mx_listen = Some("127.0.0.1:0".parse().expect("an address"));
        config.mx_tls = Some((certificate, key));
        let node = App::start(config, Clock::default(), app.app.dns.clone()).expect("a node");
        let refused = Site::bind(&node).err().expect("it does not start").to_string();
        assert!(refused.contains(option) && refused.contains(why), "{refused}");
    }
}
