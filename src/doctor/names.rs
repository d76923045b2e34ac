//! The resolver, and the names of the addresses that mail comes from.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{Exit, Finding, Subject};
use crate::delivery::transport::Route;
use crate::dns::{Dns, LookupFailed};

/// Whether questions are answered at all.
pub async fn resolver(subject: &Subject) -> Vec<Finding> {
    let name = "resolver";
    let advice = "Without an answer no domain is verified, and mail straight to recipients stays here. See that the option dns (CANOPY_DNS), or this machine's own setting, names a server that answers.";
    let dns = match &subject.dns {
        Ok(dns) => dns,
        Err(why) => return vec![Finding::fail(name, "There is no resolver.", advice).because(why)],
    };
    let asked = &subject.config.platform.return_path;
    vec![match dns.mx(asked).await {
        Ok(_) => Finding::ok(name, format!("It answered for {asked}.")),
        Err(error) => Finding::fail(name, format!("It did not answer for {asked}."), advice).because(error.reason),
    }]
}

/// Every address that mail goes straight to recipients from: its name, that name's address, and the name in EHLO.
pub async fn reverse(subject: &Subject, exits: &[Exit]) -> Vec<Finding> {
    let name = "reverse DNS";
    let sources: BTreeSet<(String, Option<IpAddr>, bool)> = exits
        .iter()
        .filter_map(|exit| match &exit.route {
            Route::Direct(direct) => Some((direct.local_name.clone(), direct.source, exit.own)),
            Route::Relay(_) | Route::Mailbox => None,
        })
        .collect();
    if sources.is_empty() {
        return vec![Finding::skip(name, "No mail goes straight to recipients' servers from here.")];
    }
    let Ok(dns) = &subject.dns else { return vec![Finding::skip(name, "There is no resolver.")] };
    let mut all = Vec::new();
    for (helo, source, own) in sources {
        let found = of_source(dns, &helo, source).await.unwrap_or_else(|error| vec![unknown(name, &error)]);
        all.extend(found.into_iter().map(|finding| Finding { own, ..finding }));
    }
    all
}

fn unknown(name: &str, error: &LookupFailed) -> Finding {
    Finding::fail(name, format!("{} could not be looked up.", error.name), "See what is said of the resolver.")
        .because(&error.reason)
}

/// The source address, or where the machine chooses it the addresses of the name in EHLO.
async fn of_source(dns: &Dns, helo: &str, source: Option<IpAddr>) -> Result<Vec<Finding>, LookupFailed> {
    let of_helo = dns.addresses(helo).await?;
    if of_helo.is_empty() {
        let found = format!("{helo}, the name given in EHLO, has no address.");
        let advice = "Give it an A or AAAA record with the address that mail comes from, or set host_name (for a transport, its HELO name) to a name that has one.";
        return Ok(vec![Finding::fail("HELO", found, advice)]);
    }
    let mut all = Vec::new();
    if let Some(source) = source.filter(|source| !of_helo.contains(source)) {
        let found = format!("{helo}, the name given in EHLO, does not lead to {source}, which mail comes from.");
        all.push(Finding::warn("HELO", found, format!("Give {helo} a record with {source}, or choose another name.")));
    } else {
        all.push(Finding::ok("HELO", format!("{helo}, the name given in EHLO, leads to where mail comes from.")));
    }
    for address in source.map_or(of_helo, |source| vec![source]) {
        all.push(of_address(dns, address).await?);
    }
    Ok(all)
}

/// A name of the address that leads back to it (RFC 1912 section 2.1): large hosts refuse mail from one without.
async fn of_address(dns: &Dns, address: IpAddr) -> Result<Finding, LookupFailed> {
    let subject = "reverse DNS";
    let names = dns.names(address).await?;
    if names.is_empty() {
        let found = format!("{address} has no name (PTR).");
        let advice = "Whoever gave you the address sets it, most often in the provider's panel. Large hosts refuse mail from an address without a name.";
        return Ok(Finding::fail(subject, found, advice));
    }
    for name in &names {
        if dns.addresses(name).await?.contains(&address) {
            return Ok(Finding::ok(subject, format!("{address} is {name}, which leads back to it.")));
        }
    }
    let found = format!("{address} is {}, which does not lead back to it.", names.join(", "));
    Ok(Finding::fail(subject, found, format!("Give that name a record with {address}.")))
}
