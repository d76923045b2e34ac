//! The checks of `canopy check` against real peers, each in order and not: database, clock, disk, key, relays,
//! certificate.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use canopy::actions::choose_transport::choose_transport;
use canopy::actions::create_transport::create_transport;
use canopy::actions::transport_changes::TransportChanges;
use canopy::config::{Config, Settings};
use canopy::dns::{Dns, ZoneMap};
use canopy::doctor::{Finding, Means, Space, Subject, Verdict, Whose, examine};
use canopy::domain::text::TransportName;
use canopy::domain::transport::{RelayHost, Tls, TransportKind};
use canopy::models::Db;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;

use crate::support::app::{On, TestApp, on_both};
use crate::support::process::Process;
use crate::support::smtp_sink::SmtpSink;
use crate::support::temp_dir::TempDir;

/// The configuration of `app` with these options beside it.
pub fn configured(app: &TestApp, pairs: &[(&'static str, &str)]) -> Config {
    let mut settings = Settings::default();
    settings.set("database_url", app.app.config.database_url());
    settings.set("data_dir", app.app.config.data_dir.display().to_string());
    settings.set("secret_key", app.app.config.secret_key.expose_secret());
    for (key, value) in pairs {
        settings.set(key, *value);
    }
    Config::from_settings(&settings).expect("the options are right")
}

/// What is looked at: the database of `app` under this configuration.
pub fn subject(app: &TestApp, config: Config) -> Subject {
    let dns = match config.dns {
        Some(address) => Dns::at(address, std::time::Duration::from_secs(5)).expect("a resolver"),
        None => Dns::zone(ZoneMap::default()),
    };
    Subject {
        config,
        db: Ok(Arc::clone(&app.app.db)),
        dns: Ok(dns),
        now: app.app.clock.now(),
        whose: Whose::Everybody,
        probe_domain: None,
        integrity: None,
        // Machines of the tests are slow, and their disks may be nearly full; what is refused is refused at once.
        means: Means { patience: std::time::Duration::from_secs(20), space: roomy, ..Means::default() },
    }
}

/// A disk with room, for a folder that is there.
fn roomy(folder: &Path) -> io::Result<Space> {
    std::fs::metadata(folder).map(|_| Space { free: 90 << 30, total: 100 << 30 })
}

/// The one finding about `name`.
pub fn about<'a>(findings: &'a [Finding], name: &str) -> &'a Finding {
    let mut found = findings.iter().filter(|finding| finding.subject == name);
    let one = found.next().unwrap_or_else(|| panic!("nothing of {name} in {findings:?}"));
    assert_eq!(found.next(), None, "{name} twice");
    one
}

/// Fails unless `name` was found to be so, with these words.
pub fn expect(findings: &[Finding], name: &str, verdict: Verdict, words: &str) {
    let finding = about(findings, name);
    assert_eq!(finding.verdict, verdict, "{finding:?}");
    let said = format!("{} {} {}", finding.found, finding.advice, finding.detail);
    assert!(said.contains(words), "{words}: {finding:?}");
    assert_eq!(finding.advice.is_empty(), matches!(verdict, Verdict::Ok | Verdict::Skip), "what to do: {finding:?}");
}

