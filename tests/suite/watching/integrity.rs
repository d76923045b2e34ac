//! `canopy check` reads the database's files: damage is said, and ends it with 1.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;

use canopy::secrets::SecretKeys;
use secrecy::ExposeSecret as _;

use super::doctor_program::{check, said};
use crate::support::app::{On, TestApp};
use crate::support::temp_dir::TempDir;

/// A database as `canopy migrate` makes it: some hundred pages.
fn made(dir: &Path, key: &str) -> std::path::PathBuf {
    let file = dir.join("whole.db");
    let output = Command::new(env!("CARGO_BIN_EXE_canopy"))
        .arg("migrate")
        .env("CANOPY_DATABASE_URL", format!("sqlite://{}", file.display()))
        .env("CANOPY_SECRET_KEY", key)
        .output()
        .expect("it ends");
    assert!(output.status.success(), "{output:?}");
    file
}

#[test]
fn a_file_whose_middle_was_overwritten_is_said_to_be_damaged() {
    let (dir, key) = (TempDir::new(), SecretKeys::generate().1);
    let whole = made(dir.path(), &key);
    let looked = |file: &Path, args: &[&str]| {
        let url = format!("sqlite://{}", file.display());
        let env =
            [("CANOPY_DATABASE_URL", url.as_str()), ("CANOPY_SECRET_KEY", key.as_str()), ("CANOPY_DNS", "127.0.0.1:1")];
        let output = check(args, &env);
        (output.status.code(), said(&output))
    };
    for args in [[].as_slice(), &["--integrity"]] {
        let (_, text) = looked(&whole, args);
        assert!(text.contains("ok    integrity: Every page of the file was read"), "{text}");
    }
    let length = std::fs::metadata(&whole).expect("a file").len();
    for (part, args) in [(2, [].as_slice()), (2, &["--integrity"]), (4, &[]), (3, &[])] {
        let damaged = dir.path().join(format!("damaged-{part}.db"));
        std::fs::copy(&whole, &damaged).expect("copied");
        let mut file = std::fs::OpenOptions::new().write(true).open(&damaged).expect("opened");
        file.seek(SeekFrom::Start(length / part / 4096 * 4096)).expect("within the file");
        file.write_all(&[0xaa; 16 * 4096]).expect("written");
        drop(file);
        let (code, text) = looked(&damaged, args);
        assert_eq!(code, Some(1), "{text}");
        let said = ["FAIL  integrity: The database is damaged.", "FAIL  database: The database is damaged."];
        assert!(said.iter().any(|said| text.contains(said)), "{text}");
    }
}

#[tokio::test]
async fn a_server_is_asked_for_its_checksums_and_says_what_it_cannot_look_at() {
    let Some(app) = TestApp::start(On::Postgres).await else { return };
    let env = [
        ("CANOPY_DATABASE_URL", app.app.config.database_url()),
        ("CANOPY_SECRET_KEY", app.app.config.secret_key.expose_secret()),
        ("CANOPY_DNS", "127.0.0.1:1"),
    ];
    let text = said(&check(&["--integrity"], &env));
    let line = |start: &str| text.lines().any(|line| line.contains(start));
    assert!(line("  integrity: PostgreSQL keeps "), "{text}");
    assert!(line("  amcheck: "), "{text}");
    assert!(!said(&check(&[], &env)).contains("amcheck"), "only where it is asked for");
}
