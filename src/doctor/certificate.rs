//! The certificate of the public address, as a browser meets it.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::expiry::not_after;
use super::{Finding, Subject};

const NAME: &str = "certificate";
/// Renewal is most often tried a month ahead: one that ends sooner than this was not renewed.
const SOON: TimeDelta = TimeDelta::days(14);
const VERY_SOON: TimeDelta = TimeDelta::days(3);

/// Connects to the public address, where that is https.
pub async fn findings(subject: &Subject) -> Vec<Finding> {
    let url = subject.config.public_url.clone();
    let Some(place) = url.strip_prefix("https://") else { return vec![without(&url)] };
    let (host, port) = place_of(place);
    let (roots, patience, now) = (subject.means.roots.clone(), subject.means.patience, subject.now);
    let name = host.clone();
    let met = tokio::task::spawn_blocking(move || meet(&name, port, roots, patience)).await;
    let met = met.unwrap_or_else(|error| Err(io::Error::other(error)));
    let found = met.and_then(|certificate| {
        not_after(&certificate).ok_or_else(|| io::Error::other("it does not say until when it is valid"))
    });
    vec![match found {
        Ok(until) => judged(NAME, &host, until, now),
        Err(error) => {
            let advice = "See that the proxy in front serves the public address with a certificate that browsers trust, for this name, and not run out.";
            Finding::fail(NAME, format!("{host}:{port} could not be met over TLS."), advice).because(error)
        }
    }]
}

fn without(url: &str) -> Finding {
    let host = url.trim_start_matches("http://").split(['/', ':']).next().unwrap_or_default();
    if matches!(host, "localhost" | "127.0.0.1" | "[") {
        return Finding::skip(NAME, "The public address is on this machine, without TLS.");
    }
    let advice = "Put a proxy with a certificate in front, and set public_url to its https address.";
    Finding::warn(NAME, "public_url is not https: sign-ins and sessions can be read on the way.", advice)
}

/// Host and port of what follows `https://`.
fn place_of(place: &str) -> (String, u16) {
    let authority = place.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (plain(host), port.parse().unwrap_or(443)),
        _ => (plain(authority), 443),
    }
}

fn plain(host: &str) -> String {
    host.trim_matches(['[', ']']).to_owned()
}

/// What the end of a certificate's validity means, in a finding about `name`; `of` is whose it is.
pub fn judged(name: &str, of: &str, until: DateTime<Utc>, now: DateTime<Utc>) -> Finding {
    let (days, date) = ((until - now).num_days(), until.format("%Y-%m-%d"));
    let found = match until > now {
        true => format!("That of {of} is valid until {date} ({days} days)."),
        false => format!("That of {of} was valid until {date}."),
    };
    let advice = "Renew it, and see why that did not happen by itself.";
    if until - now < VERY_SOON {
        return Finding::fail(name, found, advice);
    }
    if until - now < SOON { Finding::warn(name, found, advice) } else { Finding::ok(name, found) }
}

/// The server's own certificate, once it was verified. Blocks.
fn meet(
    host: &str,
    port: u16,
    more: Vec<CertificateDer<'static>>,
    patience: Duration,
) -> io::Result<CertificateDer<'static>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(more);
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut stream = open((host, port).to_socket_addrs()?, patience)?;
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    let certificate = session.peer_certificates().and_then(|chain| chain.first()).cloned();
    session.send_close_notify();
    // It has said what we came for.
    drop(session.complete_io(&mut stream));
    certificate.ok_or_else(|| io::Error::other("it has no certificate"))
}

fn open(addresses: impl Iterator<Item = SocketAddr>, patience: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the name has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => {
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_certificate_that_ends_soon_is_told_in_time() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        for (days, verdict) in [(90, Verdict::Ok), (14, Verdict::Ok), (13, Verdict::Warn), (2, Verdict::Fail)] {
            assert_eq!(judged(NAME, "x", now + TimeDelta::days(days), now).verdict, verdict, "{days}");
        }
    }

    #[test]
    fn the_place_is_read_from_the_address() {
        for (url, host, port) in [
            ("canopy.example", "canopy.example", 443),
            ("canopy.example:8443/x", "canopy.example", 8443),
            ("[::1]:8443", "::1", 8443),
            ("[::1]", "::1", 443),
        ] {
            assert_eq!(place_of(url), (host.to_owned(), port), "{url}");
        }
    }

    #[test]
    fn an_address_without_tls_is_fine_on_this_machine_only() {
        assert_eq!(without("http://127.0.0.1:8080").verdict, Verdict::Skip);
        assert_eq!(without("http://localhost").verdict, Verdict::Skip);
        assert_eq!(without("http://canopy.test").verdict, Verdict::Warn);
    }
}
