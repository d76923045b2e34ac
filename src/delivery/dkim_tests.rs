//! Signatures as an independent verifier sees them: dkimpy, the Python implementation.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use super::*;

/// Reads lines of `name`, base64 message; answers with the verdict on each.
const VERIFIER: &str = r#"
import base64, sys, dkim
record = sys.argv[1].encode()
for line in sys.stdin:
    message = base64.b64decode(line)
    try:
        ok = dkim.verify(message, dnsfunc=lambda name, timeout=5: record)
    except Exception as error:
        ok = repr(error)
    print(ok)
"#;

static KEY: LazyLock<Arc<DkimKey>> = LazyLock::new(|| Arc::new(DkimKey::generate()));

/// `message` signed, as SMTP delivers it: lines ended by CRLF, the last one too.
fn signed(message: &[u8]) -> Vec<u8> {
    let signer = Signer::new(KEY.clone(), "example.com", "canopy");
    let mut wire_form = [signer.sign(message, 1_790_000_000).unwrap(), wire::to_crlf(message).into_owned()].concat();
    if !wire_form.ends_with(b"\r\n") {
        wire_form.extend_from_slice(b"\r\n");
    }
    wire_form
}

/// dkimpy's verdict on each message, or None where it is not installed.
fn verdicts(messages: &[Vec<u8>]) -> Option<Vec<bool>> {
    use base64::Engine as _;
    let python = std::env::var("CANOPY_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let installed = Command::new(&python).args(["-c", "import dkim"]).output().is_ok_and(|out| out.status.success());
    if !installed {
        assert!(std::env::var_os("CANOPY_TEST_STRICT").is_none(), "{python} with dkimpy is needed");
        println!("skipped: {python} has no dkimpy (pip install dkimpy)");
        return None;
    }
    let record = format!("v=DKIM1; k=rsa; p={}", KEY.public_base64());
    let mut child = Command::new(python)
        .args(["-c", VERIFIER, &record])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = messages.iter().map(|m| base64::prelude::BASE64_STANDARD.encode(m) + "\n").collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(output.lines().count(), messages.len(), "{output}");
    Some(output.lines().map(|line| line == "True").collect())
}

const HEAD: &str = "From: Ann <ann@example.com>\r\nTo: bob@example.org\r\nSubject: Hello\r\n\
    Date: Tue, 24 Nov 2026 06:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n";

#[test]
fn an_independent_verifier_accepts_what_we_sign() {
    let bodies = [
        "Hello\r\n",
        "",
        "\r\n",
        "\r\n\r\n\r\n",
        "no line end",
        "a line of blanks last\r\n   \r\n\t\r\n",
        "blanks only \t \r\n \t \r\n\r\n",
        "   ",
        "blanks before the end   ",
        ".\r\n..\r\n.a dot at the start\r\n.\r\n",
        "runs  of \t blanks\r\n  and leading ones\r\n\r\nand an empty line\r\n",
        "bare\nline\rends\n.\nhere\n",
        "8bit: gr\u{fc}\u{df}e\r\n",
    ];
    let mut messages: Vec<_> = bodies.iter().map(|body| signed(format!("{HEAD}\r\n{body}").as_bytes())).collect();
    let heads = [
        "From: ann@example.com\r\n",
        "FROM:ann@example.com\r\nsubject:  folded\r\n\tover  two\r\n lines \r\nReply-To:\r\n",
        "From: ann@example.com\r\nList-Id: <a>\r\nList-Id: <b>\r\nReferences: <1@x>\r\n <2@x>\r\nX-Other: c\r\n",
    ];
    messages.extend(heads.iter().map(|head| signed(format!("{head}\r\nHello\r\n").as_bytes())));
    messages.push(signed(b"From: ann@example.com\r\n"));
    let Some(verdicts) = verdicts(&messages) else { return };
    for (verdict, message) in verdicts.iter().zip(&messages) {
        assert!(verdict, "refused:\n{}", String::from_utf8_lossy(message));
    }
    println!("{} signatures accepted by dkimpy", verdicts.len());
}

#[test]
fn a_changed_body_and_an_added_from_or_subject_are_noticed() {
    let message = signed(format!("{HEAD}\r\nHello\r\n").as_bytes());
    let text = String::from_utf8(message).unwrap();
    let forged = [
        text.replace("\r\n\r\nHello", "\r\n\r\nHallo"),
        text.replace("Subject: Hello", "Subject: Other"),
        format!("From: Eve <eve@example.net>\r\n{text}"),
        format!("Subject: Act now\r\n{text}"),
        format!("Reply-To: eve@example.net\r\n{text}"),
        text.replace("Subject: Hello", "Subject: Hello\r\nCc: eve@example.net"),
    ];
    let messages: Vec<_> = forged.into_iter().map(String::into_bytes).collect();
    let Some(verdicts) = verdicts(&messages) else { return };
    assert_eq!(verdicts, vec![false; messages.len()]);
}

#[test]
fn a_message_without_from_is_not_signed() {
    let signer = Signer::new(KEY.clone(), "example.com", "canopy");
    assert_eq!(signer.sign(b"To: b@example.org\r\n\r\nFrom: in the body\r\n", 1), Err(SignError::NoFrom));
}

#[test]
fn the_signing_time_and_the_oversigned_from_are_in_the_header() {
    let header = String::from_utf8(signed(format!("{HEAD}\r\nHello\r\n").as_bytes())).unwrap();
    let header = header.split("\r\nFrom:").next().unwrap();
    assert!(header.contains("t=1790000000"), "{header}");
    assert!(header.contains("h=From:From:"), "{header}");
    assert!(header.contains("d=example.com") && header.contains("s=canopy") && header.contains("c=relaxed/relaxed"));
}
