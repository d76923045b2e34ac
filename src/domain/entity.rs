//! A MIME entity (RFC 2045, 2046) as bytes: where its header ends, what its boundary is, what lies between. Nothing here
//! calls itself: whoever walks parts within parts says how deep. And how deep a message handed in may be.

use super::refusal::Refusal;

/// How deep parts and messages may lie in one another in what is handed in. Mail programs need four or five; a thread
/// that was forwarded as an attachment again and again, a few more.
pub const MAX_DEPTH: usize = 50;
/// Parts that are looked at for their depth, in all.
const MAX_PARTS: usize = 100_000;
/// The longest header section of a part that is looked at, in bytes: what says its kind comes early.
const MAX_HEAD: usize = 64 * 1024;

/// Header section and body. A part may begin with its empty line; what has none is all header.
#[must_use]
pub fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    while start < raw.len() {
        let end = line_end(raw, start);
        if raw[start..end].trim_ascii().is_empty() {
            return (&raw[..start], &raw[end..]);
        }
        start = end;
    }
    (raw, &[])
}

/// Where the line ends that begins at `start`, its line break included.
fn line_end(raw: &[u8], start: usize) -> usize {
    raw[start..].iter().position(|byte| *byte == b'\n').map_or(raw.len(), |at| start + at + 1)
}

/// The boundary of a multipart type, quoted or not (RFC 2046 section 5.1.1).
#[must_use]
pub fn boundary(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("boundary")?;
    let value = content_type.get(at + "boundary".len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([';', ' ', '\t']).next()?,
    };
    let right = !value.is_empty() && value.len() <= 200;
    right.then(|| value.to_owned())
}

/// What lies between the boundaries, `most` parts of it; the last part may have no end.
#[must_use]
pub fn inside<'b>(body: &'b [u8], boundary: &str, most: usize) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    let (mut at, mut begun) = (0, None);
    while at < body.len() && parts.len() < most {
        let end = line_end(body, at);
        let line = body[at..end].trim_ascii_end();
        let rest = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || *rest == b"--") {
            parts.extend(begun.map(|begun| &body[begun..at]));
            begun = rest.is_empty().then_some(end);
            if begun.is_none() {
                return parts;
            }
        }
        at = end;
    }
    parts.extend(begun.filter(|_| parts.len() < most).map(|begun| &body[begun..]));
    parts
}

/// The `Content-Type` of an entity, unfolded, as it is written; empty where there is none.
fn content_type(head: &[u8]) -> String {
    const NAME: &[u8] = b"content-type";
    let head = &head[..head.len().min(MAX_HEAD)];
    let (mut at, mut found) = (0, String::new());
    while at < head.len() {
        let end = line_end(head, at);
        let line = &head[at..end];
        at = end;
        if !found.is_empty() {
            if !matches!(line.first(), Some(b' ' | b'\t')) {
                break;
            }
            found.push_str(&String::from_utf8_lossy(line.trim_ascii_end()));
            continue;
        }
        let Some((name, value)) = line.split_at_checked(NAME.len()) else { continue };
        if name.eq_ignore_ascii_case(NAME)
            && let Some(value) = value.trim_ascii_start().strip_prefix(b":")
        {
            // Not empty, so that the lines it goes on in are known as its own.
            found.push(' ');
            found.push_str(&String::from_utf8_lossy(value.trim_ascii()));
        }
    }
    found.trim().to_owned()
}

/// Looks how deep the parts of `raw` lie in one another.
///
/// # Errors
/// A refusal that says the bound, for what is deeper than [`MAX_DEPTH`] or has more parts than anybody reads.
pub fn check_depth(raw: &[u8]) -> Result<(), Refusal> {
    let (mut waiting, mut seen) = (vec![(raw, 0, false)], 0);
    while let Some((entity, depth, in_digest)) = waiting.pop() {
        seen += 1;
        if seen > MAX_PARTS {
            return Err(Refusal::new(format!("The message has more than {MAX_PARTS} parts. Send it in several.")));
        }
        let (head, body) = split(entity);
        let kind = content_type(head);
        let is = |prefix: &str| kind.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let holds_message = is("message/rfc822") || is("message/global") || (kind.is_empty() && in_digest);
        let boundary = if is("multipart/") { boundary(&kind) } else { None };
        if depth == MAX_DEPTH && (holds_message || boundary.is_some()) {
            return Err(Refusal::new(format!(
                "The message's parts lie more than {MAX_DEPTH} deep in one another. Attach what it holds as files."
            )));
        }

        if holds_message {
            waiting.push((body, depth + 1, false));
        } else if let Some(boundary) = boundary {
            let most = MAX_PARTS - waiting.len().min(MAX_PARTS) + 1;
            let digest = is("multipart/digest");
            waiting.extend(inside(body, &boundary, most).into_iter().map(|part| (part, depth + 1, digest)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiparts(depth: usize) -> String {
        let open = |at| format!("Content-Type: multipart/mixed;\r\n boundary=\"b{at}\"\r\n\r\n--b{at}\r\n");
        (0..depth).map(open).collect::<String>() + "\r\nx\r\n"
    }

    #[test]
    fn parts_lie_between_boundaries_and_the_last_may_be_cut_off() {
        let text = |body: &str| -> Vec<String> {
            inside(body.as_bytes(), "b", 60).iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
        };
        assert_eq!(text("x\r\n--b\r\n1\r\n--b \r\n2\r\n--b--\r\n--b\r\n3"), ["1\r\n", "2\r\n"]);
        assert_eq!(text("--b\n1\n--bb\n2"), ["1\n--bb\n2"]);
        assert_eq!(text("--c\n1\n"), Vec::<String>::new());
        assert_eq!(boundary("multipart/report; Boundary = \"a b\"; x=y").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/report; boundary=ab;x").as_deref(), Some("ab"));
        assert_eq!(boundary("multipart/report"), None);
    }

    #[test]
    fn messages_and_multiparts_are_refused_beyond_their_depth() {
        let forwarded = |depth| "Content-Type: Message/RFC822\r\n\r\n".repeat(depth) + "Subject: x\r\n\r\nx\r\n";
        for make in [&forwarded as &dyn Fn(usize) -> String, &multiparts] {
            assert_eq!(check_depth(make(MAX_DEPTH).as_bytes()), Ok(()));
            for depth in [MAX_DEPTH + 1, 40_000] {
                let refusal = check_depth(make(depth).as_bytes()).expect_err("too deep");
                assert!(refusal.message().contains("more than 50 deep"), "{refusal}");
            }
        }
    }

    #[test]
    fn many_parts_beside_one_another_are_not_deep() {
        let part = "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nx\r\n";
        let wide = |many| "Content-Type: multipart/digest; boundary=b\r\n\r\n".to_owned() + &part.repeat(many);
        assert_eq!(check_depth(wide(5_000).as_bytes()), Ok(()));
        assert!(check_depth(wide(60_000).as_bytes()).is_err_and(|refusal| refusal.message().contains("parts")));
    }

    #[test]
    fn a_digest_s_parts_are_messages_without_saying_so() {
        let mut digest = String::new();
        for at in 0..30 {
            digest += &format!("Content-Type: multipart/digest; boundary=b{at}\r\n\r\n--b{at}\r\n\r\n");
        }
        assert!(check_depth(digest.as_bytes()).is_err(), "thirty digests of messages are sixty deep");
    }
}
