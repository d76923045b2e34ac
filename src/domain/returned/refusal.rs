//! Why something that came to the inbound listener changed nothing.

/// The reasons that are counted by day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InboundRefusal {
    /// To an address that is none of ours: nothing is relayed.
    Relay,
    /// The signature of a return path, a complaint address or a mark is wrong.
    Forged,
    /// About no message of ours.
    Foreign,
    /// Said before about the same message.
    Replayed,
    /// About a message that left more than thirty days ago.
    Expired,
    /// Not a report: an automatic answer, or nothing that can be read.
    Unreadable,
    /// A report that changes nothing: delayed, delivered, not spam.
    Notice,
    /// A bare CR or LF, or something else that no mail program sends.
    Protocol,
    /// Too large, too slow, or too many.
    Limit,
}

impl InboundRefusal {
    pub const ALL: [Self; 9] = [
        Self::Relay,
        Self::Forged,
        Self::Foreign,
        Self::Replayed,
        Self::Expired,
        Self::Unreadable,
        Self::Notice,
        Self::Protocol,
        Self::Limit,
    ];

    /// The stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Forged => "forged",
            Self::Foreign => "foreign",
            Self::Replayed => "replayed",
            Self::Expired => "expired",
            Self::Unreadable => "unreadable",
            Self::Notice => "notice",
            Self::Protocol => "protocol",
            Self::Limit => "limit",
        }
    }
}
