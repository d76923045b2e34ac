//! Which servers take a domain's mail: MX records (RFC 5321, section 5.1), or the domain's own address where there is
//! none; none at all where the domain says so (null MX, RFC 7505).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use rand::seq::SliceRandom as _;

use crate::delivery::transport::Outcome;
use crate::delivery::transport::session::refusal;
use crate::dns::{Dns, LookupFailed};
use crate::domain::destination::Destinations;

/// How long an answer is used again.
const KEPT_FOR: TimeDelta = TimeDelta::seconds(60);
/// Domains whose answers are kept; with more, those that are too old are let go.
const KEPT: usize = 10_000;
/// Servers of a domain that are looked up.
const SERVERS: usize = 8;

/// A server and the addresses it may be asked at, IPv4 first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) host: String,
    pub(super) preference: u16,
    pub(super) addresses: Vec<IpAddr>,
}

type Found = (DateTime<Utc>, Arc<Vec<Exchange>>);

pub(super) struct Exchanges {
    dns: Dns,
    allowed: Destinations,
    known: Mutex<HashMap<String, Found>>,
}

impl Exchanges {
    pub(super) fn new(dns: Dns, allowed: Destinations) -> Self {
        Self { dns, allowed, known: Mutex::default() }
    }

    /// The servers of `domain`, at least one, each with an address at least.
    pub(super) async fn find(&self, domain: &str, now: DateTime<Utc>) -> Result<Arc<Vec<Exchange>>, Outcome> {
        if let Some(known) = self.remembered(domain, now) {
            return Ok(known);
        }
        let found = Arc::new(self.look_up(domain).await?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, (at, _)| (now - *at).abs() < KEPT_FOR);
        }
        if known.len() < KEPT {
            known.insert(domain.to_owned(), (now, Arc::clone(&found)));
        }
        Ok(found)
    }

    fn remembered(&self, domain: &str, now: DateTime<Utc>) -> Option<Arc<Vec<Exchange>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, found) = known.get(domain)?;
        ((now - *at).abs() < KEPT_FOR).then(|| Arc::clone(found))
    }

    async fn look_up(&self, domain: &str) -> Result<Vec<Exchange>, Outcome> {
        let mut named = self.dns.mx(domain).await.map_err(not_now)?;
        let implicit = named.is_empty();
        if implicit {
            named = vec![(0, domain.to_owned())];
        }
        // A record that leads nowhere beside others is a mistake; alone it says that the domain takes no mail.
        named.retain(|(_, host)| !host.is_empty());
        if named.is_empty() {
            return Err(refusal(556, "5.1.10", &format!("{domain} takes no mail: it says so in DNS (null MX)")));
        }
        named.sort();
        named.truncate(SERVERS);
        let answers = join_all(named.iter().map(|(_, host)| self.dns.addresses(host))).await;
        let (mut servers, mut failed, mut closed) = (Vec::new(), None, false);
        for ((preference, host), answer) in named.into_iter().zip(answers) {
            match answer {
                Ok(mut addresses) => {
                    let all = addresses.len();
                    addresses.retain(|address| self.allowed.reach_address(*address));
                    closed |= addresses.len() < all;
                    if !addresses.is_empty() {
                        servers.push(Exchange { host, preference, addresses });
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        match (servers.is_empty(), failed) {
            (false, _) => Ok(servers),
            (true, Some(error)) => Err(not_now(error)),
            (true, None) => Err(none(domain, implicit, closed)),
        }
    }
}

/// The answer to "which servers" was that there is none to ask.
fn none(domain: &str, implicit: bool, closed: bool) -> Outcome {
    if closed {
        let text = format!("{domain} names servers on private networks or on this machine: nothing is sent there");
        return refusal(550, "5.4.4", &text);
    }
    if implicit {
        return refusal(550, "5.1.2", &format!("{domain} takes no mail: it has neither MX nor address records"));
    }
    refusal(550, "5.4.4", &format!("The mail servers that {domain} names have no address"))
}

fn not_now(error: LookupFailed) -> Outcome {
    Outcome::Unreachable { text: error.to_string() }
}

/// By preference, the lowest first; equals in any order, so that each takes its share.
pub(super) fn in_order(exchanges: &[Exchange]) -> Vec<&Exchange> {
    let mut all: Vec<&Exchange> = exchanges.iter().collect();
    all.shuffle(&mut rand::rng());
    all.sort_by_key(|one| one.preference);
    all
}
