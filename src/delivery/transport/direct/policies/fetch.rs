//! Fetches an MTA-STS policy over HTTPS (RFC 8461 section 3.3) as a stranger's word: from the address that was judged,
//! under a certificate for the policy host, without redirects, within limits of time and size.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::Means;
use crate::delivery::transport::dial::dial;
use crate::dns::Dns;
use crate::domain::destination::Destinations;
use crate::domain::mta_sts::Policy;

/// All of it together; section 3.3 allows a minute, and messages wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a policy, and of the header before it (section 3.3).
const LARGEST: usize = 64 * 1024;
const PATH: &str = "/.well-known/mta-sts.txt";

pub(super) struct Fetcher {
    dns: Dns,
    allowed: Destinations,
    /// 443, but for tests.
    port: u16,
    roots: Vec<CertificateDer<'static>>,
    /// Made when first needed: reading the system's certificates is slow.
    tls: OnceCell<Arc<ClientConfig>>,
}

impl Fetcher {
    pub(super) fn new(means: &Means) -> Self {
        let (dns, allowed, roots) = (means.dns.clone(), means.allowed.clone(), means.roots.clone());
        Self { dns, allowed, port: means.policy_port, roots, tls: OnceCell::new() }
    }

    /// The policy that `domain` publishes now; else why there is none, for the log.
    pub(super) async fn fetch(&self, domain: &str) -> Result<Policy, String> {
        let host = format!("mta-sts.{domain}");
        match timeout(PATIENCE, self.get(&host)).await {
            Ok(text) => Policy::parse(&text?),
            Err(_) => Err(format!("{host} did not answer within {} seconds", PATIENCE.as_secs())),
        }
    }

    async fn get(&self, host: &str) -> Result<String, String> {
        let stream = self.connect(host).await?;
        let mut http = hyper::client::conn::http1::Builder::new();
        let (mut sender, connection) =
            http.max_buf_size(LARGEST).handshake(TokioIo::new(stream)).await.map_err(in_words)?;
        // Ends with this function, whatever the other side does.
        let mut driven = JoinSet::new();
        driven.spawn(connection);
        let request = Request::get(PATH).header(HOST, host).header(ACCEPT, "text/plain");
        let request = request.body(Empty::<Bytes>::new()).map_err(in_words)?;
        text(sender.send_request(request).await.map_err(in_words)?).await
    }

    /// TLS to an address of `host` that may be asked, which is the one that is asked.
    async fn connect(&self, host: &str) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(in_words)?;
        let mut addresses = self.dns.addresses(host).await.map_err(in_words)?;
        if addresses.is_empty() {
            return Err(format!("{host} has no address"));
        }
        addresses.retain(|address| self.allowed.reach_address(*address));
        if addresses.is_empty() {
            return Err(format!("{host} is on a private network or on this machine"));
        }
        let addresses: Vec<SocketAddr> = addresses.iter().map(|ip| SocketAddr::new(*ip, self.port)).collect();
        let stream = dial(&addresses, None).await.map_err(in_words)?;
        TlsConnector::from(self.tls().await).connect(name, stream).await.map_err(in_words)
    }

    async fn tls(&self) -> Arc<ClientConfig> {
        let made = self.tls.get_or_init(|| async {
            let mut trusted = RootCertStore::empty();
            // Without the system's certificates nobody is believed, and no policy is found.
            let system = spawn_blocking(rustls_native_certs::load_native_certs).await;
            trusted.add_parsable_certificates(system.map(|found| found.certs).unwrap_or_default());
            trusted.add_parsable_certificates(self.roots.iter().cloned());
            Arc::new(ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth())
        });
        Arc::clone(made.await)
    }
}

/// The body of an answer that is a policy: 200, plain text, not too large.
async fn text(response: Response<Incoming>) -> Result<String, String> {
    if response.status() != StatusCode::OK {
        return Err(format!("its host answered {}", response.status()));
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("text/plain") {
        return Err(format!("it is {kind:?} and not text/plain"));
    }
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    let body = body.map_err(|error| format!("it could not be read to its end ({error})"))?;
    String::from_utf8(body.to_bytes().to_vec()).map_err(in_words)
}

fn in_words(error: impl Display) -> String {
    error.to_string()
}
