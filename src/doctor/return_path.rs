//! The host that bounces come back to: its MX leads here, and its SPF record lets our addresses send.

use std::net::IpAddr;

use super::{Exit, Finding, Subject, spf};
use crate::delivery::transport::Route;
use crate::dns::{Dns, LookupFailed};

/// Whether bounces find their way here.
pub async fn mx(subject: &Subject, exits: &[Exit]) -> Vec<Finding> {
    let (config, name) = (&subject.config, "return path");
    let host = &config.platform.return_path;
    if host == "example" || host.ends_with(".example") {
        return vec![not_set(host, exits)];
    }
    let Ok(dns) = &subject.dns else { return vec![Finding::skip(name, "There is no resolver.")] };
    let mut all = vec![leads_here(dns, host, &config.host_name).await.unwrap_or_else(|error| unknown(name, &error))];
    if config.mx_listen.is_none() {
        let found = "This node does not listen for bounces (mx_listen).";
        all.push(Finding::warn("mx_listen", found, "Set it on the node that the MX record leads to, for port 25."));
    }
    all
}

/// A name that nobody has is harmless only while nothing leaves this machine.
fn not_set(host: &str, exits: &[Exit]) -> Finding {
    let found = format!("return_path_host is {host}, which is nobody's name.");
    let advice = "Set it to a name of your own, with an MX record that leads here and an SPF record: most hosts refuse mail from a name that does not exist.";
    if exits.iter().all(|exit| exit.route == Route::Mailbox) {
        return Finding::warn("return path", found, advice);
    }
    Finding::fail("return path", found, advice)
}

fn unknown(name: &str, error: &LookupFailed) -> Finding {
    Finding::fail(name, format!("{} could not be looked up.", error.name), "See what is said of the resolver.")
        .because(&error.reason)
}

async fn leads_here(dns: &Dns, host: &str, ours: &str) -> Result<Finding, LookupFailed> {
    let name = "return path";
    let servers = dns.mx(host).await?;
    if servers.is_empty() {
        let found = format!("{host} has no MX record: bounces are lost.");
        return Ok(Finding::fail(name, found, format!("Publish: {host} MX 10 {ours}")));
    }
    let here = dns.addresses(ours).await?;
    let mut open = false;
    for (_, server) in &servers {
        let there = dns.addresses(server).await?;
        open |= !there.is_empty();
        if *server == ours.to_ascii_lowercase() && !there.is_empty() || there.iter().any(|at| here.contains(at)) {
            return Ok(Finding::ok(name, format!("{host} leads to {server}, which is this node.")));
        }
    }
    let listed: Vec<&str> = servers.iter().map(|(_, server)| server.as_str()).collect();
    let listed = listed.join(", ");
    if !open {
        let found = format!("{host} leads to {listed}, which has no address.");
        return Ok(Finding::fail(name, found, "Give it the address of a node with mx_listen."));
    }
    let found = format!("{host} leads to {listed}, not to {ours}.");
    Ok(Finding::warn(name, found, "That is right where another node, or a proxy before it, receives bounces."))
}

/// Whether what we send from may send for the return path.
pub async fn spf(subject: &Subject, exits: &[Exit]) -> Vec<Finding> {
    let name = "SPF";
    let host = &subject.config.platform.return_path;
    if host == "example" || host.ends_with(".example") {
        return vec![Finding::skip(name, "It is looked at once return_path_host is set.")];
    }
    let Ok(dns) = &subject.dns else { return vec![Finding::skip(name, "There is no resolver.")] };
    vec![record(dns, host, exits).await.unwrap_or_else(|error| unknown(name, &error))]
}

async fn record(dns: &Dns, host: &str, exits: &[Exit]) -> Result<Finding, LookupFailed> {
    let name = "SPF";
    let found = spf::records(dns, host).await?;
    let [record] = found.as_slice() else {
        let (found, advice) = match found.len() {
            0 => (format!("{host} has no SPF record."), format!("Publish: {host} TXT \"v=spf1 mx -all\"")),
            many => (format!("{host} has {many} SPF records: receivers then take none."), "Keep one.".to_owned()),
        };
        return Ok(Finding::fail(name, found, advice));
    };
    let mut missing = Vec::new();
    let sources = sources(dns, exits).await?;
    for source in &sources {
        if !spf::passes(dns, host, record, *source).await? {
            missing.push(source.to_string());
        }
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let found = format!("The SPF record of {host} does not let {missing} send.");
        return Ok(Finding::fail(name, found, "Add it as ip4: or ip6:, before all.").because(record));
    }
    let of = if sources.is_empty() { "is there" } else { "lets our addresses send" };
    Ok(Finding::ok(name, format!("The SPF record of {host} {of}.")))
}

/// The addresses that mail goes straight to recipients from, where they are known.
async fn sources(dns: &Dns, exits: &[Exit]) -> Result<Vec<IpAddr>, LookupFailed> {
    let mut all = Vec::new();
    for exit in exits {
        match &exit.route {
            Route::Direct(direct) => match direct.source {
                Some(source) => all.push(source),
                None => all.extend(dns.addresses(&direct.local_name).await?),
            },
            Route::Relay(_) | Route::Mailbox => {}
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}
