use proptest::prelude::*;

use super::super::super::email_address::EmailAddress;
use super::super::parse::{ContentParsed, parse};
use super::*;

fn mailbox(address: &str, name: Option<&str>) -> Mailbox {
    Mailbox { address: EmailAddress::parse(address).expect("valid"), name: name.map(str::to_owned) }
}

fn image(id: Option<&str>) -> Attachment {
    Attachment {
        data: (0..=255).collect(),
        content_type: MediaType::parse("image/png").expect("valid"),
        file_name: "pïxel.png".to_owned(),
        content_id: id.map(str::to_owned),
        inline: id.is_some(),
    }
}

/// Builds with changes on top of a plain text message from Ann to Bob.
fn built(change: impl for<'a> FnOnce(&mut MimeParts<'a>, &'a Extras)) -> String {
    built_with(&Extras::default(), change)
}

fn built_with(extras: &Extras, change: impl for<'a> FnOnce(&mut MimeParts<'a>, &'a Extras)) -> String {
    let (from, to) = (mailbox("ann@a.example", Some("Ann")), [mailbox("bob@b.example", None)]);
    let mut parts = MimeParts {
        from: &from,
        to: &to,
        cc: &[],
        reply_to: None,
        subject: "Hi",
        date: DateTime::from_timestamp(1_795_521_600, 0).expect("in range"),
        message_id: "01890a5d-ac96-774b-bcce-b302099a8057@a.example",
        text: Some("Hello\n\n \t\n"),
        html: None,
        amp: None,
        headers: &[],
        attachments: &[],
    };
    change(&mut parts, extras);
    String::from_utf8(build(&parts)).expect("ASCII")
}

struct Extras {
    text: String,
    subject: String,
    people: Vec<Mailbox>,
    headers: Vec<(String, String)>,
    inline: Vec<Attachment>,
    plain: Vec<Attachment>,
}

impl Default for Extras {
    fn default() -> Self {
        Self {
            text: String::new(),
            subject: String::new(),
            people: vec![mailbox("cleo@c.example", Some("Cléo, \"C\" <x@y.example>")), mailbox("dan@d.example", None)],
            headers: vec![
                ("List-Unsubscribe".to_owned(), "<https://a.example/u?x=1&y=2>, <mailto:u@a.example>".to_owned()),
                ("X-Note".to_owned(), "grün".to_owned()),
            ],
            inline: vec![image(Some("img@a.example")), image(None)],
            plain: vec![image(None)],
        }
    }
}

fn assert_sound(raw: &str) {
    assert!(raw.ends_with("\r\n"), "the last line is ended");
    for line in raw.split("\r\n") {
        assert!(!line.contains(['\r', '\n']), "only CRLF ends a line: {line:?}");
        assert!(line.len() <= 998, "no line is longer than RFC 5322 allows");
    }
}

#[test]
fn a_plain_message_is_plain() {
    let raw = built(|_, _| ());
    assert_sound(&raw);
    assert!(raw.starts_with("From: \"Ann\" <ann@a.example>\r\nTo: <bob@b.example>\r\nSubject: Hi\r\nDate: "), "{raw}");
    assert!(raw.contains("Message-ID: <01890a5d-ac96-774b-bcce-b302099a8057@a.example>\r\n"));
    assert!(raw.ends_with("\r\n\r\nHello\r\n"), "blank lines at the end are gone: {raw:?}");
}

#[test]
fn the_same_parts_give_the_same_bytes() {
    let full = |parts: &mut MimeParts<'_>, _: &Extras| parts.html = Some("<p>Hi</p>");
    assert_eq!(built(full), built(full));
}

