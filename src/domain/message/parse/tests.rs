use super::*;

const RAW: &[u8] = b"From: Ann <a@a.example>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nX-Two: 1\r\nX-Two: 2\r\n\
    Received: by x;\r\n Tue, 24 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hi</p>\r\n\
    --m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n--m--\r\n";

#[test]
fn parts_files_and_headers_are_told_apart() {
    let parsed = parse(RAW);
    assert_eq!(parsed.parts.len(), 1);
    assert_eq!(parsed.parts[0].content_type, "text/html");
    assert_eq!(parsed.parts[0].content.trim_end(), "<p>Hi</p>");
    assert_eq!(parsed.attachments.len(), 1);
    assert_eq!((parsed.attachments[0].filename.as_str(), parsed.attachments[0].content.as_str()), ("a.pdf", "aGk="));
    assert_eq!(parsed.headers["Subject"], ["Grüße"]);
    assert_eq!(parsed.headers["X-Two"], ["1", "2"]);
    assert_eq!(parsed.headers["From"], ["Ann <a@a.example>"]);
    assert_eq!(parsed.headers["Received"], ["by x; Tue, 24 Nov 2026 12:00:00 +0000"]);
}

#[test]
fn nonsense_is_no_panic() {
    assert_eq!(parse(b"").parts, []);
    let _ = parse(&[0xff; 300]);
}

#[test]
fn messages_within_messages_are_one_file_however_deep() {
    let nested = "Subject: x\r\nContent-Type: message/rfc822\r\n\r\n".repeat(40_000);
    let parsed = parse(nested.as_bytes());
    assert_eq!((parsed.parts.len(), parsed.attachments.len(), &parsed.headers["Subject"][0]), (0, 1, &"x".into()));
    assert_eq!(parsed.attachments[0].content_type, "message/rfc822");

    let encoded = STANDARD.encode(&nested);
    let hidden = format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n");
    assert_eq!(parse(hidden.as_bytes()).attachments[0].content, encoded, "it is decoded and left alone");
}

#[test]
fn multiparts_within_multiparts_are_read_as_deep_as_anybody_writes_them() {
    let open = |at| format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n");
    let nested = |depth| (0..depth).map(open).collect::<String>() + "\r\nHello\r\n";
    assert_eq!(parse(nested(50).as_bytes()).parts[0].content.trim_end(), "Hello");
    let deeper = parse(nested(40_000).as_bytes());
    assert_eq!((deeper.parts.len(), deeper.attachments.len()), (0, 1), "the rest is a file");
}

#[test]
fn a_header_that_nobody_would_write_is_read_in_part_and_its_body_kept() {
    let raw = format!("Subject: x\r\nContent-Type: text/plain{}\r\n\r\nHello\r\n", ";a*1=b".repeat(20_000));
    let parsed = parse(raw.as_bytes());
    assert_eq!((parsed.headers["Subject"][0].as_str(), parsed.parts.len()), ("x", 0));
    assert_eq!(parsed.attachments[0].content, STANDARD.encode(&raw));
}

#[test]
fn parts_are_read_or_attached_by_where_they_lie() {
    let raw = b"Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nplain\r\n--a\r\n\
        Content-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n<b>\r\n--r\r\n\
        Content-Type: text/html\r\n\r\nframe\r\n--r--\r\n--a\r\nContent-Type: text/calendar\r\n\r\nBEGIN\r\n--a--\r\n";
    let parsed = parse(raw);
    let read: Vec<_> = parsed.parts.iter().map(|part| part.content.as_str()).collect();
    assert_eq!(read, ["plain", "<b>"]);
    let files: Vec<_> = parsed.attachments.iter().map(|file| file.content_type.as_str()).collect();
    assert_eq!(files, ["text/html", "text/calendar"]);
}

#[test]
fn a_line_of_blanks_ends_a_header_as_an_empty_one_does() {
    let body = "\r\nnot: a header\r\n";
    for end in ["", " ", "\t", " \t "] {
        let parsed = parse(format!("Subject: x\r\n{end}{body}").as_bytes());
        assert_eq!((parsed.headers.len(), parsed.parts[0].content.as_str()), (1, "not: a header\r\n"), "{end:?}");
    }
}

/// Never ends where each beginning of an encoded word is looked for its end through all that follows.
#[test]
fn words_that_never_end_are_looked_at_within_bounds_wherever_they_stand() {
    let words = |many| "=?aa?q?x\r\n ".repeat(many);
    let folded = format!("Subject: x\r\n \r\n {}", words(200_000));
    assert_eq!(parse(folded.as_bytes()).headers["Subject"], ["x"]);

    let top = format!("Subject: {}\r\n\r\nx\r\n", words(5_000));
    assert!(parse(top.as_bytes()).headers["Subject"][0].starts_with("= aa?q?x = aa?q?x"));

    let part = format!("--b\r\nContent-Description: {}\r\n\r\nx\r\n", words(700));
    let many = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n", part.repeat(1_100));
    let parsed = parse(many.as_bytes());
    assert!(parsed.parts.len() + parsed.attachments.len() == MAX_PARTS && parsed.parts.len() < 20, "the rest as files");
}
