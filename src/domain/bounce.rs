//! What a remote host's answer means for the message and for the address: RFC 5321 reply code, RFC 3463 enhanced
//! status where there is one, and the words, which hosts use more faithfully than either.

mod words;

use super::refusal::Refusal;

/// What becomes of a delivery attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// Try again by the schedule.
    Deferred,
    /// Refused for good. `hard` means that the address itself is bad, so that it is suppressed.
    Bounced {
        hard: bool,
        classification: Classification,
    },
    /// Refused for a reason that lies with us, not with the recipient: the conversation went wrong.
    Failed,
}

/// Why a message was not taken; the names are those of bounce statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Classification {
    InvalidRecipient,
    InactiveMailbox,
    BadDomain,
    MailboxFull,
    InvalidSender,
    SpamContent,
    SpamBlock,
    VirusContent,
    PolicyRelated,
    AuthenticationFailed,
    Relaying,
    RateLimited,
    MessageTooLarge,
    ContentRefused,
    DnsFailure,
    RoutingErrors,
    NoAnswerFromHost,
    MessageExpired,
    ProtocolErrors,
    TransientFailure,
    Uncategorized,
}

impl Classification {
    #[must_use]
    pub const fn all() -> [Self; 21] {
        [
            Self::InvalidRecipient,
            Self::InactiveMailbox,
            Self::BadDomain,
            Self::MailboxFull,
            Self::InvalidSender,
            Self::SpamContent,
            Self::SpamBlock,
            Self::VirusContent,
            Self::PolicyRelated,
            Self::AuthenticationFailed,
            Self::Relaying,
            Self::RateLimited,
            Self::MessageTooLarge,
            Self::ContentRefused,
            Self::DnsFailure,
            Self::RoutingErrors,
            Self::NoAnswerFromHost,
            Self::MessageExpired,
            Self::ProtocolErrors,
            Self::TransientFailure,
            Self::Uncategorized,
        ]
    }

    /// The stored form, which is also the API's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRecipient => "InvalidRecipient",
            Self::InactiveMailbox => "InactiveMailbox",
            Self::BadDomain => "BadDomain",
            Self::MailboxFull => "MailboxFull",
            Self::InvalidSender => "InvalidSender",
            Self::SpamContent => "SpamContent",
            Self::SpamBlock => "SpamBlock",
            Self::VirusContent => "VirusContent",
            Self::PolicyRelated => "PolicyRelated",
            Self::AuthenticationFailed => "AuthenticationFailed",
            Self::Relaying => "Relaying",
            Self::RateLimited => "RateLimited",
            Self::MessageTooLarge => "MessageTooLarge",
            Self::ContentRefused => "ContentRefused",
            Self::DnsFailure => "DNSFailure",
            Self::RoutingErrors => "RoutingErrors",
            Self::NoAnswerFromHost => "NoAnswerFromHost",
            Self::MessageExpired => "MessageExpired",
            Self::ProtocolErrors => "ProtocolErrors",
            Self::TransientFailure => "TransientFailure",
            Self::Uncategorized => "Uncategorized",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Self::all()
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| Refusal::new("Choose one of the listed bounce classifications."))
    }

    /// Whether the reason lies with the recipient's mailbox or host, not with what was sent or who sent it.
    #[must_use]
    pub const fn lies_with_recipient(self) -> bool {
        matches!(
            self,
            Self::InvalidRecipient
                | Self::InactiveMailbox
                | Self::BadDomain
                | Self::MailboxFull
                | Self::DnsFailure
                | Self::RoutingErrors
                | Self::NoAnswerFromHost
                | Self::MessageExpired
                | Self::TransientFailure
                | Self::Uncategorized
        )
    }

    /// Whether the address will not work for anybody, whatever is sent.
    #[must_use]
    pub const fn is_hard(self) -> bool {
        matches!(self, Self::InvalidRecipient | Self::InactiveMailbox | Self::BadDomain)
    }
}

/// What stands between the words of a reply.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
/// The length of `5.123.123`.
const LONGEST_STATUS: usize = 9;

/// `5.1.1`: class, subject, detail (RFC 3463 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedStatus {
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

