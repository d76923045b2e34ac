//! The records a domain publishes so that we may send for it. Pure: names in, records out.

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    Spf,
    Dkim,
    Dmarc,
    ReturnPath,
    Tracking,
    Subscription,
    Media,
    Mx,
}

/// The platform's own host names, to which the domains of customers point. ASCII, without a final dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformNames {
    /// Carries the SPF record of our sending hosts.
    pub spf_include: String,
    pub return_path: String,
    pub tracking: String,
    pub mx: String,
    /// Where aggregate DMARC reports should go, as an address.
    pub dmarc_rua: Option<String>,
}

/// A domain as it is set up here. Names are ASCII (punycode), lower case, without a final dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSetup {
    pub domain: String,
    pub selector: String,
    /// The `p=` tag: base64 of the public key.
    pub dkim_public: String,
    pub return_path_sub: String,
    pub tracking_sub: String,
    pub subscription_sub: String,
    pub media_sub: String,
    pub platform: PlatformNames,
}

/// One record to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: RecordKind,
    /// `TXT`, `CNAME` or `MX`.
    pub type_: &'static str,
    /// The full name the record stands at.
    pub host: String,
    pub content: String,
    /// Whether sending waits for it.
    pub required: bool,
    pub label: &'static str,
}

/// Priority of our MX record. Any other is accepted too.
pub(super) const MX_PRIORITY: u16 = 10;

impl RecordKind {
    pub const ALL: [Self; 8] = [
        Self::Spf,
        Self::Dkim,
        Self::Dmarc,
        Self::ReturnPath,
        Self::Tracking,
        Self::Subscription,
        Self::Media,
        Self::Mx,
    ];

    /// Whether sending waits for it.
    #[must_use]
    pub fn is_required(self) -> bool {
        matches!(self, Self::Spf | Self::Dkim | Self::Dmarc)
    }

    /// The name on screen.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::ReturnPath => "Return path",
            Self::Tracking => "Tracking",
            Self::Subscription => "Subscription",
            Self::Media => "Media",
            Self::Mx => "MX",
        }
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::ReturnPath => "return_path",
            Self::Tracking => "tracking",
            Self::Subscription => "subscription",
            Self::Media => "media",
            Self::Mx => "mx",
        }
    }

    fn type_(self) -> &'static str {
        match self {
            Self::Spf | Self::Dkim | Self::Dmarc => "TXT",
            Self::ReturnPath | Self::Tracking | Self::Subscription | Self::Media => "CNAME",
            Self::Mx => "MX",
        }
    }
}

impl std::str::FromStr for RecordKind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

impl DomainSetup {
    /// Everything to publish: the required records first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        RecordKind::ALL.map(|kind| self.record(kind)).into()
    }

    /// The record of one kind.
    #[must_use]
    pub fn record(&self, kind: RecordKind) -> Record {
        let (host, content) = self.host_and_content(kind);
        Record { kind, type_: kind.type_(), host, content, required: kind.is_required(), label: kind.label() }
    }

    fn host_and_content(&self, kind: RecordKind) -> (String, String) {
        let domain = &self.domain;
        let names = &self.platform;
        match kind {
            RecordKind::Spf => (domain.clone(), format!("v=spf1 include:{} ~all", names.spf_include)),
            RecordKind::Dkim => {
                (format!("{}._domainkey.{domain}", self.selector), format!("v=DKIM1; k=rsa; p={}", self.dkim_public))
            }
            RecordKind::Dmarc => {
                let reports = names.dmarc_rua.iter().map(|address| format!("; rua=mailto:{address}"));
                (format!("_dmarc.{domain}"), format!("v=DMARC1; p=none{}", reports.collect::<String>()))
            }
            RecordKind::ReturnPath => (format!("{}.{domain}", self.return_path_sub), names.return_path.clone()),
            RecordKind::Tracking => (format!("{}.{domain}", self.tracking_sub), names.tracking.clone()),
            RecordKind::Subscription => (format!("{}.{domain}", self.subscription_sub), names.tracking.clone()),
            RecordKind::Media => (format!("{}.{domain}", self.media_sub), names.tracking.clone()),
            RecordKind::Mx => (domain.clone(), format!("{MX_PRIORITY} {}", names.mx)),
        }
    }
}

#[cfg(test)]
pub(super) fn sample() -> DomainSetup {
    DomainSetup {
        domain: "shop.example.com".into(),
        selector: "canopy".into(),
        dkim_public: "MIIBIjANBg".into(),
        return_path_sub: "bounce".into(),
        tracking_sub: "track".into(),
        subscription_sub: "unsubscribe".into(),
        media_sub: "media".into(),
        platform: PlatformNames {
            spf_include: "spf.platform.example".into(),
            return_path: "return.platform.example".into(),
            tracking: "web.platform.example".into(),
            mx: "mx.platform.example".into(),
            dmarc_rua: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_records_are_required_and_five_are_optional() {
        let records = sample().records();
        let required: Vec<_> = records.iter().filter(|r| r.required).map(|r| (r.type_, r.host.as_str())).collect();
        let expected = [
            ("TXT", "shop.example.com"),
            ("TXT", "canopy._domainkey.shop.example.com"),
            ("TXT", "_dmarc.shop.example.com"),
        ];
        assert_eq!(required, expected);
        assert_eq!(records.len(), 8);
    }

    #[test]
    fn contents_are_what_a_receiver_expects() {
        let mut setup = sample();
        setup.platform.dmarc_rua = Some("dmarc@platform.example".into());
        let content = |kind| setup.record(kind).content;
        assert_eq!(content(RecordKind::Spf), "v=spf1 include:spf.platform.example ~all");
        assert_eq!(content(RecordKind::Dkim), "v=DKIM1; k=rsa; p=MIIBIjANBg");
        assert_eq!(content(RecordKind::Dmarc), "v=DMARC1; p=none; rua=mailto:dmarc@platform.example");
        assert_eq!(content(RecordKind::Mx), "10 mx.platform.example");
        assert_eq!(setup.record(RecordKind::Tracking).host, "track.shop.example.com");
    }

    #[test]
    fn every_kind_has_a_word_that_reads_back() {
        for kind in RecordKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
    }
}
