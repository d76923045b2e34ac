//! The ways out: a relay takes our sign-in, and port 25 of others can be reached.

use std::net::SocketAddr;

use futures_util::future::join_all;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Exit, Finding, Subject};
use crate::delivery::transport::relay::{Relay, Timeouts};
use crate::delivery::transport::{RelayConfig, Route};

/// Signs in at every relay, as for a message, and leaves again.
pub async fn relays(subject: &Subject, exits: &[Exit]) -> Vec<Finding> {
    let (patience, config) = (subject.means.patience, &subject.config);
    let timeouts = Timeouts { connect: patience, command: patience, data: patience };
    let relay = Relay::with_roots(timeouts, subject.means.roots.clone()).reaching(config.destinations.clone());
    let signing_in = exits.iter().filter_map(|exit| match &exit.route {
        Route::Relay(to) => Some(one(&relay, exit, to)),
        Route::Direct(_) | Route::Mailbox => None,
    });
    join_all(signing_in).await
}

async fn one(relay: &Relay, exit: &Exit, to: &RelayConfig) -> Finding {
    let (name, place) = (&exit.name, format!("{}:{}", to.host, to.port));
    let finding = match (relay.sign_in(to).await, &to.auth) {
        (Ok(()), Some(_)) => Finding::ok(name, format!("{place} took our sign-in.")),
        (Ok(()), None) => Finding::ok(name, format!("{place} takes our connections, without a sign-in.")),
        (Err(why), _) => {
            let advice = "See that its host, port, encryption, user and password are right, and that no firewall stands between. Until then what leaves by it waits.";
            Finding::fail(name, format!("{place} could not be used."), advice).because(why)
        }
    };
    Finding { own: exit.own, ..finding }
}

/// Whether others' mail servers can be reached: many providers close port 25.
pub async fn port_25(subject: &Subject, exits: &[Exit]) -> Vec<Finding> {
    let name = "port 25";
    if !exits.iter().any(|exit| matches!(exit.route, Route::Direct(_))) {
        return vec![Finding::skip(name, "No mail goes straight to recipients' servers from here.")];
    }
    let Some(domain) = &subject.probe_domain else {
        let how = "It was not tried: `canopy check --probe-domain DOMAIN` connects to that domain's mail server.";
        return vec![Finding::skip(name, how)];
    };
    let advice = "Ask your provider to open port 25 outwards, or send through a relay.";
    vec![match probe(subject, domain).await {
        Ok(place) => Finding::ok(name, format!("{place} greeted us.")),
        Err(why) => Finding::fail(name, format!("No mail server of {domain} could be reached."), advice).because(why),
    }]
}

/// Connects to the servers of `domain` in turn until one says its greeting.
async fn probe(subject: &Subject, domain: &str) -> Result<String, String> {
    let dns = subject.dns.as_ref().map_err(Clone::clone)?;
    let mut servers = dns.mx(domain).await.map_err(|error| error.to_string())?;
    servers.sort();
    let mut why = format!("{domain} names no mail server");
    for (_, server) in servers {
        for address in dns.addresses(&server).await.map_err(|error| error.to_string())? {
            if !subject.config.destinations.reach_address(address) {
                why = format!("{server} is on a private network or this machine, which transport_allow does not name");
                continue;
            }
            let at = SocketAddr::new(address, subject.config.direct_port);
            match timeout(subject.means.patience, greeting(at)).await {
                Ok(Ok(())) => return Ok(format!("{server} [{address}]")),
                Ok(Err(error)) => why = format!("{server} [{address}]: {error}"),
                Err(_) => why = format!("{server} [{address}] did not answer in time"),
            }
        }
    }
    Err(why)
}

async fn greeting(at: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(at).await?;
    let mut code = [0; 3];
    stream.read_exact(&mut code).await?;
    if &code == b"220" { Ok(()) } else { Err(std::io::Error::other("it does not greet as a mail server")) }
}
