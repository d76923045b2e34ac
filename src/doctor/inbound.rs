//! The certificate that STARTTLS shows where bounces come in, as its files have it now.

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

/// Whether it can be used, how long it is valid, and whether it names this node.
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
    let read = tokio::task::spawn_blocking(move || Tls::of(&reading).and_then(|_| first(&path))).await;
    let certificate = match read.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(certificate) => certificate,
        Err(why) => {
            let advice = "Set mx_tls_cert and mx_tls_key to a certificate and the key it was made for, both as PEM that the program may read.";
            return vec![Finding::fail(NAME, "It cannot be used.", advice).because(why)];
        }
    };
    let hosts = [config.host_name.as_str(), config.platform.return_path.as_str()];
    vec![judge(subject, &certificate, hosts)]
}

/// The certificate itself, which comes before those that vouch for it.
fn first(path: &Path) -> Result<CertificateDer<'static>, String> {
    CertificateDer::from_pem_file(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Its end, and where that is far, its names: those that verify go by the MX record's, which is this node's or the
/// return path's own.
fn judge(subject: &Subject, certificate: &CertificateDer<'_>, hosts: [&str; 2]) -> Finding {
    let Some(until) = not_after(certificate) else {
        return Finding::fail(NAME, "It does not say until when it is valid.", "Have it issued anew.");
    };
    let ends = judged(NAME, "the inbound listener", until, subject.now);
    if !ends.advice.is_empty() || hosts.iter().any(|host| names(certificate, host)) {
        return ends;
    }
    let found = format!("It names neither {} (host_name) nor {} (return_path_host).", hosts[0], hosts[1]);
    let advice = "Have one issued for the name that the MX record of return_path_host leads to: hosts that verify it send their bounces nowhere else.";
    Finding::warn(NAME, found, advice)
}

fn names(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let (Ok(parsed), Ok(name)) = (ParsedCertificate::try_from(certificate), ServerName::try_from(host)) else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}
