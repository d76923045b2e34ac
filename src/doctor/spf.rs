//! Whether an SPF record (RFC 7208) lets an address send: as far as mechanisms with addresses, `a`, `mx`, `include`
//! and `redirect` say. Macros are not expanded, and `exists` and `ptr` match nothing.

use std::net::IpAddr;

use futures_util::future::{BoxFuture, FutureExt as _};
use ipnet::IpNet;

use crate::dns::{Dns, LookupFailed};

/// Look-ups that a receiver makes (section 4.6.4).
const LOOKUPS: usize = 10;

/// The SPF records at `name`: a good name has one.
pub async fn records(dns: &Dns, name: &str) -> Result<Vec<String>, LookupFailed> {
    let mut found = dns.txt(name).await?;
    found.retain(|text| text.split(' ').next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1")));
    Ok(found)
}

/// Whether the record of `domain` passes `address`.
pub async fn passes(dns: &Dns, domain: &str, record: &str, address: IpAddr) -> Result<bool, LookupFailed> {
    let mut left = LOOKUPS;
    evaluate(dns, domain.to_owned(), record.to_owned(), address, &mut left).await
}

fn evaluate<'a>(
    dns: &'a Dns,
    domain: String,
    record: String,
    address: IpAddr,
    left: &'a mut usize,
) -> BoxFuture<'a, Result<bool, LookupFailed>> {
    async move {
        let mut redirect = None;
        for term in record.split_ascii_whitespace().skip(1).map(str::to_ascii_lowercase) {
            if let Some(target) = term.strip_prefix("redirect=") {
                redirect = Some(target.to_owned());
                continue;
            }
            let mechanism = term.trim_start_matches(['+', '-', '~', '?']);
            if matches(dns, &domain, mechanism, address, left).await? {
                return Ok(!term.starts_with(['-', '~', '?']));
            }
        }
        match redirect {
            Some(target) => nested(dns, &target, address, left).await,
            None => Ok(false),
        }
    }
    .boxed()
}

async fn matches(
    dns: &Dns,
    domain: &str,
    mechanism: &str,
    address: IpAddr,
    left: &mut usize,
) -> Result<bool, LookupFailed> {
    let (name, value) = mechanism.split_once(':').unwrap_or((mechanism, domain));
    // Of a and mx with a length, as a/24, only the address itself is judged.
    let name = name.split('/').next().unwrap_or_default();
    let host = value.split('/').next().unwrap_or_default();
    Ok(match name {
        "all" => true,
        "ip4" | "ip6" => within(value, address),
        "include" => nested(dns, host, address, left).await?,
        "a" if take(left) => dns.addresses(host).await?.contains(&address),
        "mx" if take(left) => {
            for (_, exchange) in dns.mx(host).await? {
                if dns.addresses(&exchange).await?.contains(&address) {
                    return Ok(true);
                }
            }
            false
        }
        _ => false,
    })
}

async fn nested(dns: &Dns, name: &str, address: IpAddr, left: &mut usize) -> Result<bool, LookupFailed> {
    if !take(left) {
        return Ok(false);
    }
    match records(dns, name).await?.as_slice() {
        [one] => evaluate(dns, name.to_owned(), one.clone(), address, left).await,
        _ => Ok(false),
    }
}

fn take(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

fn within(text: &str, address: IpAddr) -> bool {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.is_some_and(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::ZoneMap;

    #[tokio::test]
    async fn a_record_passes_whom_it_names_and_an_include_counts_only_where_it_passes() {
        let mut zone = ZoneMap::default();
        zone.address("mail.example", IpAddr::from([192, 0, 2, 7]));
        zone.mx("example", 10, "mail.example");
        zone.txt("spf.example", "v=spf1 ip4:198.51.100.0/24 -all");
        zone.txt("loop.example", "v=spf1 include:loop.example -all");
        let dns = Dns::zone(zone);
        for (record, address, passed) in [
            ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.7", true),
            ("v=spf1 ip4:192.0.2.8 -all", "192.0.2.7", false),
            ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", true),
            ("v=spf1 a:mail.example ~all", "192.0.2.7", true),
            ("v=spf1 mx ~all", "192.0.2.7", true),
            ("v=spf1 -ip4:192.0.2.7 +all", "192.0.2.7", false),
            ("v=spf1 include:spf.example -all", "198.51.100.9", true),
            ("v=spf1 include:spf.example -all", "192.0.2.7", false),
            ("v=spf1 redirect=spf.example", "198.51.100.9", true),
            ("v=spf1 include:loop.example -all", "192.0.2.7", false),
            ("v=spf1", "192.0.2.7", false),
        ] {
            let address = address.parse().expect("an address");
            assert_eq!(passes(&dns, "example", record, address).await, Ok(passed), "{record} {address}");
        }
    }
}