impl EnhancedStatus {
    /// Reads the status that a reply's text begins with, if it does. It looks no further than a status is long: who
    /// looks for one everywhere in a text asks at every place of it.
    #[must_use]
    pub fn leading(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(BLANKS).as_bytes();
        let near = text.get(..=LONGEST_STATUS).unwrap_or(text);
        let word = near.split(|byte| BLANKS.contains(&char::from(*byte))).next()?;
        let word = std::str::from_utf8(word).ok().filter(|word| word.len() <= LONGEST_STATUS)?;

        let mut numbers = word.split('.');
        let mut part = |max: usize| {
            numbers.next().filter(|n| (1..=max).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
        };
        let (class, subject, detail) = (part(1)?, part(3)?, part(3)?);
        if numbers.next().is_some() || !matches!(class, "2" | "4" | "5") {
            return None;
        }
        Some(Self { class: class.parse().ok()?, subject: subject.parse().ok()?, detail: detail.parse().ok()? })
    }
}

/// What a reply to a delivery attempt means. `text` is the reply without its code; its enhanced status is read from it.
#[must_use]
pub fn judge(code: u16, text: &str) -> Verdict {
    match code {
        200..=299 => Verdict::Delivered,
        500..=599 => match classify(code, text) {
            // The relay does not know us (any more): its operator can mend that while the message waits.
            Classification::AuthenticationFailed if matches!(code, 530 | 534 | 535 | 538) => Verdict::Deferred,
            Classification::ProtocolErrors => Verdict::Failed,
            classification => Verdict::Bounced { hard: classification.is_hard(), classification },
        },
        // 4xx, and what is no final reply at all: an answer that makes no sense may make sense later.
        _ => Verdict::Deferred,
    }
}

/// The last word on a message whose attempts ran out, after `code` and `text` as the last reply.
#[must_use]
pub fn exhausted(code: u16, text: &str) -> Verdict {
    let classification = match classify(code, text) {
        Classification::Uncategorized | Classification::TransientFailure => Classification::MessageExpired,
        other => other,
    };
    // A temporary refusal says nothing certain about the address, however often it came.
    Verdict::Bounced { hard: false, classification }
}

/// Why the recipient's host could not even be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// The domain does not exist.
    NoSuchDomain,
    /// It says that it takes no mail (RFC 7505).
    NullMx,
    /// No answer from the DNS, or a broken one.
    DnsFailure,
    /// No connection, a broken one, or no TLS where it is needed.
    NoConnection,
}

impl Unreachable {
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::NoSuchDomain | Self::NullMx => {
                Verdict::Bounced { hard: true, classification: Classification::BadDomain }
            }
            Self::DnsFailure | Self::NoConnection => Verdict::Deferred,
        }
    }

    /// The classification once attempts ran out.
    #[must_use]
    pub const fn classification(self) -> Classification {
        match self {
            Self::NoSuchDomain | Self::NullMx => Classification::BadDomain,
            Self::DnsFailure => Classification::DnsFailure,
            Self::NoConnection => Classification::NoAnswerFromHost,
        }
    }
}

/// Why the reply was negative. A precise enhanced status goes first, then the words, then what is left.
#[must_use]
pub fn classify(code: u16, text: &str) -> Classification {
    let enhanced = EnhancedStatus::leading(text);
    enhanced
        .and_then(precise)
        .or_else(|| words::classify(text))
        .or_else(|| enhanced.and_then(broad))
        .unwrap_or_else(|| by_code(code))
}

/// Details that hosts use for what they mean (RFC 3463 section 3, RFC 7372, RFC 7505).
const fn precise(status: EnhancedStatus) -> Option<Classification> {
    use Classification as C;
    Some(match (status.subject, status.detail) {
        (1, 1 | 3 | 6) => C::InvalidRecipient,
        (1, 2 | 10) => C::BadDomain,
        (1, 7 | 8) => C::InvalidSender,
        (2, 2) => C::MailboxFull,
        (2, 3) | (3, 4) => C::MessageTooLarge,
        (4, 1 | 2) => C::NoAnswerFromHost,
        (4, 3) => C::DnsFailure,
        (4, 4 | 6) => C::RoutingErrors,
        (4, 7) => C::MessageExpired,
        (7, 8 | 9 | 20..=27) => C::AuthenticationFailed,
        _ => return None,
    })
}

/// What a whole subject says when the words said nothing.
const fn broad(status: EnhancedStatus) -> Option<Classification> {
    use Classification as C;
    Some(match status.subject {
        1 => C::InvalidRecipient,
        2 if status.detail == 1 => C::InactiveMailbox,
        3 | 4 => C::TransientFailure,
        5 if status.detail != 0 => C::ProtocolErrors,
        6 => C::ContentRefused,
        7 => C::PolicyRelated,
        _ => return None,
    })
}

/// RFC 5321 section 4.2.3. A bare 550 may mean anything, so it is not held against the address.
const fn by_code(code: u16) -> Classification {
    use Classification as C;
    match code {
        400..=499 => C::TransientFailure,
        500..=504 | 555 => C::ProtocolErrors,
        530 | 534 | 535 | 538 => C::AuthenticationFailed,
        551 | 553 => C::InvalidRecipient,
        521 | 556 => C::BadDomain,
        552 => C::MailboxFull,
        _ => C::Uncategorized,
    }
}

#[cfg(test)]
mod tests;
