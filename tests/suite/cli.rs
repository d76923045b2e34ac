//! The commands of an operator, by the real program over a real database, beside a site that is running on it.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use canopy::config::Settings;
use canopy::jobs::Leader;
use canopy::models::{accounts, audit, memberships, users};
use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Binary};
use secrecy::ExposeSecret;

use crate::support::app::{On, TestApp, on_both};
use crate::support::postgres::TestPostgres;
use crate::support::temp_dir::TempDir;
use crate::support::visitor::Visitor;

const PASSWORD: &str = "a pass phrase of theirs";

/// Runs the program to its end, with these variables and no others of its own.
fn canopy(args: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_canopy"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CANOPY_")) {
        command.env_remove(name);
    }
    let pipes = command.args(args).envs(env.iter().copied()).env("RUST_LOG", "error").stdin(Stdio::piped());
    let mut child = pipes.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    // One that refuses its arguments has ended before it reads.
    let told = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    assert!(
        told.is_ok() || input.is_empty() || !child.wait().expect("its end").success(),
        "it took no input: {told:?}"
    );
    child.wait_with_output().expect("it ends")
}

/// The same over the database of `app`.
fn over(app: &TestApp, args: &[&str], input: &str) -> Output {
    let folder = app.app.config.data_dir.display().to_string();
    let env = [
        ("CANOPY_DATABASE_URL", app.app.config.database_url()),
        ("CANOPY_SECRET_KEY", app.app.config.secret_key.expose_secret()),
        ("CANOPY_PUBLIC_URL", "http://canopy.test"),
        ("CANOPY_DATA_DIR", &folder),
    ];
    canopy(args, &env, input)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it says when it succeeds.
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", said(output), String::from_utf8_lossy(&output.stderr));
    said(output)
}

/// What it complains of when it fails.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn an_added_account_has_the_owner_who_opens_the_printed_link() {
    on_both(|app| async move {
        let args = ["account", "add", "--name", "Harbor Studio", "--website", "https://harbor.example/about"];
        let text = done(&over(&app, &[&args[..], &["--owner-email", "maya@harbor.example"]].concat(), ""));
        assert!(text.starts_with("Created Harbor Studio with the id "), "{text}");
        let path = text.split("http://canopy.test").nth(1).expect("a link").trim().to_owned();
        let maya = Visitor::new(&app);
        maya.get(&path).await.shows("Harbor Studio");
        let page = maya.submit(&path, &path, &[("name", "Maya Lindqvist"), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 303, "{}", page.html);
        maya.get("/settings/profile").await.shows("Maya Lindqvist").shows("Owner");
        let account = app.read(|conn| Ok(accounts::roots(conn)?)).await.pop().expect("the account");
        assert_eq!((account.website.as_str(), account.owner_id.is_some()), ("harbor.example", true));
        assert!(text.contains(&account.id.to_string()));
        for (args, words) in [
            (["account", "add", "--name", " ", "--website", "a.example"], "The name is empty"),
            (["account", "add", "--name", "X", "--website", "nowhere"], "Enter a website"),
        ] {
            assert!(refused(&over(&app, &args, "")).contains(words), "{words}");
        }
        assert_eq!(app.read(|conn| Ok(accounts::roots(conn)?.len())).await, 1, "what was refused made nothing");
    })
    .await;
}

#[tokio::test]
async fn an_added_person_signs_in_with_the_password_that_was_read_from_standard_input() {
    on_both(|app| async move {
        let agency = app.agency("Quay").await;
        let email = "dev@quay.example";
        let args = ["user", "add", "--email", email, "--account", "Quay", "--role", "developer", "--password-stdin"];
        let text = done(&over(&app, &args, &format!("{PASSWORD}\n")));
        assert!(text.contains("Added dev@quay.example.") && !text.contains("/invite/"), "{text}");
        let dev = Visitor::new(&app);
        assert_eq!(dev.sign_in(email, PASSWORD).await.status, 303);
        dev.get("/settings/profile").await.shows("Developer").shows(email);
        let id = agency.id.to_string();
        let add = |email: &'static str, account: &str, role: &'static str, password: &str| {
            let args = ["user", "add", "--email", email, "--account", account, "--role", role, "--password-stdin"];
            refused(&over(&app, &args, password))
        };
        for (complaint, words) in [
            (add("dev@quay.example", &id, "analyst", PASSWORD), "already a member"),
            (add("two@quay.example", &id, "owner", PASSWORD), "has an owner already"),
            (add("two@quay.example", &id, "captain", PASSWORD), "is not a role"),
            (add("two@quay.example", "Nobody", "analyst", PASSWORD), "account"),
            (add("two@quay.example", "0199ffff-ffff-7fff-bfff-ffffffffffff", "analyst", PASSWORD), "account"),
            (add("two@quay.example", &id, "analyst", "short"), "at least 10"),
            (add("two", &id, "analyst", PASSWORD), "@"),
        ] {
            assert!(complaint.contains(words), "{words}: {complaint}");
        }
        let account = agency.id;
        let counted = app.read(move |conn| {
            let unknown = users::find_by_email(conn, "two@quay.example")?.is_none();
            Ok((memberships::count(conn, account)?, unknown))
        });
        assert_eq!(counted.await, (2, true), "what was refused added nobody");
    })
    .await;
}

