//! The DKIM key record (RFC 6376, section 3.6.1): the public half of the key we sign with.

use super::check::RecordState;
use super::records::{DomainSetup, Record};
use super::resolver::{Dns, LookupFailed};

pub(super) async fn check(dns: &Dns, setup: &DomainSetup, record: &Record) -> Result<RecordState, LookupFailed> {
    let host = &record.host;
    let mut found = dns.txt(host).await?;
    // Other text may stand at the same name, above all below a wildcard.
    if found.iter().any(|text| tag(text, "p").is_some()) {
        found.retain(|text| tag(text, "p").is_some());
    }
    let problem = match found.as_slice() {
        [] => format!("There is no DKIM record at {host}. Publish this TXT record: {}", record.content),
        [one] => match fault(one, &setup.dkim_public) {
            None => return Ok(RecordState::good(found)),
            Some(fault) => format!("The DKIM record at {host} {fault}. Replace it with: {}", record.content),
        },
        several => format!(
            "There are {} DKIM records at {host}; receivers may take any of them. Keep only: {}",
            several.len(),
            record.content
        ),
    };
    Ok(RecordState::bad(found, problem))
}

/// What is wrong with a key record, to follow "The DKIM record at x".
fn fault(text: &str, public: &str) -> Option<String> {
    let Some(key) = tag(text, "p") else {
        return Some("has no p= with the key in it".into());
    };
    if key.is_empty() {
        return Some("is empty after p=, which revokes the key".into());
    }
    if tag(text, "v").is_some_and(|version| version != "DKIM1") {
        return Some("does not start with v=DKIM1".into());
    }
    if let Some(kind) = tag(text, "k").filter(|kind| !kind.eq_ignore_ascii_case("rsa")) {
        return Some(format!("is for a key of the kind {kind}; ours is rsa"));
    }
    let listed = |name, value: &str| tag(text, name).is_none_or(|list| list.split(':').any(|one| one == value));
    if !listed("h", "sha256") {
        return Some("does not allow sha256 in h=".into());
    }
    if !listed("s", "*") && !listed("s", "email") {
        return Some("is not for email (s=)".into());
    }
    let expected: String = public.split_whitespace().collect();
    (key != expected).then(|| {
        let start: String = key.chars().take(12).collect();
        let cut = expected.starts_with(&key);
        if cut { "holds only the beginning of the key".into() } else { format!("holds another key (p={start}...)") }
    })
}

/// The value of a tag, white space removed.
fn tag(text: &str, name: &str) -> Option<String> {
    text.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.split_whitespace().collect())
    })
}
