//! Whose address stands in From. One, and written so that nobody reads another one in it.

use super::super::super::email_address::EmailAddress;
use super::super::super::refusal::Refusal;

/// The only address of a From field: `a@b.example`, `Ann <a@b.example>` or `"Ann, the second" <a@b.example>`.
///
/// # Errors
/// When there is none, there are several, or something else looks like one.
pub fn sole(value: &str) -> Result<EmailAddress, Refusal> {
    let unclear = || Refusal::new("Name one sender, such as Ann <ann@example.com>; put other signs into quotes.");
    let Bare { text, quoted } = bare(value).ok_or_else(unclear)?;
    let text = text.trim();
    if text.contains([',', ';', ':']) {
        return Err(unclear());
    }
    let Some((phrase, rest)) = text.split_once('<') else {
        return if quoted || text.contains('>') { Err(unclear()) } else { EmailAddress::parse(text) };
    };
    let (address, after) = rest.split_once('>').ok_or_else(unclear)?;
    let phrase = phrase.trim();
    let misleading = phrase.contains('@') && !phrase.eq_ignore_ascii_case(address.trim());
    if misleading || phrase.contains('>') || address.contains('<') || !after.trim().is_empty() {
        return Err(unclear());
    }
    EmailAddress::parse(address)
}

/// A value without what stands in quotes and in comments.
struct Bare {
    text: String,
    /// Something stood in quotes.
    quoted: bool,
}

/// `None` where quotes or comments do not end.
fn bare(value: &str) -> Option<Bare> {
    let (mut text, mut any) = (String::with_capacity(value.len()), false);
    let (mut quoted, mut depth, mut escaped) = (false, 0_usize, false);
    for letter in value.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => {
                any = true;
                quoted = !quoted;
            }
            _ if quoted => {}
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            letter => text.push(letter),
        }
    }
    (!quoted && depth == 0).then_some(Bare { text, quoted: any })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sender_is_read_in_the_ways_that_mail_programs_write_it() {
        for value in [
            "a@b.example",
            "<a@b.example>",
            "Ann <a@b.example>",
            "\"Ann, the second (or <x@y.example>)\" <a@b.example>",
            "=?utf-8?Q?Gr=C3=BC=C3=9Fe?= <a@b.example>",
            "Grüße <a@b.example>",
            "a@b.example <a@b.example>",
            "a@b.example (Ann <x@y.example>)",
        ] {
            assert_eq!(sole(value).map(|address| address.to_string()), Ok("a@b.example".to_owned()), "{value}");
        }
    }

    #[test]
    fn what_could_be_read_as_somebody_else_is_refused() {
        for value in [
            "",
            "Ann",
            "a@b.example, c@d.example",
            "Ann <a@b.example>, Eve <c@d.example>",
            "c@d.example <a@b.example>",
            "<c@d.example> <a@b.example>",
            "Ann <a@b.example> c@d.example",
            "Friends: a@b.example;",
            "\"c@d.example\" a@b.example",
            "Ann <a@b.example",
            "\"Ann <a@b.example>",
            "Ann (or so <a@b.example>",
            "Ann <<a@b.example>>",
            "\"a b\"@c.example",
        ] {
            assert!(sole(value).is_err(), "{value}");
        }
    }
}