#[tokio::test]
async fn a_changed_a_dropped_and_a_cut_audit_fail_and_the_entry_is_named() {
    on_both(|app| async move {
        let names = ["whole", "changed", "dropped", "cut", "headless"];
        let mut roots = Vec::new();
        for name in names {
            let agency = app.agency(name).await;
            for number in 0..6 {
                app.client(&agency, &format!("{name}{number}"), 0).await;
            }
            roots.push(agency.id);
        }
        let text = done(&over(&app, &["verify-audit"], ""));
        assert!(text.contains("whole (") && text.ends_with("The audit is whole.\n"), "{text}");
        let entries = app.read(|conn| Ok(audit::heads(conn)?)).await;
        let head = |name: &str| {
            let root = roots[names.iter().position(|known| *known == name).expect("a name")];
            (root, entries.iter().find(|entry| entry.root_id == root).expect("a head").seq)
        };
        let tamperings = [
            ("changed", "UPDATE audit_entries SET target = 'somebody else' WHERE seq = 3", "entry 3 was changed"),
            ("dropped", "DELETE FROM audit_entries WHERE seq = 4", "entry 4 is missing, 5 comes next"),
            ("cut", "DELETE FROM audit_entries WHERE seq > 2", "the chain ends at 2, its head says"),
            ("headless", "DELETE FROM audit_heads WHERE seq > 0", "its head is missing"),
        ];
        for (name, sql, words) in tamperings {
            let (root, last) = head(name);
            let hex = root.to_string().replace('-', "");
            let column = match app.app.config.database_url().starts_with("postgres") {
                true => format!("root_id = decode('{hex}', 'hex')"),
                false => format!("root_id = x'{hex}'"),
            };
            let sql = format!("{sql} AND {column}");
            app.write(move |conn, _| Ok(conn.batch_execute(&sql)?)).await;
            let output = over(&app, &["verify-audit"], "");
            assert!(refused(&output).contains("audit chains are broken"), "{name}");
            let text = said(&output);
            let line = text.lines().find(|line| line.contains(&root.to_string())).expect("a line for each chain");
            assert!(line.starts_with(&format!("{name} (")) && line.contains(words), "{name} of {last}: {line}");
        }
        let text = said(&over(&app, &["verify-audit"], ""));
        assert_eq!(text.matches("broken:").count(), 4, "{text}");
        assert_eq!(text.matches("entries, whole.").count(), 1, "{text}");
    })
    .await;
}

/// Says outside how the chains end, as the leader does once a day.
async fn told_outside(app: &TestApp) {
    // The leader before is given up.
    app.app.clock.step(chrono::TimeDelta::minutes(1));
    assert!(Leader::new(Arc::clone(&app.app)).round().await.expect("it keeps house"));
}

#[tokio::test]
async fn what_is_gone_together_with_its_head_is_found_by_what_was_told_outside() {
    let dir = TempDir::new();
    for on in [On::Sqlite, On::Postgres] {
        let file = dir.path().join(format!("{on:?}.heads")).display().to_string();
        let options = |settings: &mut Settings| {
            settings.set("audit_heads_file", file.clone());
            settings.set("audit_heads_mail", "true");
            settings.set("operator_address", "ops@platform.test");
        };
        let Some(app) = TestApp::start_with(on, options).await else { continue };
        let (cut, gone, kept) = (app.agency("cut").await, app.agency("gone").await, app.agency("kept").await);
        for agency in [&cut, &gone, &kept] {
            app.client(agency, &format!("first{}", agency.id), 0).await;
        }
        // Somebody keeps what the database was.
        let before = app.read(move |conn| Ok(audit::head(conn, cut.id)?)).await.expect("a head");
        app.client(&cut, "second", 0).await;
        told_outside(&app).await;
        told_outside(&app).await;
        let lines = std::fs::read_to_string(&file).expect("the file");
        assert_eq!(lines.lines().count(), 3, "once a day: {lines}");
        let mail: Vec<_> = app.outbox().await.into_iter().filter(|(reader, _)| reader == "ops@platform.test").collect();
        assert_eq!(mail.len(), 1, "{mail:?}");
        app.app.clock.step(chrono::TimeDelta::hours(25));
        told_outside(&app).await;
        assert_eq!(std::fs::read_to_string(&file).expect("the file").lines().count(), 6, "and each day");
        let against = ["verify-audit", "--against", &file];
        assert!(done(&over(&app, &against, "")).ends_with("The audit is whole.\n"));

        // It is set back: the rows, the head and its mark are what they were.
        app.write(move |conn, _| {
            let gone_too = "UPDATE accounts SET deleted_at = created_at WHERE id = $1";
            diesel::sql_query(gone_too).bind::<Binary, _>(gone.id).execute(conn)?;
            let drop = "DELETE FROM audit_entries WHERE root_id = $1 AND seq > $2";
            diesel::sql_query(drop).bind::<Binary, _>(cut.id).bind::<BigInt, _>(before.seq).execute(conn)?;
            let back = "UPDATE audit_heads SET seq = $1, hash = $2, tag = $3 WHERE root_id = $4";
            let back = diesel::sql_query(back).bind::<BigInt, _>(before.seq).bind::<Binary, _>(before.hash);
            back.bind::<Binary, _>(before.tag.expect("a mark")).bind::<Binary, _>(cut.id).execute(conn)?;
            for table in ["audit_entries", "audit_heads"] {
                let sql = format!("DELETE FROM {table} WHERE root_id = $1");
                diesel::sql_query(sql).bind::<Binary, _>(gone.id).execute(conn)?;
            }
            Ok(())
        })
        .await;
        assert!(done(&over(&app, &["verify-audit"], "")).contains("whole."), "the database alone cannot tell");
        let output = over(&app, &against, "");
        assert!(refused(&output).contains("2 of the audit chains are broken"), "{}", said(&output));
        let text = said(&output);
        assert!(text.contains(&format!("cut ({}): broken: the file knows entry", cut.id)), "{text}");
        assert!(text.contains(&format!("gone ({}): broken: the whole chain is missing", gone.id)), "{text}");
        assert!(text.contains(&format!("kept ({}): ", kept.id)) && text.contains("entries, whole."), "{text}");
        let output =
            over(&app, &["verify-audit", "--against", &app.app.config.data_dir.join("none").display().to_string()], "");
        assert!(refused(&output).contains("cannot read"));
    }
}

