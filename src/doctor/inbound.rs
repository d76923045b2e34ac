//! The certificates that STARTTLS shows where bounces come in and where clients hand in mail, as their files have them now.

use std::path::Path;

use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

use super::certificate::judged;
use super::expiry::not_after;
use super::{Finding, Subject};
use crate::smtp::Tls;

pub const NAME: &str = "inbound certificate";
pub const SUBMISSION: &str = "submission certificate";

/// Whether that of the inbound listener can be used, how long it is valid, and whether it names this node.
pub async fn findings(subject: &Subject) -> Vec<Finding> {
    let config = &subject.config;
    if config.mx_listen.is_none() {
        return vec![Finding::skip(NAME, "This node does not listen for bounces (mx_listen).")];
    }
    let Some((path, _)) = config.mx_tls.clone() else {
        let advice = "Set mx_tls_cert and mx_tls_key: bounces tell about people, and are read on the way.";
        return vec![Finding::warn(NAME, "STARTTLS is not offered where bounces come in.", advice)];
    };
    let reading = config.clone();
    let read = blocking(move || Tls::of(&reading).and_then(|_| first(&path))).await;
    let certificate = match read {
        Ok(certificate) => certificate,
        Err(why) => return vec![unusable(NAME, ["mx_tls_cert", "mx_tls_key"], why)],
    };
    let hosts = [("host_name", config.host_name.as_str()), ("return_path_host", config.platform.return_path.as_str())];
    let advice = "Have one issued for the name that the MX record of return_path_host leads to: hosts that verify it send their bounces nowhere else.";
    vec![judge(subject, NAME, "the inbound listener", &certificate, &hosts, advice)]
}

/// The same of the submission listeners: mail programs verify it against the name that their people typed.
pub async fn submission(subject: &Subject) -> Vec<Finding> {
    let config = &subject.config;
    let Some((path, _)) = config.submission_tls.clone().filter(|_| !config.submission_listen.is_empty()) else {
        return vec![Finding::skip(SUBMISSION, "Clients hand in no mail over SMTP here (submission_listen).")];
    };
    let reading = config.clone();
    let read = blocking(move || Tls::of_submission(&reading).and_then(|_| first(&path))).await;
    let certificate = match read {
        Ok(certificate) => certificate,
        Err(why) => return vec![unusable(SUBMISSION, ["submission_tls_cert", "submission_tls_key"], why)],
    };
    let hosts = [("host_name", config.host_name.as_str())];
    let advice = "Have one issued for the name that clients are told to connect to: mail programs refuse another.";
    vec![judge(subject, SUBMISSION, "the submission listener", &certificate, &hosts, advice)]
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}

fn unusable(name: &'static str, [certificate, key]: [&str; 2], why: String) -> Finding {
    let advice = format!(
        "Set {certificate} and {key} to a certificate and the key it was made for, both as PEM that the program may read."
    );
    Finding::fail(name, "It cannot be used.", advice).because(why)
}

/// The certificate itself, which comes before those that vouch for it.
fn first(path: &Path) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_file(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Its end, and where that is far, its names: those that verify go by the name they connect to.
fn judge(
    subject: &Subject,
    name: &'static str,
    whose: &str,
    certificate: &CertificateDer<'_>,
    hosts: &[(&str, &str)],
    advice: &str,
) -> Finding {
    let Some(until) = not_after(certificate) else {
        return Finding::fail(name, "It does not say until when it is valid.", "Have it issued anew.");
    };
    let ends = judged(name, whose, until, subject.now);
    if !ends.advice.is_empty() || hosts.iter().any(|(_, host)| names(certificate, host)) {
        return ends;
    }
    let said: Vec<String> = hosts.iter().map(|(option, host)| format!("{host} ({option})")).collect();
    let found = match said.as_slice() {
        [one] => format!("It does not name {one}."),
        several => format!("It names neither {}.", several.join(" nor ")),
    };
    Finding::warn(name, found, advice)
}

fn names(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let (Ok(parsed), Ok(name)) = (ParsedCertificate::try_from(certificate), ServerName::try_from(host)) else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}
