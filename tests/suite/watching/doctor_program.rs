//! `canopy check` as an operator runs it: its lines, its JSON and its exit code.

use std::process::{Command, Output};

use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::support::app::{TestApp, on_both};
use crate::support::dns_server::DnsServer;
use crate::support::temp_dir::TempDir;

/// Runs it with these variables and no others of its own.
pub fn check(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canopy"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CANOPY_")) {
        command.env_remove(name);
    }
    command.arg("check").args(args).envs(env.iter().copied()).env("RUST_LOG", "error").output().expect("it ends")
}

pub fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[tokio::test]
async fn it_says_a_line_for_each_check_and_exits_with_one_when_something_fails() {
    on_both(|app: TestApp| async move {
        let Some(dns) = DnsServer::start(&[]) else { return };
        let (folder, dns) = (app.app.config.data_dir.display().to_string(), dns.address().to_string());
        let mut env = vec![
            ("CANOPY_DATABASE_URL", app.app.config.database_url()),
            ("CANOPY_SECRET_KEY", app.app.config.secret_key.expose_secret()),
            ("CANOPY_DATA_DIR", folder.as_str()),
            ("CANOPY_DNS", dns.as_str()),
        ];
        let output = check(&[], &env);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.lines().count() >= 10, "{text}");
        let words = ["ok    ", "warn  ", "skip  "];
        assert!(text.lines().all(|line| words.iter().any(|word| line.starts_with(word))), "{text}");
        for line in ["ok    database: ", "ok    schema: ", "ok    durability: ", "ok    clock: ", "warn  return path: "]
        {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line}: {text}");
        }

        env.push(("CANOPY_DEFAULT_TRANSPORT", "smtp://user:canary-password@127.0.0.1:1"));
        let output = check(&[], &env);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("FAIL  default transport: 127.0.0.1:1 could not be used."), "{text}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("failed"));
        let output = check(&["--json"], &env);
        assert_eq!(output.status.code(), Some(1));
        let json: Value = serde_json::from_str(&said(&output)).expect("one line of JSON");
        assert_eq!(json["ok"], false);
        let failed = |one: &&Value| one["subject"] == "default transport" && one["verdict"] == "fail";
        let checks = json["checks"].as_array().expect("checks");
        assert!(
            checks.iter().find(failed).is_some_and(|one| one["advice"].as_str().is_some_and(|text| !text.is_empty()))
        );
        for text in [text, said(&output), String::from_utf8_lossy(&output.stderr).into_owned()] {
            assert!(!text.contains("canary"), "{text}");
            assert!(!text.contains(app.app.config.secret_key.expose_secret()), "{text}");
        }
    })
    .await;
}

#[test]
fn what_cannot_be_opened_is_a_finding_and_no_database_is_made_by_looking() {
    let dir = TempDir::new();
    let file = dir.path().join("none.db");
    let url = format!("sqlite://{}", file.display());
    let key = canopy::secrets::SecretKeys::generate().1;
    let env =
        [("CANOPY_DATABASE_URL", url.as_str()), ("CANOPY_SECRET_KEY", key.as_str()), ("CANOPY_DNS", "127.0.0.1:1")];
    let output = check(&[], &env);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("FAIL  database: ") && text.contains("there is no file"), "{text}");
    assert!(text.contains("FAIL  resolver: "), "{text}");
    assert!(!file.exists(), "looking makes nothing");
    let wrong = check(&[], &[("CANOPY_LISTEN", "nowhere")]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said(&wrong).starts_with("FAIL  configuration: the option listen"), "{}", said(&wrong));
}
