//! Delivery through a smarthost. We drive MAIL, RCPT and DATA ourselves on lettre's connection, one recipient a
//! transaction, so that every recipient gets its own reply. Connections are kept and used again (`pool.rs`).

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate};
use lettre::transport::smtp::commands::Data;
use lettre::transport::smtp::extension::Extension;
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use super::connect::{Connector, NotConnected};
use super::pool::Pool;
use super::{Envelope, Outcome, RelayConfig};
use crate::delivery::wire;

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// TCP, TLS, greeting, EHLO and AUTH together.
    pub connect: Duration,
    /// The reply to one command.
    pub command: Duration,
    /// The message itself and the reply to the final dot: long, because giving up here risks a second copy
    /// (RFC 5321, section 4.5.3.2.6 asks for ten minutes).
    pub data: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(60), command: seconds(120), data: seconds(600) }
    }
}

/// Sends through relays, keeping connections between messages. Clones share them.
#[derive(Clone)]
pub struct Relay {
    connector: Arc<Connector>,
    pool: Arc<Pool>,
    timeouts: Timeouts,
}

/// How one try on one connection ended.
enum Tried {
    /// With an answer, the connection still good.
    Answered(Outcome),
    /// With an answer, the connection not to be used again.
    Closing(Outcome),
    /// Before DATA was accepted: nothing can have been delivered, another connection may do better.
    Lost(Outcome),
}

impl Relay {
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        Self { connector: Arc::default(), pool: Arc::default(), timeouts }
    }

    /// Trusts `roots` beside the system's certificates: a private CA of the operator.
    #[must_use]
    pub fn with_roots(timeouts: Timeouts, roots: Vec<Certificate>) -> Self {
        Self { connector: Arc::new(Connector::new(roots)), pool: Arc::default(), timeouts }
    }

    /// Tries once to hand `message` to the relay; a connection that turns out dead, or answers 421, before the message
    /// was begun is replaced once. The caller's bytes are sent in wire form ([`wire::to_crlf`]).
    pub async fn send(&self, config: &RelayConfig, envelope: &Envelope, message: &[u8]) -> Outcome {
        if let Some(refused) = unspeakable(envelope) {
            return refused;
        }
        let message = wire::to_crlf(message);
        match self.attempt(config, envelope, &message, true).await {
            Tried::Lost(_) => match self.attempt(config, envelope, &message, false).await {
                Tried::Lost(outcome) | Tried::Answered(outcome) | Tried::Closing(outcome) => outcome,
            },
            Tried::Answered(outcome) | Tried::Closing(outcome) => outcome,
        }
    }

    async fn attempt(&self, config: &RelayConfig, envelope: &Envelope, message: &[u8], reuse: bool) -> Tried {
        let (mut connection, used) = match self.connection(config, reuse).await {
            Ok(found) => found,
            Err(why) => return Tried::Closing(Outcome::Unreachable { text: why.to_string() }),
        };
        let tried = self.transaction(&mut connection, envelope, message).await;
        if matches!(tried, Tried::Answered(_)) {
            self.pool.put(config, connection, used + 1);
        }
        tried
    }

    /// A connection ready for MAIL and how many messages it has carried: a kept one after RSET, or a new one.
    async fn connection(&self, config: &RelayConfig, reuse: bool) -> Result<(AsyncSmtpConnection, u32), NotConnected> {
        while let Some((mut kept, used)) = reuse.then(|| self.pool.take(config)).flatten() {
            if let Ok(Ok(_)) = timeout(self.timeouts.command, kept.command("RSET\r\n")).await {
                return Ok((kept, used));
            }
        }
        let connect = self.connector.connect(config);
        match timeout(self.timeouts.connect, connect).await {
            Ok(connected) => connected.map(|connection| (connection, 0)),
            Err(_) => Err(NotConnected::new(config, "it did not answer in time")),
        }
    }

    async fn transaction(&self, to: &mut AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Tried {
        let mail = match mail_command(to, envelope, message) {
            Ok(mail) => mail,
            Err(refused) => return Tried::Answered(refused),
        };
        if let Err(tried) = self.step(to, mail).await {
            return tried;
        }
        if let Err(tried) = self.step(to, format!("RCPT TO:<{}>\r\n", envelope.rcpt_to)).await {
            return tried;
        }
        if let Err(tried) = self.step(to, Data).await {
            return tried;
        }
        // lettre ends the message with CRLF . CRLF itself; its own last CRLF would make an empty line more.
        let message = message.strip_suffix(b"\r\n").unwrap_or(message);
        match timeout(self.timeouts.data, to.message_iter(message.chunks(64 * 1024))).await {
            Ok(Ok(response)) => Tried::Answered(accepted(&response)),
            Ok(Err(err)) => match refused(&err) {
                Some(outcome) if !is_421(&err) => Tried::Answered(outcome),
                Some(outcome) => Tried::Closing(outcome),
                None => Tried::Closing(lost(&err)),
            },
            Err(_) => {
                Tried::Closing(Outcome::Unreachable { text: "The relay did not confirm the message in time".into() })
            }
        }
    }

    /// One command before the message; anything but a positive reply ends the try.
    async fn step(&self, to: &mut AsyncSmtpConnection, command: impl Display) -> Result<Response, Tried> {
        match timeout(self.timeouts.command, to.command(command)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(err)) => Err(match refused(&err) {
                Some(outcome) if is_421(&err) => Tried::Lost(outcome),
                Some(outcome) => Tried::Answered(outcome),
                None => Tried::Lost(lost(&err)),
            }),
            Err(_) => Err(Tried::Closing(Outcome::Unreachable { text: "The relay did not answer in time".into() })),
        }
    }
}

