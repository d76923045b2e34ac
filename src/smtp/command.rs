//! Reads a command line (RFC 5321 section 4.1). Strict where leniency is a way in, and no more than mail programs and bounces need.

use super::reply::Reply;

/// A command that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `true` is EHLO.
    Helo(bool, String),
    /// The reverse path, empty for the null sender, and the size announced.
    Mail(String, Option<u64>),
    Rcpt(String),
    Data,
    StartTls,
    Rset,
    Noop,
    Vrfy,
    /// The mechanism, and what the client says with it (RFC 4954).
    Auth(String, Option<String>),
    Quit,
    /// What only other protocols say: the client was led here by somebody else.
    OtherProtocol,
}

/// Reads a line without its CRLF.
///
/// # Errors
/// The reply that says what is wrong.
pub fn parse(line: &[u8]) -> Result<Command, Reply> {
    let text = std::str::from_utf8(line).map_err(|_| Reply::syntax("commands are ASCII"))?;
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(Reply::syntax("commands are printable ASCII"));
    }
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    let bare = |command: Command| if rest.trim().is_empty() { Ok(command) } else { Err(Reply::arguments()) };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => helo(true, rest),
        "HELO" => helo(false, rest),
        "MAIL" => mail(rest),
        "RCPT" => rcpt(rest),
        "DATA" => bare(Command::Data),
        "STARTTLS" => bare(Command::StartTls),
        "RSET" => bare(Command::Rset),
        "QUIT" => bare(Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "GET" | "POST" | "PUT" | "HEAD" | "OPTIONS" | "CONNECT" | "HOST:" => Ok(Command::OtherProtocol),
        "AUTH" => auth(rest),
        "BDAT" | "EXPN" | "HELP" | "TURN" | "ETRN" => Err(Reply::not_offered()),
        _ => Err(Reply::unknown()),
    }
}

fn helo(extended: bool, name: &str) -> Result<Command, Reply> {
    let name = name.trim();
    let right = !name.is_empty() && name.len() <= 255 && !name.contains(' ');
    if right { Ok(Command::Helo(extended, name.to_owned())) } else { Err(Reply::arguments()) }
}

fn auth(rest: &str) -> Result<Command, Reply> {
    let mut words = rest.split(' ').filter(|word| !word.is_empty());
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), said, None) => Ok(Command::Auth(mechanism.to_ascii_uppercase(), said.map(str::to_owned))),
        _ => Err(Reply::arguments()),
    }
}

fn mail(rest: &str) -> Result<Command, Reply> {
    let (path, parameters) = path(rest, "FROM:")?;
    let mut size = None;
    for parameter in parameters.split(' ').filter(|word| !word.is_empty()) {
        match parameter.to_ascii_uppercase().split_once('=') {
            Some(("SIZE", octets)) if octets.len() <= 20 && octets.bytes().all(|byte| byte.is_ascii_digit()) => {
                size = Some(octets.parse().unwrap_or(u64::MAX));
            }
            // Whom somebody else believes to have signed in (RFC 4954 section 5) is believed by nobody here.
            Some(("BODY", "7BIT" | "8BITMIME") | ("AUTH", _)) => {}
            _ => return Err(Reply::parameter()),
        }
    }
    Ok(Command::Mail(path.to_owned(), size))
}

fn rcpt(rest: &str) -> Result<Command, Reply> {
    match path(rest, "TO:")? {
        ("", _) => Err(Reply::arguments()),
        (path, "") => Ok(Command::Rcpt(path.to_owned())),
        _ => Err(Reply::parameter()),
    }
}

/// `FROM:<path> parameters`: the path without its brackets, and the parameters.
fn path<'t>(rest: &'t str, keyword: &str) -> Result<(&'t str, &'t str), Reply> {
    let (word, rest) = rest.split_at_checked(keyword.len()).ok_or_else(Reply::arguments)?;
    let rest = rest.trim_start();
    if !word.eq_ignore_ascii_case(keyword) || !rest.starts_with('<') {
        return Err(Reply::arguments());
    }
    let end = closing(rest).ok_or_else(Reply::arguments)?;
    let (path, parameters) = (&rest[1..end], &rest[end + 1..]);
    let right = path.len() <= 256 && (parameters.is_empty() || parameters.starts_with(' '));
    if right { Ok((path, parameters.trim())) } else { Err(Reply::arguments()) }
}

