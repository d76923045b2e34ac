//! Whose request it is behind proxies: what the one header that the operator named says of the way, read from its end,
//! where our own proxies write. What stands further to the front anybody can send.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The header in which our proxies name whom they speak for. No other is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses with commas between them.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedHeader {
    /// As the option names it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::XForwardedFor, Self::Forwarded].into_iter().find(|header| header.name().eq_ignore_ascii_case(text))
    }

    /// The header's name, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// Whom a request of `peer` comes from: the peer, or, where that is a trusted proxy, the nearest address on the way
    /// that is not one. `lines` are the header's lines in their order: they are one list (RFC 9110 section 5.3). An
    /// entry that names no address (`unknown`, `_hidden`, nonsense) ends the walk at the last trusted one.
    #[must_use]
    pub fn client<S: AsRef<str>>(self, peer: IpAddr, lines: &[S], trusted: &[IpNet]) -> IpAddr {
        let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(&ip));
        let mut client = peer.to_canonical();
        let hops = lines.iter().rev().flat_map(|line| parts_from_the_end(line.as_ref(), ','));
        for hop in hops.map(str::trim).filter(|hop| !hop.is_empty()) {
            if !is_trusted(client) {
                break;
            }
            let Some(ip) = self.address(hop) else { break };
            client = ip.to_canonical();
        }
        client
    }

    /// The address that an entry names.
    fn address(self, hop: &str) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(hop),
            Self::Forwarded => {
                let mut named = parts_from_the_end(hop, ';').filter_map(|pair| pair.trim().split_once('='));
                let (_, value) = named.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
                let twice = named.any(|(name, _)| name.eq_ignore_ascii_case("for"));
                if twice { None } else { node(&unquoted(value)?) }
            }
        }
    }
}

/// The parts of `text` between separators outside of quotes, the last one first. Read from the end, so that a quote that
/// a stranger opened at the front and never closed swallows nothing of what our proxy wrote behind it.
fn parts_from_the_end(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let left = rest?;
        let mut quoted = false;
        for (at, letter) in left.char_indices().rev() {
            if letter == '"' && !is_escaped(&left[..at]) {
                quoted = !quoted;
            } else if letter == separator && !quoted {
                rest = Some(&left[..at]);
                return Some(&left[at + letter.len_utf8()..]);
            }
        }
        rest = None;
        Some(left)
    })
}

/// Whether what follows `before` is escaped by a backslash.
fn is_escaped(before: &str) -> bool {
    before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// A value, out of its quotes where it has some; none where they do not fit.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return (!value.contains('"')).then(|| value.to_owned()) };
    let inner = inner.strip_suffix('"').filter(|inner| !is_escaped(inner))?;
    let mut letters = inner.chars();
    let mut text = String::with_capacity(inner.len());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(letters.next()?),
            '"' => return None,
            letter => text.push(letter),
        }
    }
    Some(text)
}

/// An address, with or without brackets and a port (RFC 7239 section 6). A port may be hidden, too.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip);
    }
    if let Ok(both) = text.parse::<SocketAddr>() {
        return Some(both.ip());
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => (text, ""),
    };
    let bracketed = text.starts_with('[');
    let (host, port) = if bracketed { (host, port) } else { host.split_once(':')? };
    let port = if bracketed { port.strip_prefix(':').unwrap_or(port) } else { port };
    let hidden = port.strip_prefix('_').is_some_and(|name| !name.is_empty() && name.bytes().all(is_of_a_name));
    let right = hidden || (bracketed && port.is_empty() && text.ends_with(']'));
    let ip: IpAddr = host.parse().ok()?;
    (right && bracketed == ip.is_ipv6()).then_some(ip)
}

const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn client(header: ForwardedHeader, lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
        header.client(ip("10.0.0.8"), lines, &trusted).to_string()
    }

    #[test]
    fn a_peer_that_is_no_trusted_proxy_speaks_for_nobody_else() {
        for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
            let lines = ["198.51.100.1", "for=198.51.100.1"];
            assert_eq!(header.client(ip("203.0.113.9"), &lines, &[]), ip("203.0.113.9"));
            assert_eq!(header.client(ip("::ffff:203.0.113.9"), &lines, &[]), ip("203.0.113.9"));
        }
    }

    #[test]
    fn the_nearest_hop_that_is_no_proxy_is_the_client_whatever_stands_before_it_in_its_line_or_another() {
        let plain = |lines: &[&str]| client(ForwardedHeader::XForwardedFor, lines);
        for lines in [
            &["198.51.100.1"][..],
            &["1.1.1.1, 198.51.100.1, 10.0.0.7"],
            &["1.1.1.1", "198.51.100.1"],
            &["1.1.1.1, 10.0.0.1", "198.51.100.1, 10.0.0.7", "10.0.0.9"],
            &["\"1.1.1.1", "198.51.100.1"],
            &["unknown", "198.51.100.1:4711"],
            &["198.51.100.1", "", " , "],
        ] {
            assert_eq!(plain(lines), "198.51.100.1", "{lines:?}");
        }
        assert_eq!(plain(&[]), "10.0.0.8");
        assert_eq!(plain(&["1.1.1.1, [2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(plain(&["1.1.1.1, 2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn forwarded_is_read_with_its_quotes_ports_and_brackets() {
        let read = |lines: &[&str]| client(ForwardedHeader::Forwarded, lines);
        for lines in [
            &["for=198.51.100.1"][..],
            &["for=192.0.2.1, For=198.51.100.1;proto=https;by=10.0.0.8"],
            &["by=\"a,b;for=192.0.2.1\";for=\"198.51.100.1:4711\""],
            &["for=192.0.2.1", "proto=http;for=198.51.100.1, for=\"[fd00::7]:80\""],
            &["for=\"198.51.100.1:_port\", for=10.0.0.7"],
            // Whatever a stranger leaves open swallows nothing of what follows.
            &["for=\"192.0.2.1, for=198.51.100.1"],
            &["for=\"192.0.2.1\\", "for=198.51.100.1"],
            &["for=\"\\\"192.0.2.1, for=198.51.100.1"],
        ] {
            assert_eq!(read(lines), "198.51.100.1", "{lines:?}");
        }
        for lines in [&["for=\"[2001:DB8::1]\""][..], &["for=\"[2001:db8::1]:4711\""], &["for=\"\\[2001:db8::1]:_p\""]]
        {
            assert_eq!(read(lines), "2001:db8::1", "{lines:?}");
        }
    }

    #[test]
    fn who_is_hidden_ends_the_walk_at_the_last_trusted_address() {
        for hidden in
            ["unknown", "_hidden", "_SEVKISEK", "nonsense", "198.51.100.1:x", "198.51.100.1:99999", "[198.51.100.1]"]
        {
            let lines = [format!("192.0.2.1, {hidden}, 10.0.0.7")];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(client(ForwardedHeader::XForwardedFor, &lines), "10.0.0.7", "{hidden}");
            let lines = [format!("for=192.0.2.1, for=\"{hidden}\", for=10.0.0.7")];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(client(ForwardedHeader::Forwarded, &lines), "10.0.0.7", "{hidden}");
        }
        for odd in ["by=192.0.2.9", "for=192.0.2.9;for=192.0.2.1", "for=\"192.0.2.9\"x", "192.0.2.9"] {
            assert_eq!(client(ForwardedHeader::Forwarded, &[odd]), "10.0.0.8", "{odd}");
        }
    }
}
