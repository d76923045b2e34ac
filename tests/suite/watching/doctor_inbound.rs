//! What `canopy check` says of the certificate that STARTTLS shows where bounces come in.

use std::fs;

use canopy::doctor::{Verdict, examine};
use chrono::TimeDelta;

use super::doctor::{configured, expect, subject};
use crate::support::app::TestApp;
use crate::support::certificates::Certificates;

const NAME: &str = "inbound certificate";
const LISTEN: (&str, &str) = ("mx_listen", "127.0.0.1:0");

/// Looks at these two files under these options, so many days from now.
async fn look(
    app: &TestApp,
    [certificate, key]: [&str; 2],
    more: &[(&'static str, &str)],
    days: i64,
) -> Vec<canopy::doctor::Finding> {
    let files = [LISTEN, ("mx_tls_cert", certificate), ("mx_tls_key", key)];
    let mut subject = subject(app, configured(app, &[&files, more].concat()));
    subject.now += TimeDelta::days(days);
    examine(subject).await
}

#[tokio::test]
async fn the_listeners_certificate_is_judged_by_its_end_and_by_its_names() {
    let app = TestApp::sqlite().await;
    let made = Certificates::lasting("DNS:mx.canopy.test,DNS:*.bounces.test", 60);
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| made.path(name).display().to_string());
    let files = [certificate.as_str(), key.as_str()];
    let ours = [("host_name", "mx.canopy.test")];
    for (days, verdict, words) in [
        (0, Verdict::Ok, "That of the inbound listener is valid until"),
        (45, Verdict::Ok, "days"),
        (47, Verdict::Warn, "Renew it"),
        (58, Verdict::Fail, "Renew it"),
        (61, Verdict::Fail, "That of the inbound listener was valid until"),
    ] {
        expect(&look(&app, files, &ours, days).await, NAME, verdict, words);
    }
    for (host, path, verdict) in [
        ("mx.canopy.test", "bounces.elsewhere.test", Verdict::Ok),
        ("elsewhere.test", "a.bounces.test", Verdict::Ok),
        ("elsewhere.test", "bounces.test", Verdict::Warn),
        ("localhost", "a.b.bounces.test", Verdict::Warn),
    ] {
        let names = [("host_name", host), ("return_path_host", path)];
        let words = if verdict == Verdict::Ok { "valid until" } else { "It names neither" };
        expect(&look(&app, files, &names, 0).await, NAME, verdict, words);
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_say_which_and_why() {
    let app = TestApp::sqlite().await;
    let (one, other) = (Certificates::lasting("DNS:a.test", 60), Certificates::lasting("DNS:a.test", 60));
    let path = |made: &Certificates, name: &str| made.path(name).display().to_string();
    let (certificate, key) = (path(&one, "cert.pem"), path(&one, "key.pem"));
    let (missing, empty) = (path(&one, "missing.pem"), path(&one, "empty.pem"));
    fs::write(&empty, "nothing").expect("the folder can be written");
    for (files, words) in [
        ([&missing, &key], "mx_tls_cert (CANOPY_MX_TLS_CERT) cannot be used"),
        ([&empty, &key], "there is no certificate in it"),
        ([&certificate, &missing], "mx_tls_key (CANOPY_MX_TLS_KEY) cannot be used"),
        ([&certificate, &empty], "there is no private key in it"),
        ([&certificate, &path(&other, "key.pem")], "does not go with the certificate"),
    ] {
        let files = files.map(String::as_str);
        expect(&look(&app, files, &[], 0).await, NAME, Verdict::Fail, words);
    }
}

#[tokio::test]
async fn a_node_that_receives_nothing_needs_none_and_one_without_starttls_is_told() {
    let app = TestApp::sqlite().await;
    let findings = examine(subject(&app, configured(&app, &[]))).await;
    expect(&findings, NAME, Verdict::Skip, "mx_listen");
    let findings = examine(subject(&app, configured(&app, &[LISTEN]))).await;
    expect(&findings, NAME, Verdict::Warn, "STARTTLS is not offered");
}

#[tokio::test]
async fn the_certificate_that_clients_see_is_judged_by_the_name_they_connect_to() {
    const NAME: &str = "submission certificate";
    let app = TestApp::sqlite().await;
    let made = Certificates::lasting("DNS:smtp.canopy.test", 60);
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| made.path(name).display().to_string());
    let missing = made.path("missing.pem").display().to_string();
    for (key, host, verdict, words) in [
        (&key, "smtp.canopy.test", Verdict::Ok, "That of the submission listener is valid until"),
        (&key, "elsewhere.test", Verdict::Warn, "It does not name elsewhere.test (host_name)."),
        (&missing, "smtp.canopy.test", Verdict::Fail, "submission_tls_key (CANOPY_SUBMISSION_TLS_KEY) cannot be used"),
    ] {
        let options = [
            ("submission_listen", "127.0.0.1:0"),
            ("submission_tls_cert", certificate.as_str()),
            ("submission_tls_key", key.as_str()),
            ("host_name", host),
        ];
        expect(&examine(subject(&app, configured(&app, &options))).await, NAME, verdict, words);
    }
    expect(&examine(subject(&app, configured(&app, &[]))).await, NAME, Verdict::Skip, "submission_listen");
}
