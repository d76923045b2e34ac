//! AUTH (RFC 4954): PLAIN (RFC 4616) and LOGIN. What is said here is never logged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;

use crate::smtp::reply::Reply;
use crate::smtp::service::Service;
use crate::smtp::session::{Session, Then, last_words};

/// What ends an attempt before anything was tried.
type Ended = (Reply, Then);

pub async fn answer<S: Service>(session: &mut Session<S>, mechanism: &str, said: Option<String>) -> (Reply, Then) {
    match read(session, mechanism, said).await {
        Ok((name, password)) => S::sign_in(session, name, password).await,
        Err(ended) => ended,
    }
}

/// Name and password.
async fn read<S: Service>(
    session: &mut Session<S>,
    mechanism: &str,
    said: Option<String>,
) -> Result<(String, String), Ended> {
    let mechanisms = S::mechanisms(session).map_err(|reply| (reply, Then::GoOn))?;
    if session.state.greeted.is_none() || session.state.begun {
        let first = if session.state.begun { "End the message that was begun" } else { "Say EHLO" };
        return Err((Reply::sequence(first), Then::GoOn));
    }
    if !mechanisms.contains(&mechanism) {
        return Err((Reply::new(504, "5.5.4 This mechanism is not offered here"), Then::GoOn));
    }
    if mechanism == "LOGIN" {
        let name = match said {
            Some(said) => decoded(&said)?,
            None => ask(session, "Username:").await?,
        };
        // PLAIN has no way to say it, and PostgreSQL none to look for it.
        if name.contains('\0') {
            return Err(unreadable());
        }
        return Ok((name, ask(session, "Password:").await?));
    }
    let said = match said {
        Some(said) => decoded(&said)?,
        None => ask(session, "").await?,
    };
    plain(&said).ok_or_else(unreadable)
}

/// Who acts for whom, name and password, with NUL between them. Nobody may act for somebody else.
fn plain(said: &str) -> Option<(String, String)> {
    let mut parts = said.split('\0');
    let (on_behalf, name, password) = (parts.next()?, parts.next()?, parts.next()?);
    let right = parts.next().is_none() && (on_behalf.is_empty() || on_behalf == name);
    right.then(|| (name.to_owned(), password.to_owned()))
}

/// Asks for the next part and waits for it.
async fn ask<S: Service>(session: &mut Session<S>, what: &str) -> Result<String, Ended> {
    let gone = || (Reply::closing("Nobody listens"), Then::Close);
    if !session.say(&Reply::new(334, STANDARD.encode(what))).await {
        return Err(gone());
    }
    let deadline = session.ends.min(Instant::now() + session.shared.limits.command);
    let line = session.wire.line(session.shared.limits.command_line, deadline).await;
    let line = line.map_err(|why| last_words(why).map_or_else(gone, |(_, reply)| (reply, Then::Close)))?;
    decoded(&String::from_utf8_lossy(&line))
}

fn decoded(said: &str) -> Result<String, Ended> {
    match said {
        "*" => Err((Reply::new(501, "5.7.0 Cancelled"), Then::GoOn)),
        "=" => Ok(String::new()),
        said => {
            let bytes = STANDARD.decode(said).map_err(|_| unreadable())?;
            String::from_utf8(bytes).map_err(|_| unreadable())
        }
    }
}

fn unreadable() -> Ended {
    (Reply::new(501, "5.5.2 That is not understood"), Then::GoOn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_in_acts_for_nobody_else() {
        let both = |name: &str| Some((name.to_owned(), "secret".to_owned()));
        assert_eq!(plain("\0ann\0secret"), both("ann"));
        assert_eq!(plain("ann\0ann\0secret"), both("ann"));
        for wrong in ["eve\0ann\0secret", "ann\0secret", "", "\0ann\0secret\0", "\0ann"] {
            assert_eq!(plain(wrong), None, "{wrong:?}");
        }
        assert_eq!(decoded("AGE=").ok().as_deref(), Some("\0a"));
        assert_eq!(decoded("=").ok().as_deref(), Some(""));
        for wrong in ["*", "A", "/w=="] {
            assert!(matches!(decoded(wrong), Err((reply, Then::GoOn)) if reply.code() == 501), "{wrong}");
        }
    }
}
