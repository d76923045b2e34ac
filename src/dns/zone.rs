//! A zone inside this process: the demo's DNS. It answers for what was published into it and for nothing else.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::records::{DomainSetup, RecordKind};
use super::resolver::{MAX_HOPS, canonical};

/// Names and the records that stand there.
#[derive(Debug, Default)]
pub struct ZoneMap {
    names: BTreeMap<String, Vec<Data>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Data {
    Txt(String),
    Cname(String),
    Mx(u16, String),
    Address(IpAddr),
}

impl ZoneMap {
    /// Publishes every record of `setup`.
    pub fn publish(&mut self, setup: &DomainSetup) {
        self.publish_only(setup, &RecordKind::ALL);
    }

    /// Publishes the records of the named kinds. Publishing again changes nothing.
    pub fn publish_only(&mut self, setup: &DomainSetup, kinds: &[RecordKind]) {
        for record in kinds.iter().map(|kind| setup.record(*kind)) {
            match (record.type_, record.content.split_once(' ')) {
                ("CNAME", _) => self.cname(&record.host, &record.content),
                ("MX", Some((priority, host))) => self.mx(&record.host, priority.parse().unwrap_or(0), host),
                _ => self.txt(&record.host, &record.content),
            }
        }
    }

    /// Removes everything at and below `domain`.
    pub fn remove(&mut self, domain: &str) {
        let domain = canonical(domain);
        let below = format!(".{domain}");
        self.names.retain(|name, _| *name != domain && !name.ends_with(&below));
    }

    /// Removes the records of one kind, where they stand alone at their name or share it with other types.
    pub fn remove_kind(&mut self, setup: &DomainSetup, kind: RecordKind) {
        let record = setup.record(kind);
        if let Some(data) = self.names.get_mut(&canonical(&record.host)) {
            data.retain(|data| match data {
                Data::Txt(text) => record.type_ != "TXT" || *text != record.content,
                Data::Cname(_) => record.type_ != "CNAME",
                Data::Mx(..) => record.type_ != "MX",
                Data::Address(_) => true,
            });
        }
    }

    pub fn txt(&mut self, name: &str, text: &str) {
        self.add(name, Data::Txt(text.to_owned()));
    }

    /// Takes the place of whatever stood at `name`: a CNAME stands alone (RFC 1034, section 3.6.2).
    pub fn cname(&mut self, name: &str, target: &str) {
        self.names.insert(canonical(name), vec![Data::Cname(canonical(target))]);
    }

    pub fn mx(&mut self, name: &str, priority: u16, host: &str) {
        self.add(name, Data::Mx(priority, canonical(host)));
    }

    pub fn address(&mut self, name: &str, address: IpAddr) {
        self.add(name, Data::Address(address));
    }

    fn add(&mut self, name: &str, data: Data) {
        let here = self.names.entry(canonical(name)).or_default();
        here.retain(|other| !matches!(other, Data::Cname(_)) && *other != data);
        here.push(data);
    }

    pub(super) fn find_txt(&self, name: &str) -> Vec<String> {
        self.at(name).iter().filter_map(|d| if let Data::Txt(text) = d { Some(text.clone()) } else { None }).collect()
    }

    pub(super) fn find_mx(&self, name: &str) -> Vec<(u16, String)> {
        let mx = |data: &Data| if let Data::Mx(priority, host) = data { Some((*priority, host.clone())) } else { None };
        self.at(name).iter().filter_map(mx).collect()
    }

    pub(super) fn find_addresses(&self, name: &str) -> Vec<IpAddr> {
        let address = |data: &Data| if let Data::Address(address) = data { Some(*address) } else { None };
        self.at(name).iter().filter_map(address).collect()
    }

    pub(super) fn find_cname(&self, name: &str) -> Option<String> {
        match self.names.get(&canonical(name))?.first()? {
            Data::Cname(target) => Some(target.clone()),
            _ => None,
        }
    }

    /// What stands at `name`, CNAMEs followed.
    fn at(&self, name: &str) -> &[Data] {
        let mut name = canonical(name);
        for _ in 0..MAX_HOPS {
            match self.names.get(&name).map(Vec::as_slice) {
                Some([Data::Cname(target)]) => name.clone_from(target),
                Some(data) => return data,
                None => return &[],
            }
        }
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::sample;
    use super::*;

    #[test]
    fn a_published_domain_is_found_and_a_removed_one_is_not() {
        let setup = sample();
        let mut zone = ZoneMap::default();
        zone.txt("example.com", "another domain");
        zone.publish(&setup);
        zone.publish(&setup);
        assert_eq!(zone.find_txt("SHOP.example.com."), ["v=spf1 include:spf.platform.example ~all"]);
        assert_eq!(zone.find_mx("shop.example.com"), [(10, "mx.platform.example".to_owned())]);
        assert_eq!(zone.find_cname("track.shop.example.com").as_deref(), Some("web.platform.example"));
        zone.remove_kind(&setup, RecordKind::Spf);
        assert!(zone.find_txt("shop.example.com").is_empty());
        assert_eq!(zone.find_mx("shop.example.com").len(), 1);
        zone.remove("shop.example.com");
        assert!(zone.find_mx("shop.example.com").is_empty());
        assert!(zone.find_txt("canopy._domainkey.shop.example.com").is_empty());
        assert_eq!(zone.find_txt("example.com").len(), 1);
    }

    #[test]
    fn aliases_are_followed_and_circles_end() {
        let mut zone = ZoneMap::default();
        zone.cname("a.example", "b.example");
        zone.cname("b.example", "c.example");
        zone.txt("c.example", "here");
        zone.cname("x.example", "y.example");
        zone.cname("y.example", "x.example");
        assert_eq!(zone.find_txt("a.example"), ["here"]);
        assert!(zone.find_txt("x.example").is_empty());
    }
}
