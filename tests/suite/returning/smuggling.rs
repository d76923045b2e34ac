//! Only CRLF, dot, CRLF ends a message. Thirty other endings, each followed by a second message that must not be seen:
//! a server that takes one of them for the end takes the second message as well.

use super::mx::{Mx, refused};
use crate::support::app::TestApp;

/// Ending and whether the conversation may go on: those without a bare CR or LF are text like any other.
pub const ENDINGS: [(&str, bool); 30] = [
    ("\n.\n", false),
    ("\n.\r\n", false),
    ("\r\n.\n", false),
    ("\r.\r", false),
    ("\r.\r\n", false),
    ("\r\n.\r", false),
    ("\n.\r", false),
    ("\r.\n", false),
    ("\r\r\n.\r\n", false),
    ("\r\n.\r\r\n", false),
    ("\r\n\n.\n\r\n", false),
    ("\r\n\r.\r\r\n", false),
    ("\n\n.\n\n", false),
    ("\r\n.\n\r\n", false),
    ("\n\r.\n\r", false),
    ("\r\n.\r\0\n", false),
    ("\r\0\n.\r\n", false),
    ("\r\n\0.\r\n", true),
    ("\r\n.\0\r\n", true),
    ("\r\n .\r\n", true),
    ("\r\n. \r\n", true),
    ("\r\n\t.\r\n", true),
    ("\r\n.\t\r\n", true),
    ("\r\n..\r\n", true),
    ("\r\n.\u{b}\r\n", true),
    ("\u{b}.\u{b}", true),
    ("\u{c}.\u{c}", true),
    ("\u{85}.\u{85}", true),
    ("\u{2028}.\u{2028}", true),
    ("\r\n=2E\r\n", true),
];

#[tokio::test]
async fn thirty_endings_end_nothing() {
    let app = TestApp::sqlite().await;
    let mut mx = Mx::of(&app);
    let to = app.app.config.complaint_address.clone();
    let (mut taken, mut closed) = (0, 0);
    for (ending, goes_on) in ENDINGS {
        let mut talk = mx.talk().await;
        talk.begin(&to).await;
        let smuggled = format!("MAIL FROM:<evil@example.org>\r\nRCPT TO:<{to}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx");
        talk.put(format!("Subject: first\r\n\r\ntext{ending}{smuggled}\r\n.\r\nQUIT\r\n").as_bytes()).await;
        let heard = talk.rest().await;
        let replies: Vec<&str> = heard.lines().map(|line| &line[..3]).collect();
        // One answer for one message, or the one that ends the conversation: never one for what is inside it.
        let expected: &[&str] = if goes_on { &["250", "221"] } else { &["521"] };
        assert_eq!(replies, expected, "{ending:?}: {heard}");
        *(if goes_on { &mut taken } else { &mut closed }) += 1;
    }
    mx.stop();
    let refused = refused(&app).await;
    assert_eq!((refused["unreadable"], refused["protocol"]), (taken, closed), "one message each, whole: {refused:?}");
    println!("{} endings, {closed} of them refused", ENDINGS.len());
}

#[tokio::test]
async fn command_lines_end_in_crlf_too() {
    let app = TestApp::sqlite().await;
    let mx = Mx::of(&app);
    for line in ["EHLO a\n", "EHLO a\rMAIL FROM:<>\r\n", "EHLO a\n\r\n", "NOOP\r\r\n"] {
        let mut talk = mx.talk().await;
        talk.put(line.as_bytes()).await;
        let heard = talk.rest().await;
        assert!(heard.starts_with("521 ") && heard.lines().count() == 1, "{line:?}: {heard}");
    }
}
