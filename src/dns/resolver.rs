//! Asking DNS. A failure to get an answer (time-out, SERVFAIL, refused) is never "no such record": callers must tell
//! the two apart, because a domain is not taken down for one bad look-up.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use super::zone::ZoneMap;
use crate::domain::foreign;

/// CNAMEs followed in one look-up.
pub(super) const MAX_HOPS: usize = 8;

/// How long one question waits for its answer; it is asked twice.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Where DNS questions go.
#[derive(Clone)]
pub enum Dns {
    /// A real server, and no other.
    Resolver(Box<TokioResolver>),
    /// The demo's zone in this process: nothing leaves the machine.
    Zone(Arc<RwLock<ZoneMap>>),
}

/// No answer: not the same as an answer that there is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupFailed {
    pub name: String,
    pub reason: String,
}

impl Dns {
    /// Asks the server at `HOST:PORT` over UDP, and TCP for long answers.
    ///
    /// # Errors
    /// When `host_port` names no address.
    pub fn server(host_port: &str) -> io::Result<Self> {
        let first = host_port.to_socket_addrs()?.next();
        first
            .ok_or_else(|| io::Error::other(format!("{host_port} names no address")))
            .and_then(|address| Self::at(address, TIMEOUT))
    }

    /// Asks the server at `address`, at most twice, waiting `timeout` each time.
    ///
    /// # Errors
    /// When a resolver cannot be made.
    pub fn at(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = address.port();
            connection
        });
        let server = NameServerConfig::new(address.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(builder.options_mut(), timeout);
        Ok(Self::Resolver(Box::new(builder.build().map_err(io::Error::other)?)))
    }

    /// Asks the servers this machine is set up with.
    ///
    /// # Errors
    /// When the system's configuration cannot be read.
    pub fn system() -> io::Result<Self> {
        let mut builder = TokioResolver::builder_tokio().map_err(io::Error::other)?;
        set_options(builder.options_mut(), TIMEOUT);
        Ok(Self::Resolver(Box::new(builder.build().map_err(io::Error::other)?)))
    }

    /// Asks `zone` only.
    #[must_use]
    pub fn zone(zone: ZoneMap) -> Self {
        Self::Zone(Arc::new(RwLock::new(zone)))
    }

    /// TXT records at `name`, CNAMEs followed, the strings of each record joined. Empty when there is none.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn txt(&self, name: &str) -> Result<Vec<String>, LookupFailed> {
        match self {
            Self::Zone(zone) => Ok(zone.read().unwrap_or_else(PoisonError::into_inner).find_txt(name)),
            Self::Resolver(resolver) => {
                ask(resolver, name, RecordType::TXT, |data| match data {
                    RData::TXT(txt) => Some(text_of(&txt.txt_data.concat())),
                    _ => None,
                })
                .await
            }
        }
    }

    /// MX records at `name`: priority and host. Empty when there is none.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn mx(&self, name: &str) -> Result<Vec<(u16, String)>, LookupFailed> {
        match self {
            Self::Zone(zone) => Ok(zone.read().unwrap_or_else(PoisonError::into_inner).find_mx(name)),
            Self::Resolver(resolver) => {
                ask(resolver, name, RecordType::MX, |data| match data {
                    RData::MX(mx) => Some((mx.preference, canonical(&mx.exchange.to_string()))),
                    _ => None,
                })
                .await
            }
        }
    }

    /// Addresses at `name`, CNAMEs followed, IPv4 first. Empty when there is none.
    ///
    /// # Errors
    /// When no answer came to one of the two questions and the other found nothing.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupFailed> {
        match self {
            Self::Zone(zone) => Ok(zone.read().unwrap_or_else(PoisonError::into_inner).find_addresses(name)),
            Self::Resolver(resolver) => {
                let address = |data: &RData| match data {
                    RData::A(a) => Some(IpAddr::V4(a.0)),
                    RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
                    _ => None,
                };
                let (v4, v6) = futures_util::future::join(
                    ask(resolver, name, RecordType::A, address),
                    ask(resolver, name, RecordType::AAAA, address),
                )
                .await;
                match (v4, v6) {
                    (Ok(mut v4), Ok(v6)) => {
                        v4.extend(v6);
                        Ok(v4)
                    }
                    (Ok(found), Err(_)) | (Err(_), Ok(found)) if !found.is_empty() => Ok(found),
                    (Err(error), _) | (_, Err(error)) => Err(error),
                }
            }
        }
    }

    /// The names of an address (PTR, RFC 1035 section 3.5). Empty when it has none.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn names(&self, address: IpAddr) -> Result<Vec<String>, LookupFailed> {
        match self {
            Self::Zone(_) => Ok(Vec::new()),
            Self::Resolver(resolver) => {
                ask(resolver, &reverse(address), RecordType::PTR, |data| match data {
                    RData::PTR(name) => Some(canonical(&name.0.to_string())),
                    _ => None,
                })
                .await
            }
        }
    }

    /// The CNAME at `name`: where it points, one step. None when there is none.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn cname(&self, name: &str) -> Result<Option<String>, LookupFailed> {
        match self {
            Self::Zone(zone) => Ok(zone.read().unwrap_or_else(PoisonError::into_inner).find_cname(name)),
            Self::Resolver(resolver) => {
                let name = canonical(name);
                // A server that follows the alias itself sends the whole chain: the step from `name` is the first.
                let found = ask(resolver, &name, RecordType::CNAME, |data| match data {
                    RData::CNAME(target) => Some(canonical(&target.0.to_string())),
                    _ => None,
                });
                Ok(found.await?.into_iter().next())
            }
        }
    }
}

