//! The signed ways back to a message: its return path, its address for complaints, and the mark in its headers.
//! All are signed under the installation's secret key, so that they are known again without asking the database, and
//! nobody can make one for a message that he was not sent.

use super::domain_records::{DEFAULT_RETURN_PATH, States};
use crate::dns::{PlatformNames, RecordKind};
use crate::domain::ids::Id;
use crate::domain::return_path::{Mark, Purpose, ReturnAddress};
use crate::models::domains::Domain;
use crate::models::messages::Message;
use crate::secrets::SecretKeys;

/// The header of ours that a returned message is known by.
pub const MARK_HEADER: &str = "X-Canopy-Id";

/// Where reports about mail of `domain` come back to: its own return path once that record stands, so that SPF aligns,
/// else the platform's.
#[must_use]
pub fn host(domain: &Domain, platform: &PlatformNames) -> String {
    if States::of(domain).get(RecordKind::ReturnPath).is_some_and(|state| state.ok) {
        let sub = domain.return_path_subdomain.as_deref().unwrap_or(DEFAULT_RETURN_PATH);
        return format!("{sub}.{}", domain.name).to_ascii_lowercase();
    }
    platform.return_path.clone()
}

/// The envelope sender of a message (VERP): good for this message at this host, and for nothing else.
#[must_use]
pub fn bounce_address(keys: &SecretKeys, message: Id, host: &str) -> String {
    address(keys, Purpose::Bounce, message, host)
}

/// Where complaints about a message may be sent (RFC 9477).
#[must_use]
pub fn complaint_address(keys: &SecretKeys, message: Id, host: &str) -> String {
    address(keys, Purpose::Complaint, message, host)
}

/// The headers by which a message is known again when a part of it comes back, each ended by CRLF. `raw` is the
/// message: a Feedback-ID that its sender chose stays alone.
#[must_use]
pub fn headers(keys: &SecretKeys, message: &Message, host: &str, raw: &[u8]) -> String {
    let mark = header_mark(keys, message.id);
    let mut text =
        format!("{MARK_HEADER}: {mark}\r\nCFBL-Address: {}; report=arf\r\n", complaint_address(keys, message.id, host));
    if !has_feedback_id(raw) {
        // Ours first; receivers add up complaints by the others, which are the same for many messages.
        text.push_str(&format!("Feedback-ID: {mark}:{}:{}:canopy\r\n", message.domain_id, message.account_id));
    }
    text
}

/// The mark in the headers of a message.
#[must_use]
pub fn header_mark(keys: &SecretKeys, message: Id) -> Mark {
    Mark { id: message, tag: keys.tag(CONTEXT, &signed(Purpose::Header, message, "")) }
}

/// The message that an address was made for; `None` when it is not of our making.
#[must_use]
pub fn verify(keys: &SecretKeys, address: &ReturnAddress) -> Option<Id> {
    let signed = signed(address.purpose, address.mark.id, &address.host);
    keys.is_tag(CONTEXT, &signed, &address.mark.tag).then_some(address.mark.id)
}

/// The message that a mark in a header was made for; `None` when it is not of our making.
#[must_use]
pub fn verify_mark(keys: &SecretKeys, mark: &Mark) -> Option<Id> {
    keys.is_tag(CONTEXT, &signed(Purpose::Header, mark.id, ""), &mark.tag).then_some(mark.id)
}

const CONTEXT: &str = "return path";

fn address(keys: &SecretKeys, purpose: Purpose, message: Id, host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let mark = Mark { id: message, tag: keys.tag(CONTEXT, &signed(purpose, message, &host)) };
    ReturnAddress { purpose, mark, host }.to_string()
}

/// The host is signed too: a return path of one account is worth nothing at another's host.
fn signed(purpose: Purpose, message: Id, host: &str) -> Vec<u8> {
    [purpose.letter().as_bytes(), b":", message.as_bytes(), host.as_bytes()].concat()
}

/// Whether the message's own headers hold a Feedback-ID.
fn has_feedback_id(raw: &[u8]) -> bool {
    const NAME: &[u8] = b"feedback-id:";
    raw.split(|byte| *byte == b'\n')
        .take_while(|line| !line.trim_ascii().is_empty())
        .any(|line| line.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn an_address_is_good_for_its_message_purpose_and_host_only() {
        let (keys, _) = SecretKeys::generate();
        let (one, other) = (Id::new(DateTime::UNIX_EPOCH), Id::new(DateTime::UNIX_EPOCH));
        let text = bounce_address(&keys, one, "Bounces.a.example");
        let address = ReturnAddress::parse(&text.to_uppercase()).unwrap();
        assert_eq!(verify(&keys, &address), Some(one));
        let forged = [
            ReturnAddress { host: "bounces.b.example".into(), ..address.clone() },
            ReturnAddress { purpose: Purpose::Complaint, ..address.clone() },
            ReturnAddress { mark: Mark { id: other, ..address.mark }, ..address.clone() },
        ];
        for forged in forged {
            assert_eq!(verify(&keys, &forged), None, "{forged}");
        }
        assert_eq!(verify_mark(&keys, &address.mark), None, "an address is no header");
        assert_eq!(verify_mark(&keys, &header_mark(&keys, one)), Some(one));
        assert_eq!(verify(&SecretKeys::generate().0, &address), None, "another installation's");
    }

    #[test]
    fn a_feedback_id_is_seen_among_the_headers_only() {
        assert!(has_feedback_id(b"From: a\r\nFEEDBACK-ID: x\r\n\r\n"));
        assert!(!has_feedback_id(b"From: a\r\n\r\nFeedback-ID: x\r\n"));
        assert!(!has_feedback_id(b"X-Feedback-ID: a\r\n"));
    }
}