#[test]
fn images_stand_beside_the_html_and_files_around_it() {
    let raw = built(|parts, extras| {
        (parts.html, parts.amp) = (Some("<img src=\"cid:img@a.example\">"), Some("<html amp4email></html>"));
        parts.attachments = &extras.inline;
    });
    assert_sound(&raw);
    let order =
        ["multipart/mixed", "multipart/alternative", "text/plain", "text/x-amp-html", "multipart/related", "text/html"];
    let places: Vec<usize> =
        order.iter().map(|kind| raw.find(kind).unwrap_or_else(|| panic!("{kind} is missing"))).collect();
    assert!(places.is_sorted(), "{raw}");
    assert!(raw.contains("Content-ID: <img@a.example>\r\n"));
    let ContentParsed { parts, attachments, .. } = parse(raw.as_bytes());
    assert_eq!(
        parts.iter().map(|part| part.content_type.as_str()).collect::<Vec<_>>(),
        ["text/plain", "text/x-amp-html", "text/html"]
    );
    assert_eq!(attachments.iter().map(|file| file.content_id.as_str()).collect::<Vec<_>>(), ["img@a.example", ""]);
    assert!(attachments.iter().all(|file| file.filename == "pïxel.png" && file.content == STANDARD.encode((0..=255).collect::<Vec<u8>>())));
}

#[test]
fn without_html_an_inline_image_is_a_file() {
    let raw = built(|parts, extras| parts.attachments = &extras.inline);
    assert!(raw.contains("multipart/mixed") && !raw.contains("multipart/related"));
}

#[test]
fn names_are_encoded_and_cannot_add_recipients() {
    let raw = built(|parts, extras| (parts.to, parts.cc) = (&extras.people, &extras.people));
    assert_sound(&raw);
    let message = mail_parser::MessageParser::default().parse(raw.as_bytes()).expect("a message");
    let to: Vec<_> = message.to().expect("there").iter().filter_map(|address| address.address()).collect();
    assert_eq!(to, ["cleo@c.example", "dan@d.example"]);
    assert_eq!(
        message.cc().expect("there").first().and_then(|address| address.name()),
        Some("Cléo, \"C\" <x@y.example>")
    );
}

#[test]
fn ascii_headers_go_out_as_given_and_others_encoded() {
    let raw = built(|parts, extras| parts.headers = &extras.headers);
    assert!(raw.contains("List-Unsubscribe: <https://a.example/u?x=1&y=2>, <mailto:u@a.example>\r\n"), "{raw}");
    assert_eq!(parse(raw.as_bytes()).headers["X-Note"], ["grün"]);
    assert!(raw.is_ascii());
}

#[test]
fn without_visible_recipients_the_header_says_so() {
    assert!(built(|parts, _| parts.to = &[]).contains("undisclosed-recipients"));
}

#[test]
fn blank_tails_go_but_headers_stay() {
    for (raw, stripped) in [
        ("A: b\r\n\r\nx\r\n \t\r\n\r\n", "A: b\r\n\r\nx\r\n"),
        ("A: b\r\n\r\n\r\n \r\n", "A: b\r\n\r\n"),
        ("A: b\r\n\r\nx", "A: b\r\n\r\nx"),
        ("", ""),
    ] {
        let mut bytes = raw.as_bytes().to_vec();
        strip_blank_tail(&mut bytes);
        assert_eq!(bytes, stripped.as_bytes(), "{raw:?}");
    }
}

proptest! {
    #[test]
    fn any_content_makes_sound_lines_and_reads_back(text in "[ -~äß\u{4e2d}\t\n]{1,600}", subject in "[ -~é]{1,300}") {
        prop_assume!(!text.trim().is_empty() && !subject.trim().is_empty());
        let extras = Extras { text: text.clone(), subject: subject.clone(), ..Extras::default() };
        let raw = built_with(&extras, |parts, extras| {
            (parts.text, parts.subject, parts.attachments) = (Some(extras.text.as_str()), extras.subject.as_str(), &extras.plain);
        });
        assert_sound(&raw);
        let parsed = parse(raw.as_bytes());
        let read = parsed.parts[0].content.replace("\r\n", "\n");
        prop_assert_eq!(read.trim_end(), text.trim_end());
        prop_assert_eq!(parsed.headers["Subject"][0].split_whitespace().collect::<String>(), subject.split_whitespace().collect::<String>());
    }

    #[test]
    fn a_lone_body_is_sound_too(text in "[ -~\u{4e2d}\r\n]{1,2000}") {
        let extras = Extras { text, ..Extras::default() };
        let raw = built_with(&extras, |parts, extras| parts.text = Some(&extras.text));
        assert_sound(&raw);
        let mut again = raw.clone().into_bytes();
        strip_blank_tail(&mut again);
        prop_assert_eq!(again, raw.into_bytes());
    }
}
