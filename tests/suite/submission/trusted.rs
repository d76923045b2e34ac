//! The listener for programs of this machine: no signing in, one account, loopback alone.

use std::process::Command;

use canopy::config::{Config, Settings};
use canopy::domain::ids::Id;

use super::door::{Door, hand_in, letter, messages_of};
use crate::support::app::{TestApp, on_both};
use crate::support::ports;
use crate::support::process::Process;

#[tokio::test]
async fn helo_is_enough_and_everything_is_of_its_account() {
    on_both(|app| async move {
        let agency = app.agency("Trusted").await;
        let client = app.client(&agency, "trusted", 0).await;
        let door = Door::trusted(&app, client.id);
        let mut talk = door.talk().await;
        talk.expect("MAIL FROM:<a@trusted.example>", 503).await;
        talk.expect("HELO mailer.test", 250).await;
        talk.expect("AUTH PLAIN AAAA", 502).await;
        talk.expect("STARTTLS", 502).await;
        let reply =
            hand_in(&mut talk, "a@trusted.example", &["you@example.org"], &letter("hello@trusted.example")).await;
        assert!(reply.starts_with("250 "), "{reply}");
        // Without From the sender of the envelope stands in, and has to be of a domain of the account as well.
        let bare = "Subject: cron\r\n\r\noutput\r\n";
        let reply = hand_in(&mut talk, "cron@trusted.example", &["you@example.org"], bare).await;
        assert!(reply.starts_with("250 "), "{reply}");
        for from in ["", "cron@elsewhere.example", "nonsense"] {
            let reply = hand_in(&mut talk, from, &["you@example.org"], bare).await;
            assert!(reply.starts_with("550 5.7.1 "), "{from}: {reply}");
        }
        let senders: Vec<String> = messages_of(&app, client.id).await.into_iter().map(|row| row.sender).collect();
        assert_eq!(senders, ["cron@trusted.example", "hello@trusted.example"]);
        let offered = talk.say("EHLO mailer.test").await;
        for word in ["PIPELINING", "SIZE 20971520", "8BITMIME", "ENHANCEDSTATUSCODES"] {
            assert!(offered.contains(word), "{offered}");
        }
        assert!(!offered.contains("AUTH") && !offered.contains("STARTTLS"), "{offered}");
    })
    .await;
}

#[test]
fn it_is_refused_on_any_address_that_others_reach() {
    let account = Id::new(chrono::DateTime::UNIX_EPOCH).to_string();
    let config = |address: &str| {
        let mut settings = Settings::default();
        settings.set("trusted_listen", address);
        settings.set("trusted_account", account.clone());
        Config::from_settings(&settings)
    };
    for address in ["127.0.0.1:2526", "[::1]:2526", "127.8.9.10:25"] {
        assert!(config(address).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:2526", "[::]:2526", "192.168.0.1:2526", "8.8.8.8:25"] {
        let refused = config(address).expect_err(address).to_string();
        assert!(refused.contains("trusted_listen") && refused.contains("loopback"), "{refused}");
    }
}

/// Postfix's load generator, as others use it: it says HELO or EHLO, reuses sessions or not, and pipelines nothing.
#[tokio::test(flavor = "multi_thread")]
async fn postfix_smtp_source_hands_in_through_the_running_program() {
    let Some(source) = ["/usr/sbin/smtp-source", "/usr/lib/postfix/sbin/smtp-source"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())
    else {
        println!("skipped: smtp-source is not installed");
        return;
    };
    let app = TestApp::sqlite().await;
    let agency = app.agency("Source").await;
    let client = app.client(&agency, "source", 0).await;
    let door = Door::trusted(&app, client.id);
    for reused in [true, false] {
        let mut command = Command::new(source);
        if reused {
            command.arg("-d");
        }
        command.args(["-s", "4", "-l", "2048", "-m", "40", "-f", "a@source.example", "-t", "b@example.org"]);
        let place = format!("inet:{}", door.address);
        let sent = tokio::task::spawn_blocking(move || command.arg(place).output()).await.expect("it ends");
        let sent = sent.expect("it starts");
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    }
    let rows = messages_of(&app, client.id).await;
    assert_eq!(rows.len(), 80);
    assert!(rows.iter().all(|row| row.sender == "a@source.example"), "{}", rows[0].sender);
}

#[tokio::test]
async fn the_program_listens_where_its_options_say_and_does_not_start_for_an_account_that_there_is_not() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("Started").await;
    let client = app.client(&agency, "started", 0).await;
    let free = ports::free();
    let options = |account: Id| {
        [
            ("CANOPY_DATABASE_URL", app.app.config.database_url().to_owned()),
            ("CANOPY_SECRET_KEY", secrecy::ExposeSecret::expose_secret(&app.app.config.secret_key).to_owned()),
            ("CANOPY_LISTEN", "127.0.0.1:0".to_owned()),
            ("CANOPY_DATA_DIR", app.app.config.data_dir.display().to_string()),
            ("CANOPY_TRUSTED_LISTEN", free.to_string()),
            ("CANOPY_TRUSTED_ACCOUNT", account.to_string()),
        ]
    };
    let start = |account: Id| {
        let options = options(account);
        let options: Vec<(&str, &str)> = options.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Process::canopy(&["serve"], &options)
    };
    let _running = start(client.id);
    let deadline = std::time::Instant::now() + super::door::PATIENCE;
    let stream = loop {
        match tokio::net::TcpStream::connect(free).await {
            Ok(stream) => break stream,
            Err(_) => assert!(std::time::Instant::now() < deadline, "it does not listen"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let mut talk = crate::returning::mx::Talk { stream };
    assert!(talk.hear().await.starts_with("220 "));
    talk.expect("HELO mailer.test", 250).await;
    let reply = hand_in(&mut talk, "", &["you@example.org"], &letter("hello@started.example")).await;
    assert!(reply.starts_with("250 "), "{reply}");
    let mut config = app.app.config.clone();
    config.trusted = Some(("127.0.0.1:0".parse().expect("an address"), Id::new(app.app.clock.now())));
    let node = canopy::app::App::start(config, canopy::clock::Clock::default(), app.app.dns.clone()).expect("a node");
    let refused = canopy::cli::serve::Site::bind(&node).err().expect("it does not start").to_string();
    assert!(refused.contains("trusted_account"), "{refused}");
}
