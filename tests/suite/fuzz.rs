//! The API against its own document, by a fuzzer that others wrote: no error of ours, no answer that the document does
//! not know, what it calls valid is taken, and what it calls invalid is refused. Two things are passed over by design,
//! and only they: fields and query parameters that nobody knows, and blank query parameters, which count as absent.
//! What no schema can say (a date in the past, a name that is taken) is listed with its reason in the fuzzer's hooks.

use std::process::Command;

use crate::support::app::TestApp;
use crate::support::environment::{helper_script, need, tool};
use crate::support::temp_dir::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_everything_as_its_document_says() {
    let found = tool("CANOPY_TEST_SCHEMATHESIS", &["target/test-venv/bin/schemathesis"]);
    let Some(program) = need("schemathesis", found) else { return };
    let app = TestApp::sqlite().await;
    let agency = app.agency("Fuzz").await;
    app.client(&agency, "fuzzed", 0).await;
    app.verified_domain(agency.id, "agency.example").await;
    let dir = TempDir::new();
    let config = dir.path().join("schemathesis.toml");
    let hooks = helper_script("schemathesis_hooks.py");
    // NUL is refused wherever it stands, which the document says of few fields; `hostile` sends it to all of them.
    let settings = format!(
        "hooks = {hooks:?}\n[generation]\nallow-x00 = false\n[parameters]\n\"path.account_id\" = \"{}\"\n",
        agency.id
    );
    std::fs::write(&config, settings).expect("written");
    let mut command = Command::new(program);
    command
        .current_dir(dir.path())
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{}/v2/openapi.json", app.url), "--url", &app.url])
        .args(["--header", &format!("Authorization: Bearer {}", agency.key)])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "4", "--seed", "1", "--continue-on-failure"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let counted =
        |line: &str| line.trim().split_once(" generated").and_then(|(number, _)| number.parse::<usize>().ok());
    let count = text.lines().find_map(counted).unwrap_or(0);
    println!("fuzzed: {count} cases");
    assert!(count > 300, "too few cases were tried: {text}");
    println!("{}", String::from_utf8_lossy(&output.stderr));
    // A key or a domain that was lost on the way would have made every later answer an easy one.
    assert_eq!(app.call("GET", "/v2/ping", &agency.key, None).await.0, 200, "the key is still good");
    let own = format!("/v2/accounts/{}/domains/agency.example", agency.id);
    assert_eq!(app.call("GET", &own, &agency.key, None).await.0, 200, "the domain is still there");
}