#[tokio::test]
async fn a_database_in_order_is_found_to_be_so_and_one_that_is_not_says_why() {
    on_both(|app| async move {
        let config = configured(&app, &[]);
        let findings = examine(subject(&app, config.clone())).await;
        for (name, words) in [("database", "answers"), ("schema", "of this version"), ("clock", ""), ("disk", "free")] {
            expect(&findings, name, Verdict::Ok, words);
        }
        expect(&findings, "secret key", Verdict::Ok, "256 bits");
        let postgres = config.database_url().starts_with("postgres");
        let words = if postgres {
            "fsync on, full_page_writes on, synchronous_commit on"
        } else {
            "journal_mode wal, synchronous 2"
        };
        expect(&findings, "durability", Verdict::Ok, words);

        let gone = Subject { db: Err("connection refused".into()), ..subject(&app, config.clone()) };
        let findings = examine(gone).await;
        expect(&findings, "database", Verdict::Fail, "connection refused");
        expect(&findings, "transports", Verdict::Skip, "before the database");

        // A message from later than now: the clock was set back.
        let agency = app.agency("Clock").await;
        let client = app.client(&agency, "clock", 0).await;
        let before = app.app.clock.now();
        app.app.clock.step(TimeDelta::hours(1));
        app.accept(&client, &["ann@receiver.example"]).await.expect("accepted");
        let findings = examine(Subject { now: before, ..subject(&app, config.clone()) }).await;
        expect(&findings, "clock", Verdict::Fail, "s behind a message");

        app.write(|conn, _| Ok(conn.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '%70'")?))
            .await;
        expect(&examine(subject(&app, config.clone())).await, "schema", Verdict::Fail, "1 migration has not run");
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
        app.write(move |conn, _| Ok(conn.batch_execute(newer)?)).await;
        expect(&examine(subject(&app, config)).await, "schema", Verdict::Fail, "newer version: it has 99990101000000");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_told_not_to_wait_for_the_disk_is_warned_of() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let config = configured(&app, &[]);
    let name = config.database_url().rsplit_once('/').expect("a name").1.to_owned();
    let lax = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    app.write(move |conn, _| Ok(conn.batch_execute(&lax)?)).await;
    let db = Arc::new(Db::open(config.database_url(), 1).expect("it opens"));
    let findings = examine(Subject { db: Ok(db), ..subject(&app, config) }).await;
    expect(&findings, "durability", Verdict::Warn, "synchronous_commit is off for this database");
}

fn nearly_full(_: &Path) -> io::Result<Space> {
    Ok(Space { free: 5 << 30, total: 100 << 30 })
}

fn full(_: &Path) -> io::Result<Space> {
    Ok(Space { free: 1 << 20, total: 100 << 30 })
}

#[tokio::test]
async fn little_room_on_the_disk_is_warned_of_and_none_fails() {
    let app = TestApp::sqlite().await;
    let config = configured(&app, &[]);
    for (space, verdict) in [(nearly_full as fn(&Path) -> io::Result<Space>, Verdict::Warn), (full, Verdict::Fail)] {
        let mut subject = subject(&app, config.clone());
        subject.means.space = space;
        expect(&examine(subject).await, "disk", verdict, "Make room");
    }
    let nowhere = configured(&app, &[("data_dir", "/no/such/folder")]);
    let findings = examine(subject(&app, nowhere)).await;
    let disk: Vec<&Finding> = findings.iter().filter(|finding| finding.subject == "disk").collect();
    assert_eq!(disk.iter().map(|one| one.verdict).collect::<Vec<_>>(), [Verdict::Warn, Verdict::Ok], "{disk:?}");
}

#[tokio::test]
async fn a_key_that_is_missing_typed_or_the_demos_fails_and_is_never_shown() {
    let app = TestApp::sqlite().await;
    let typed = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (key, words) in [("", "cannot be used"), ("1:c2hvcnQ=", "cannot be used"), (typed, "not random")] {
        let findings = examine(subject(&app, configured(&app, &[("secret_key", key)]))).await;
        expect(&findings, "secret key", Verdict::Fail, words);
        assert!(key.is_empty() || !format!("{findings:?}").contains(&key[2..]), "{findings:?}");
    }
    let config = configured(&app, &[]);
    let kept = format!("{{\"secret_key\":\"{}\"}}", config.secret_key.expose_secret());
    std::fs::create_dir_all(config.data_dir.join("demo")).expect("a folder");
    std::fs::write(config.data_dir.join("demo/sign-ins.json"), kept).expect("written");
    expect(&examine(subject(&app, config)).await, "secret key", Verdict::Fail, "of the demo");
}

#[tokio::test]
async fn every_relay_is_signed_in_at_and_one_that_refuses_or_is_gone_fails() {
    let app = TestApp::sqlite().await;
    let Some(sink) = SmtpSink::with_login("user", "right-password") else { return };
    let url = |password: &str, port: u16| format!("smtp://user:{password}@127.0.0.1:{port}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let (right, wrong) = (url("right-password", sink.port()), url("canary-wrong", sink.port()));
    for (default, system) in [(&right, &wrong), (&wrong, &right)] {
        let config = configured(&app, &[("default_transport", default), ("system_mail", system)]);
        let findings = examine(subject(&app, config)).await;
        for (name, url) in [("default transport", default), ("system mail", system)] {
            let (verdict, words) =
                if *url == right { (Verdict::Ok, "took our sign-in") } else { (Verdict::Fail, "refused our sign-in") };
            expect(&findings, name, verdict, words);
        }
        assert!(!format!("{findings:?}").contains("canary"), "{findings:?}");
    }
    let config = configured(&app, &[("default_transport", &url("x", closed))]);
    expect(&examine(subject(&app, config)).await, "default transport", Verdict::Fail, "could not be used");

    let agency = app.agency("Relay").await;
    let services = Arc::clone(&app.app.services);
    let changes = TransportChanges {
        name: Some(TransportName::parse("Ours").expect("a name")),
        kind: Some(TransportKind::Relay),
        host: Some(RelayHost::parse("127.0.0.1").expect("a host")),
        port: Some(closed),
        tls: Some(Tls::None),
        ..TransportChanges::default()
    };
    app.write(move |conn, cx| {
        let row = create_transport(conn, cx, &services, agency.id, &changes)?;
        choose_transport(conn, cx, agency.id, agency.id, Some(row.id))
    })
    .await;
    // Without transport_allow this machine is out of bounds for what an account set up.
    expect(&examine(subject(&app, configured(&app, &[]))).await, "transport Ours", Verdict::Fail, "does not allow");
    let allowed = configured(&app, &[("transport_allow", "127.0.0.0/8")]);
    expect(&examine(subject(&app, allowed.clone())).await, "transport Ours", Verdict::Fail, "could not be used");
    let other = app.agency("Other").await;
    let findings = examine(Subject { whose: Whose::Parent(other.id), ..subject(&app, allowed) }).await;
    assert!(!findings.iter().any(|finding| finding.subject.contains("Ours")), "another agency's: {findings:?}");
    assert_eq!(sink.messages().len(), 0, "nothing was sent");
}

/// A TLS server with a certificate of its own for 127.0.0.1, valid for so many days.
fn tls_server(folder: &TempDir, days: &str) -> (Process, u16, CertificateDer<'static>) {
    let settings = "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=check\n[ext]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n";
    std::fs::write(folder.path().join("openssl.cnf"), settings).expect("written");
    let command = format!(
        "req -x509 -days {days} -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -config openssl.cnf"
    );
    let made = Command::new("openssl").args(command.split_whitespace()).current_dir(folder.path()).output();
    assert!(made.expect("openssl is there").status.success());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let (at, cert, key) = (format!("127.0.0.1:{port}"), file("cert.pem"), file("key.pem"));
    let args = ["s_server", "-accept", &at, "-cert", &cert, "-key", &key, "-quiet"];
    let process = Process::spawn("openssl", &args, &[]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while std::net::TcpStream::connect(&at).is_err() {
        assert!(std::time::Instant::now() < deadline, "openssl does not listen");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    (process, port, CertificateDer::from_pem_file(&cert).expect("a certificate"))
}

#[tokio::test]
async fn the_certificate_of_the_public_address_is_met_as_a_browser_meets_it() {
    let app = TestApp::sqlite().await;
    for (days, verdict) in [("60", Verdict::Ok), ("7", Verdict::Warn), ("1", Verdict::Fail)] {
        let folder = TempDir::new();
        let (_server, port, root) = tls_server(&folder, days);
        let config = configured(&app, &[("public_url", &format!("https://127.0.0.1:{port}"))]);
        let mut trusting = subject(&app, config.clone());
        trusting.means.roots = vec![root];
        expect(&examine(trusting.clone()).await, "certificate", verdict, "is valid until");
        if verdict == Verdict::Ok {
            expect(&examine(subject(&app, config)).await, "certificate", Verdict::Fail, "UnknownIssuer");
            trusting.config = configured(&app, &[("public_url", &format!("https://localhost:{port}"))]);
            expect(&examine(trusting).await, "certificate", Verdict::Fail, "could not be met");
        }
    }
    let plain = configured(&app, &[("public_url", "http://canopy.test")]);
    expect(&examine(subject(&app, plain)).await, "certificate", Verdict::Warn, "not https");
}