#[tokio::test]
async fn a_key_that_is_not_configured_is_said_and_is_no_broken_chain() {
    let app = TestApp::sqlite().await;
    let agency = app.agency("keyless").await;
    app.client(&agency, "first", 0).await;
    let url = app.app.config.database_url().to_owned();
    let other = canopy::secrets::SecretKeys::generate().1.replacen("1:", "7:", 1);
    for key in ["", other.as_str()] {
        let output = canopy(&["verify-audit"], &[("CANOPY_DATABASE_URL", &url), ("CANOPY_SECRET_KEY", key)], "");
        assert!(refused(&output).contains("1 of the audit chains cannot be verified"), "{}", said(&output));
        let text = said(&output);
        assert!(
            text.contains("cannot be verified: key version 1 is not configured") && !text.contains("broken"),
            "{text}"
        );
    }
}

#[test]
fn the_configuration_is_printed_without_its_secrets() {
    let dir = TempDir::new();
    let file = dir.path().join("canopy.toml");
    let written = "mail_from = \"Post <post@harbor.example>\"\nsystem_mail = \"smtp://u:canary-mail@mx.example:25\"\n";
    std::fs::write(&file, written).expect("written");
    let key = canopy::secrets::SecretKeys::generate().1;
    let env = [
        ("CANOPY_DATABASE_URL", "postgres://canopy:canary-database@db.example/canopy?password=canary-query"),
        ("CANOPY_SECRET_KEY", key.as_str()),
        ("CANOPY_DEFAULT_TRANSPORT", "smtp://user:canary-relay@relay.example:587"),
    ];
    let text = done(&canopy(&["config", "--config", file.to_str().expect("UTF-8")], &env, ""));
    assert!(!text.contains("canary") && !text.contains(&key), "{text}");
    for line in [
        "database_url = \"postgres://****@db.example/canopy?****\"",
        "secret_key = \"****\"",
        "default_transport = \"smtp://****@relay.example:587\"",
        "system_mail = \"smtp://****@mx.example:25\"",
        "mail_from = \"Post <post@harbor.example>\"",
        "delivery_workers = \"16\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let wrong = canopy(&["config"], &[("CANOPY_LISTEN", "nowhere")], "");
    assert!(refused(&wrong).contains("listen") && said(&wrong).contains("listen = \"nowhere\""), "{}", said(&wrong));
}

#[test]
fn migrating_twice_changes_nothing_the_second_time() {
    let dir = TempDir::new();
    let postgres = TestPostgres::empty();
    let mut urls = vec![format!("sqlite://{}", dir.path().join("new.db").display())];
    urls.extend(postgres.as_ref().map(TestPostgres::url));
    for url in urls {
        let key = canopy::secrets::SecretKeys::generate().1;
        let env = [("CANOPY_DATABASE_URL", url.as_str()), ("CANOPY_SECRET_KEY", &key)];
        let first = done(&canopy(&["migrate"], &env, ""));
        assert!(first.lines().count() > 0 && first.lines().all(|line| line.starts_with("Ran migration ")), "{first}");
        assert_eq!(done(&canopy(&["migrate"], &env, "")), "The database is up to date.\n");
        assert_eq!(done(&canopy(&["verify-audit"], &env, "")), "The audit is whole.\n");
    }
}
