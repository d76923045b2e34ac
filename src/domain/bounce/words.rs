//! The words by which hosts refuse mail. The first row that matches decides, so the rows run from the particular to the
//! general.

use super::Classification as C;

const WORDS: [(C, &[&str]); 14] = [
    (
        C::Relaying,
        &["relay access denied", "relaying denied", "unable to relay", "not permitted to relay", "relay not permitted"],
    ),
    (C::VirusContent, &["virus", "malware", "infected"]),
    (
        C::MailboxFull,
        &[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "overquota",
            "quota exceeded",
            "exceeded storage",
            "out of storage",
            "insufficient storage",
            "inbox is full",
        ],
    ),
    (
        C::MessageTooLarge,
        &[
            "message too large",
            "message is too large",
            "message size exceeds",
            "size limit",
            "exceeds maximum size",
            "message file too big",
        ],
    ),
    (
        C::RateLimited,
        &["rate limit", "too many", "throttl", "try again later due to", "sending rate", "exceeded the maximum number"],
    ),
    (
        C::AuthenticationFailed,
        &["dmarc", "spf check", "spf fail", "dkim", "authentication required", "unauthenticated"],
    ),
    (
        C::SpamBlock,
        &[
            "blacklist",
            "blocklist",
            "block list",
            "blocked using",
            "dnsbl",
            " rbl",
            "spamhaus",
            "spamcop",
            "barracuda",
            "poor reputation",
            "bad reputation",
            "low reputation",
            "ip has been blocked",
            "client host",
        ],
    ),
    (C::SpamContent, &["spam", "junk", "unsolicited", "bulk mail"]),
    (
        C::InactiveMailbox,
        &[
            "account disabled",
            "account is disabled",
            "account has been disabled",
            "mailbox disabled",
            "mailbox is disabled",
            "inactive",
            "account suspended",
            "no longer in use",
            "no longer active",
            "deactivated",
        ],
    ),
    (
        C::InvalidSender,
        &["sender rejected", "sender address rejected", "sender verify failed", "invalid sender", "bad sender"],
    ),
    (
        C::BadDomain,
        &[
            "domain not found",
            "no such domain",
            "host unknown",
            "unknown host",
            "unrouteable address",
            "domain does not exist",
            "find any host named",
            "find any host by that name",
            "mx records point to non-existent hosts",
        ],
    ),
    (
        C::InvalidRecipient,
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "user not found",
            "does not exist",
            "doesn't exist",
            "no mailbox",
            "no such recipient",
            "recipient not found",
            "unknown recipient",
            "invalid recipient",
            "recipient unknown",
            "unknown address",
            "address unknown",
            "invalid mailbox",
            "mailbox not found",
            "no such mailbox",
            "unknown mailbox",
            "not a valid mailbox",
            "recipient address rejected",
            "invalid address",
            "no mailbox here by that name",
            "user doesn't have a",
            "address couldn't be found",
            "address could not be found",
            "wasn't found at",
            "recipnotfound",
            "address not found",
        ],
    ),
    (C::PolicyRelated, &["policy", "not allowed", "administrative prohibition", "access denied", "banned"]),
    (C::TransientFailure, &["greylist", "graylist", "try again later", "temporarily", "service unavailable"]),
];

/// What the words mean, if they are known.
pub(super) fn classify(text: &str) -> Option<C> {
    // Replies are short; one that is not is cut, since a host's answer may be as long as it likes.
    let text: String = text.chars().take(2000).collect::<String>().to_ascii_lowercase();
    WORDS.into_iter().find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase))).map(|(class, _)| class)
}
