//! The source addresses from which an API key may be used, as canonical CIDR blocks.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::refusal::Refusal;

/// At most this many blocks in one list (the contract's limit).
pub const MAX_ENTRIES: usize = 100;

/// Canonical blocks in the order given. Empty means any source address.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IpAllowList(Vec<IpNet>);

impl IpAllowList {
    /// Reads CIDR blocks and bare addresses: host bits masked, mapped IPv4 unwrapped, repeated blocks dropped.
    /// A list that lets every address of a family in is refused: it would only look like a restriction.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, Refusal> {
        let mut nets: Vec<IpNet> = Vec::new();
        for entry in entries {
            let net = parse_entry(entry.as_ref())?;
            if !nets.contains(&net) {
                nets.push(net);
            }
            if nets.len() > MAX_ENTRIES {
                return Err(Refusal::new(format!("The IP allow-list is too long. List at most {MAX_ENTRIES} blocks.")));
            }
        }
        if IpNet::aggregate(&nets).iter().any(|net| net.prefix_len() == 0) {
            return Err(Refusal::new("The IP allow-list lets every address in. Leave it empty to allow any source."));
        }
        Ok(Self(nets))
    }

    /// Reads a stored list. An entry that cannot be read matches nothing, so a damaged list locks rather than opens.
    pub fn from_stored<S: AsRef<str>>(entries: &[S]) -> Self {
        let nowhere = IpNet::V4(Ipv4Net::from(Ipv4Addr::UNSPECIFIED));
        Self(entries.iter().map(|entry| parse_entry(entry.as_ref()).unwrap_or(nowhere)).collect())
    }

    /// The canonical texts, for storing and showing.
    #[must_use]
    pub fn entries(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every source that this list lets in is one that `outer` lets in too.
    #[must_use]
    pub fn is_within(&self, outer: &Self) -> bool {
        if outer.0.is_empty() {
            return true;
        }
        // Two halves may stand for a whole.
        let outer = IpNet::aggregate(&outer.0);
        !self.0.is_empty() && self.0.iter().all(|net| outer.iter().any(|outer| outer.contains(net)))
    }

    /// Whether a request from `ip` may use the key.
    #[must_use]
    pub fn permits(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.is_empty() || self.0.iter().any(|net| net.contains(&ip))
    }
}

fn parse_entry(text: &str) -> Result<IpNet, Refusal> {
    let text = text.trim();
    let net = match text.parse::<IpAddr>() {
        Ok(ip) => IpNet::from(ip),
        Err(_) => text.parse::<IpNet>().map_err(|_| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            Refusal::new(format!("“{shown}” is not an IP address or block. Use 203.0.113.7 or 203.0.113.0/24."))
        })?,
    };
    Ok(unmapped(net).trunc())
}

/// `::ffff:203.0.113.0/120` is `203.0.113.0/24`: clients on dual-stack sockets show up as either.
fn unmapped(net: IpNet) -> IpNet {
    match (net, net.addr().to_canonical()) {
        (IpNet::V6(v6), IpAddr::V4(v4)) if v6.prefix_len() >= 96 => {
            Ipv4Net::new(v4, v6.prefix_len() - 96).map_or(net, IpNet::V4)
        }
        _ => net,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn lists_become_canonical() {
        let list = IpAllowList::parse(&[
            "203.0.113.9/24",
            " 203.0.113.0/24",
            "198.51.100.7",
            "2001:DB8::1",
            "::ffff:192.0.2.1",
        ]);
        assert_eq!(
            list.expect("valid").entries(),
            ["203.0.113.0/24", "198.51.100.7/32", "2001:db8::1/128", "192.0.2.1/32"]
        );
    }

    #[test]
    fn an_empty_list_permits_any_source() {
        assert!(IpAllowList::default().permits(ip("192.0.2.1")));
        assert!(IpAllowList::parse::<&str>(&[]).expect("valid").is_empty());
    }

    #[test]
    fn mapped_addresses_count_as_ipv4() {
        let list = IpAllowList::parse(&["192.0.2.0/24"]).expect("valid");
        assert!(list.permits(ip("::ffff:192.0.2.200")));
        assert!(!list.permits(ip("::ffff:192.0.3.1")));
        assert!(!list.permits(ip("2001:db8::1")));
    }

    #[test]
    fn allowing_everything_is_refused() {
        let lists: [&[&str]; 4] = [&["0.0.0.0/0"], &["::/0"], &["::ffff:0:0/96"], &["0.0.0.0/1", "128.0.0.0/1"]];
        for list in lists {
            assert!(IpAllowList::parse(list).is_err(), "{list:?}");
        }
    }

    #[test]
    fn nonsense_and_long_lists_are_refused() {
        for text in ["", "example.com", "203.0.113.0/33", "203.0.113", "*", "203.0.113.1-9"] {
            assert!(IpAllowList::parse(&[text]).is_err(), "{text}");
        }
        let many: Vec<String> = (0..101).map(|n| format!("10.0.{n}.1")).collect();
        assert!(IpAllowList::parse(&many).is_err());
        assert!(IpAllowList::parse(&many[..100]).is_ok());
    }

    #[test]
    fn a_list_is_within_another_only_when_all_its_sources_are() {
        let list = |blocks: &[&str]| IpAllowList::parse(blocks).expect("valid");
        let office = list(&["203.0.113.0/25", "203.0.113.128/25", "2001:db8::/48"]);
        for within in [&["203.0.113.0/24"][..], &["203.0.113.7"], &["2001:db8::1", "203.0.113.200"]] {
            assert!(list(within).is_within(&office), "{within:?}");
        }
        for beyond in [&["203.0.112.0/23"][..], &["203.0.113.7", "192.0.2.1"], &["2001:db8::/32"]] {
            assert!(!list(beyond).is_within(&office), "{beyond:?}");
        }
        assert!(!IpAllowList::default().is_within(&office), "an empty list lets everybody in");
        assert!(IpAllowList::default().is_within(&IpAllowList::default()) && office.is_within(&IpAllowList::default()));
    }

    #[test]
    fn a_damaged_stored_entry_locks() {
        assert!(!IpAllowList::from_stored(&["garbage"]).permits(ip("192.0.2.1")));
    }

    proptest! {
        #[test]
        fn reading_back_changes_nothing(blocks in prop::collection::vec((any::<u32>(), 1..=32u8), 1..20)) {
            let texts: Vec<String> = blocks.iter().map(|(ip, len)| format!("{}/{len}", Ipv4Addr::from(*ip))).collect();
            if let Ok(list) = IpAllowList::parse(&texts) {
                prop_assert_eq!(IpAllowList::parse(&list.entries()), Ok(list.clone()));
                for (ip, _) in blocks {
                    prop_assert!(list.permits(IpAddr::V4(ip.into())));
                }
            }
        }
    }
}