/// Where the names of an address stand (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            let parts: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", parts.join("."))
        }
    }
}

fn set_options(options: &mut ResolverOpts, timeout: Duration) {
    // A record just published must be seen at the next check.
    options.cache_size = 0;
    options.timeout = timeout;
    options.attempts = 2;
    options.use_hosts_file = ResolveHosts::Never;
}

/// What a TXT record says, fit to be stored: anything may be in it (RFC 1035, section 3.3.14).
fn text_of(data: &[u8]) -> String {
    foreign::storable(&String::from_utf8_lossy(data)).into_owned()
}

/// The answers of `kind` at `name` that `pick` takes.
async fn ask<T>(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<Vec<T>, LookupFailed> {
    let name = canonical(name);
    // The final dot: never try the name below the search domains of this machine.
    match resolver.lookup(format!("{name}."), kind).await {
        Ok(found) => Ok(found.answers().iter().filter_map(|record| pick(&record.data)).collect()),
        Err(err) if err.is_no_records_found() && !is_server_failure(&err) => Ok(Vec::new()),
        Err(err) => Err(LookupFailed { name, reason: plain_reason(&err) }),
    }
}

/// Whether "no records" came with a code that means the server could not say.
fn is_server_failure(err: &NetError) -> bool {
    use hickory_resolver::net::DnsError;
    use hickory_resolver::proto::op::ResponseCode;
    match err {
        NetError::Dns(DnsError::NoRecordsFound(none)) => {
            !matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain)
        }
        _ => false,
    }
}

fn plain_reason(err: &NetError) -> String {
    match err {
        NetError::Timeout => "the DNS server did not answer in time".to_owned(),
        NetError::NoConnections | NetError::Io(_) => "the DNS server could not be reached".to_owned(),
        other => format!("the DNS server answered with an error: {other}"),
    }
}

/// A name in lower case without its final dot.
pub(super) fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolver(_) => "Dns::Resolver",
            Self::Zone(_) => "Dns::Zone",
        })
    }
}

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "We could not look up {} just now: {}.", self.name, self.reason)
    }
}

impl std::error::Error for LookupFailed {}

#[cfg(test)]
#[path = "resolver_tests.rs"]
mod tests;
