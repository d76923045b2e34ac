//! Where connections may go that somebody else asks for: to public addresses, and to what the operator allows beside
//! them. Whoever may name a host must reach neither this machine nor the network behind it, however it is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::refusal::Refusal;

/// The private networks and hosts that the operator lets transports reach. Empty allows public addresses only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
}

impl Destinations {
    /// Reads networks (`10.1.0.0/16`), addresses and host names, with commas between them.
    ///
    /// # Errors
    /// A sentence that names the entry that is none of these.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut all = Self::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let address = entry.parse::<IpAddr>().map(IpNet::from);
            if let Ok(network) = entry.parse::<IpNet>().or(address) {
                all.networks.push(network.trunc());
            } else if entry.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) {
                all.hosts.push(plain(entry));
            } else {
                return Err(Refusal::new(format!("“{entry}” is neither a network, an address nor a host name.")));
            }
        }
        Ok(all)
    }

    /// Whether a connection to `ip`, which `host` was resolved to, may be opened.
    #[must_use]
    pub fn reach(&self, host: &str, ip: IpAddr) -> bool {
        self.reach_address(ip) || self.hosts.contains(&plain(host))
    }

    /// Whether a connection to `ip` may be opened whatever name led to it: a name that anybody may publish.
    #[must_use]
    pub fn reach_address(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        is_public(ip) || self.networks.iter().any(|network| network.contains(&ip))
    }

    /// Whether `host` may be written down. Addresses and this machine's own names are judged at once, other names when
    /// they are resolved.
    #[must_use]
    pub fn admit(&self, host: &str) -> bool {
        let name = plain(host);
        if let Ok(ip) = name.parse::<IpAddr>() {
            return self.reach(&name, ip);
        }
        let own = name == "localhost" || name.ends_with(".localhost");
        !own || self.hosts.contains(&name) || self.reach_address(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether the last label reads as a number, as in `127.1`, `0x7f000001` or `2130706433`: resolvers take such names for
/// IPv4 addresses (WHATWG URL, "ends in a number").
#[must_use]
pub fn ends_in_a_number(host: &str) -> bool {
    let name = plain(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether an address is of the public Internet (IANA special-purpose registries, RFC 6890).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let benchmark = a == 198 && (18..20).contains(&b);
    !(special || shared || protocol || benchmark || a == 0 || a >= 224)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let part = ip.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match part {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address within.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo, ORCHID, benchmarks (2001::/23) and documentation.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn what_is_not_the_public_internet_is_not_reached() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip(text)), "{text}");
            assert!(!Destinations::default().reach("mail.example", ip(text)), "{text}");
            assert!(!Destinations::default().admit(text), "{text}");
        }
        for text in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "193.0.0.1", "2600::1", "2a00:1450::1", "64:ff9b::101:101"]
        {
            assert!(is_public(ip(text)) && Destinations::default().admit(text), "{text}");
        }
    }

    #[test]
    fn the_operator_allows_networks_by_address_and_hosts_by_name() {
        let allowed = Destinations::parse("10.1.0.0/16, ::1, Mailhost.,relay.lan").expect("readable");
        assert!(allowed.reach("x", ip("10.1.2.3")) && allowed.reach("x", ip("::ffff:10.1.2.3")));
        assert!(
            allowed.reach("x", ip("::1"))
                && !allowed.reach("x", ip("127.0.0.1"))
                && !allowed.reach("x", ip("10.2.0.1"))
        );
        assert!(allowed.reach("MAILHOST", ip("192.168.0.7")) && allowed.reach("relay.lan.", ip("192.168.0.7")));
        assert!(!allowed.reach_address(ip("192.168.0.7")), "a published name opens nothing");
        assert!(!allowed.admit("localhost") && !allowed.admit("db.localhost") && allowed.admit("mailhost"));
        assert!(Destinations::parse("127.0.0.0/8").expect("readable").admit("LocalHost."));
        assert!(Destinations::parse("a b").is_err() && Destinations::parse("10.0.0.0/40").is_err());
    }

    #[test]
    fn names_that_resolvers_take_for_numbers_are_told() {
        for host in
            ["127.1", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "127.0.0.1", "127.0.0.1.", "a.0x1", "0"]
        {
            assert!(ends_in_a_number(host), "{host}");
        }
        for host in ["mail1", "mx1.example", "1and1.example", "0xmail", "127.0.0.1.example"] {
            assert!(!ends_in_a_number(host), "{host}");
        }
    }
}