/// Where the bracket closes; one inside quotes does not.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_mail_programs_say_is_understood() {
        let command = |text: &str| parse(text.as_bytes()).map_err(|reply| reply.code());
        let mail = |from: &str, size| Ok(Command::Mail(from.into(), size));
        assert_eq!(command("ehlo mx.example.org"), Ok(Command::Helo(true, "mx.example.org".into())));
        assert_eq!(command("HELO [192.0.2.1]"), Ok(Command::Helo(false, "[192.0.2.1]".into())));
        assert_eq!(command("MAIL FROM:<>"), mail("", None));
        assert_eq!(command("mail from:<> SIZE=1024 body=8bitmime"), mail("", Some(1024)));
        assert_eq!(command("MAIL FROM: <a@b.example>"), mail("a@b.example", None));
        assert_eq!(command("MAIL FROM:<\"a>b\"@c.example>"), mail("\"a>b\"@c.example", None));
        assert_eq!(command("RCPT TO:<a@b.example>"), Ok(Command::Rcpt("a@b.example".into())));
        assert_eq!(mail("", None), command("MAIL FROM:<> AUTH=<>"));
        assert_eq!(command("auth plain AGE="), Ok(Command::Auth("PLAIN".into(), Some("AGE=".into()))));
        assert_eq!(command("AUTH LOGIN"), Ok(Command::Auth("LOGIN".into(), None)));
        assert_eq!(command("AUTH LOGIN a b"), Err(501));
        assert_eq!(command("DATA"), Ok(Command::Data));
        assert_eq!(command("DATA "), Ok(Command::Data));
        assert_eq!(command("GET / HTTP/1.1"), Ok(Command::OtherProtocol));
    }

    #[test]
    fn the_rest_is_refused_by_the_code_that_says_why() {
        for (text, code) in [
            (&b"EHLO"[..], 501),
            (b"EHLO a b", 501),
            (b"MAIL FROM:", 501),
            (b"MAIL FROM:a@b.example", 501),
            (b"MAIL FROM:<a@b.example", 501),
            (b"MAIL FROM:<a@b.example>SIZE=1", 501),
            (b"MAIL TO:<a@b.example>", 501),
            (b"MAIL FROM:<> SIZE=x", 555),
            (b"MAIL FROM:<> SMTPUTF8", 555),
            (b"RCPT TO:<>", 501),
            (b"RCPT TO:<a@b.example> NOTIFY=NEVER", 555),
            (b"DATA now", 501),
            (b"STARTTLS now", 501),
            (b"BDAT 10 LAST", 502),
            (b"XYZZY", 500),
            (b"", 500),
            (b"NOOP \0", 500),
            (b"NOOP \x7f", 500),
            (b"NOOP \xff", 500),
            ("NOOP é".as_bytes(), 500),
        ] {
            assert_eq!(parse(text).map_err(|reply| reply.code()), Err(code), "{}", String::from_utf8_lossy(text));
        }
    }

    proptest! {
        #[test]
        fn any_line_is_a_command_or_a_refusal(line in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Err(reply) = parse(&line) {
                prop_assert!((500..=555).contains(&reply.code()));
            }
        }

        #[test]
        fn nearly_right_lines_are_too(verb in "(?i)(mail|rcpt|ehlo|data|rset)", rest in "[ a-z:<>@\"\\\\=]{0,60}") {
            match parse(format!("{verb} {rest}").as_bytes()) {
                Ok(Command::Mail(path, _) | Command::Rcpt(path)) => prop_assert!(path.len() <= 256 && rest.contains(&path)),
                Ok(_) => {}
                Err(reply) => prop_assert!((500..=555).contains(&reply.code())),
            }
        }
    }
}
