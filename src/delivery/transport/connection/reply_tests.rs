//! Replies as no standard has them.

use proptest::prelude::*;

use super::*;

/// The reply that `bytes` begin with, and how many of them are read.
fn read(bytes: &[u8]) -> (usize, Option<Reply>) {
    Reader::default().read(bytes)
}

/// The same where the server hangs up behind it.
fn so_far(bytes: &[u8]) -> Option<(u16, String)> {
    let mut reader = Reader::default();
    let (_, reply) = reader.read(bytes);
    reply.or_else(|| reader.so_far()).map(|reply| (reply.code, reply.text()))
}

fn said(bytes: &[u8]) -> (u16, String) {
    let (used, reply) = read(bytes);
    let reply = reply.unwrap_or_else(|| panic!("no reply in {:?}", String::from_utf8_lossy(bytes)));
    assert_eq!(used, bytes.len());
    assert!(reply.whole);
    (reply.code, reply.text())
}

#[test]
fn a_reply_is_read_whatever_its_line_looks_like() {
    let cases: [(&[u8], u16, &str); 14] = [
        (b"250 2.0.0 ok\r\n", 250, "2.0.0 ok"),
        (b"250\r\n", 250, ""),
        (b"250 \n", 250, ""),
        (b"250\0\r\n", 250, ""),
        (b"250\tok\r\n", 250, "ok"),
        (b"250ok\r\n", 250, "ok"),
        (b"2500 ok\r\n", 250, "0 ok"),
        (b"250 2.0.0 queued\0as x\r\n", 250, "2.0.0 queued as x"),
        (b"550 5.1.1 Empf\xe4nger unbekannt\r\n", 550, "5.1.1 Empf\u{fffd}nger unbekannt"),
        (b"571 blocked\r\n", 571, "blocked"),
        (b"591 who knows\r\n", 591, "who knows"),
        (b"000 nothing\r\n", 0, "nothing"),
        (b"999 all\r\n", 999, "all"),
        (b"550 5.7.708 traffic not accepted\r\n", 550, "5.7.708 traffic not accepted"),
    ];
    for (bytes, code, text) in cases {
        assert_eq!(said(bytes), (code, text.to_owned()), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn of_several_lines_the_last_one_decides_and_an_enhanced_code_is_said_once() {
    assert_eq!(
        said(b"550-5.1.1 nobody here\r\n550 5.1.1 by that name\r\n"),
        (550, "5.1.1 nobody here by that name".into())
    );
    assert_eq!(said(b"250-so far\r\n550 5.7.1 no\r\n"), (550, "so far 5.7.1 no".into()));
    assert_eq!(said(b"550-\r\n550-\r\n550\r\n"), (550, String::new()));
    assert_eq!(said(b"550-one\r\nwithout a code\r\n550 two\r\n"), (550, "one without a code two".into()));
}

#[test]
fn what_has_no_code_is_no_reply_and_what_comes_behind_one_is_left() {
    assert_eq!(said(b"\r\n\r\nwelcome\r\n220 mx\r\n"), (220, "mx".into()));
    let (used, reply) = read(b"250 one\r\n250 two\r\n");
    assert_eq!((used, reply.map(|reply| reply.text())), (9, Some("one".into())));
    assert_eq!(so_far(b"no\r\n25"), None);
}

#[test]
fn a_reply_without_its_end_is_judged_by_what_there_is() {
    assert_eq!(so_far(b"250-2.0.0 queued\r\n"), Some((250, "2.0.0 queued".into())));
    assert_eq!(so_far(b"550-5.1.1 nobody\r\n550 5.1.1 he"), Some((550, "5.1.1 nobody he".into())));
    assert_eq!(so_far(b"250"), Some((250, String::new())));
    assert_eq!(so_far(b"250 ok\r"), Some((250, "ok".into())));
    assert_eq!(so_far(b"25"), None);
}

#[test]
fn five_thousand_bytes_are_cut_and_a_megabyte_without_end_is_judged_by_its_code() {
    let long = [b"550 5.1.1 ".as_slice(), &[b'x'; 5000], b"\r\n250 next\r\n"].concat();
    let (used, reply) = read(&long);
    let reply = reply.expect("a reply");
    assert!(reply.whole && reply.code == 550 && reply.text().len() <= KEPT);
    assert_eq!(&long[used..], b"250 next\r\n");
    for endless in [[b"250 ".as_slice(), &[b'x'; 1 << 20]].concat(), b"250-more\r\n".repeat(100_000)] {
        let reply = read(&endless).1.expect("a reply");
        assert!(!reply.whole && reply.code == 250 && reply.text().len() <= KEPT);
    }
    let mut reader = Reader::default();
    let (_, reply) = reader.read(&b"nothing\r\n".repeat(10_000));
    assert!(reply.is_none() && reader.is_too_much());
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_read_alike_and_kept_within_bounds(
        bytes in prop::collection::vec(prop_oneof![Just(b'2'), Just(b'5'), Just(b'-'), Just(b' '), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..400),
        piece in 1_usize..50,
    ) {
        let whole = read(&bytes);
        let (mut reader, mut used, mut reply) = (Reader::default(), 0, None);
        for part in bytes.chunks(piece) {
            let (count, found) = reader.read(part);
            used += count;
            reply = found;
            if reply.is_some() {
                break;
            }
        }
        prop_assert_eq!((used, &reply), (whole.0, &whole.1));
        if let Some(reply) = reply.or_else(|| reader.so_far()) {
            prop_assert!(reply.code < 1000 && !reply.text().chars().any(char::is_control));
        }
    }
}
