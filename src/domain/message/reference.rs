//! `{message_id}` in an address: a bare UUID, `uuid@domain` or `<uuid@domain>`.

use super::super::domain_name::DomainName;
use super::super::ids::Id;

/// Which message is meant. With a domain, the message must also have been sent from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRef {
    pub id: Id,
    pub domain: Option<String>,
}

impl MessageRef {
    /// Reads a path segment, percent-encoded or not. `None` when it cannot be any message of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = decode(text);
        let text = match (text.strip_prefix('<'), text.ends_with('>')) {
            (Some(inner), true) => inner.strip_suffix('>')?,
            (None, false) => &text,
            _ => return None,
        };
        let Some((id, domain)) = text.split_once('@') else {
            return Some(Self { id: text.parse().ok()?, domain: None });
        };
        Some(Self { id: id.parse().ok()?, domain: Some(DomainName::parse(domain).ok()?.into()) })
    }
}

/// The three signs that clients escape in a Message-ID; a UUID and a domain need no others.
fn decode(text: &str) -> String {
    let mut text = text.trim().to_owned();
    for (escaped, plain) in [("%3C", "<"), ("%3c", "<"), ("%3E", ">"), ("%3e", ">"), ("%40", "@")] {
        if text.contains(escaped) {
            text = text.replace(escaped, plain);
        }
    }
    text
}

/// The Message-ID without brackets: `uuid@domain`.
#[must_use]
pub fn message_id(id: Id, domain: &str) -> String {
    format!("{id}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn all_three_forms_are_read_raw_and_escaped() {
        let bare = MessageRef::parse(UUID).expect("a reference");
        assert_eq!((bare.id.to_string().as_str(), bare.domain), (UUID, None));
        for text in [
            format!("{UUID}@Mail.example"),
            format!("<{UUID}@mail.example>"),
            format!("%3C{UUID}%40mail.example%3E"),
            format!("%3c{UUID}@mail.example%3e"),
        ] {
            let full = MessageRef::parse(&text).expect("a reference");
            assert_eq!((full.id, full.domain.as_deref()), (bare.id, Some("mail.example")), "{text}");
        }
        assert_eq!(message_id(bare.id, "mail.example"), format!("{UUID}@mail.example"));
    }

    #[test]
    fn anything_else_is_no_message() {
        for text in [
            "",
            "x",
            "<>",
            "@",
            &format!("<{UUID}"),
            &format!("{UUID}>"),
            &format!("{UUID}@"),
            &format!("{UUID}@a@b.c"),
        ] {
            assert_eq!(MessageRef::parse(text), None, "{text}");
        }
    }
}