/// MAIL FROM with the extensions this message needs, or a refusal where the relay lacks them.
fn mail_command(to: &AsyncSmtpConnection, envelope: &Envelope, message: &[u8]) -> Result<String, Outcome> {
    let server = to.server_info();
    let mut command = format!("MAIL FROM:<{}>", envelope.mail_from);
    if !message.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(refusal(554, "5.6.3", "The relay takes no 8-bit mail (8BITMIME)"));
        }
        command.push_str(" BODY=8BITMIME");
    }
    if !(envelope.mail_from.is_ascii() && envelope.rcpt_to.is_ascii()) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(refusal(553, "5.6.7", "The relay takes no addresses beyond ASCII (SMTPUTF8)"));
        }
        command.push_str(" SMTPUTF8");
    }
    command.push_str("\r\n");
    Ok(command)
}

/// A refusal of addresses that would break out of their command. They are checked where they enter; this is the last
/// gate before the wire.
fn unspeakable(envelope: &Envelope) -> Option<Outcome> {
    let bad = |address: &str| {
        let quoted = address.starts_with('"');
        address.chars().any(|c| c.is_control() || (!quoted && matches!(c, ' ' | '<' | '>')))
    };
    (envelope.rcpt_to.is_empty() || bad(&envelope.rcpt_to) || bad(&envelope.mail_from))
        .then(|| refusal(553, "5.1.3", "The address cannot be written in SMTP"))
}

fn refusal(code: u16, enhanced: &str, text: &str) -> Outcome {
    Outcome::Refused { code, enhanced: Some(enhanced.into()), text: text.into() }
}

fn accepted(response: &Response) -> Outcome {
    Outcome::Accepted { code: response.code().into(), text: response.message().collect::<Vec<_>>().join(" ") }
}

/// The refusal in a negative reply; None when the error is not a reply.
fn refused(err: &Error) -> Option<Outcome> {
    let code = u16::from(err.status()?);
    let text = std::error::Error::source(err).map_or(Cow::Borrowed(""), |text| text.to_string().into());
    let enhanced = enhanced_code(&text, code).map(str::to_owned);
    Some(Outcome::Refused { code, enhanced, text: text.into_owned() })
}

/// The enhanced status code a reply begins with, where it agrees with the reply's class (RFC 2034, section 4).
fn enhanced_code(text: &str, code: u16) -> Option<&str> {
    let word = text.split_ascii_whitespace().next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let numbers = parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    (parts.len() == 3 && numbers && parts[0].parse() == Ok(code / 100)).then_some(word)
}

fn is_421(err: &Error) -> bool {
    err.status().is_some_and(|code| u16::from(code) == 421)
}

fn lost(err: &Error) -> Outcome {
    Outcome::Unreachable { text: format!("The connection to the relay was lost: {err}") }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
