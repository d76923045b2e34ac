//! One open connection, on which we drive MAIL, RCPT and DATA ourselves, one recipient a transaction, so that every
//! recipient gets its own reply.

mod pipeline;

use std::borrow::Cow;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use pipeline::Groups;

use super::transcript::Transcript;
use super::{Envelope, Outcome};
use crate::domain::conversation::Speaker;

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

/// How one try on one connection ended.
pub(super) enum Tried {
    /// With an answer, the connection still good.
    Answered(Outcome),
    /// With an answer, the connection not to be used again.
    Closing(Outcome),
    /// Before DATA was accepted: nothing can have been delivered, another connection may do better.
    Lost(Outcome),
}

impl Tried {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Answered(outcome) | Self::Closing(outcome) | Self::Lost(outcome) => outcome,
        }
    }
}

/// How long a server is waited for that we say goodbye to.
const GOODBYE: Duration = Duration::from_secs(5);

pub(super) struct Session {
    smtp: AsyncSmtpConnection,
    transcript: Transcript,
    /// The name we give.
    local_name: String,
    groups: Groups,
    /// It has carried a message: what comes next begins with RSET.
    used: bool,
    /// Why it is in the clear though the server offers TLS.
    clear: Option<String>,
}

impl Session {
    pub(super) fn new(smtp: AsyncSmtpConnection, local_name: &str, transcript: Transcript) -> Self {
        let local_name = local_name.to_owned();
        Self { smtp, transcript, local_name, groups: Groups::Unknown, used: false, clear: None }
    }

    /// The same, unencrypted for this reason.
    pub(super) fn in_the_clear(self, why: String) -> Self {
        Self { clear: Some(why), ..self }
    }

    pub(super) fn has_broken(&self) -> bool {
        self.smtp.has_broken()
    }

    pub(super) fn can_starttls(&self) -> bool {
        self.smtp.can_starttls()
    }

    /// lettre gives STARTTLS and the EHLO after it itself.
    pub(super) async fn starttls(&mut self, tls: TlsParameters, hello: &ClientId) -> Result<(), Error> {
        self.transcript.note(Speaker::Us, "STARTTLS");
        match self.smtp.starttls(tls, hello).await {
            Ok(()) => self.transcript.note(Speaker::Note, "The connection is encrypted from here on."),
            Err(err) => {
                self.hear_no(&err);
                return Err(err);
            }
        }
        Ok(())
    }

    /// Asks once more what the server offers, where somebody reads along: inside TLS the first answer went unseen.
    pub(super) async fn greeted(mut self) -> Self {
        if self.transcript.is_kept() {
            // A refusal is in the transcript; what follows shows whether it matters.
            drop(self.learn().await);
        }
        self
    }

    pub(super) async fn sign_in(&mut self, offers: &[Mechanism], credentials: &Credentials) -> Result<(), Error> {
        if let Some(mechanism) = self.smtp.server_info().get_auth_mechanism(offers) {
            self.transcript.note(Speaker::Us, &format!("AUTH {mechanism} ****"));
        }
        match self.smtp.auth(offers, credentials).await {
            Ok(response) => self.hear(&response),
            Err(err) => {
                self.hear_no(&err);
                return Err(err);
            }
        }
        Ok(())
    }

    /// Ends the connection politely. A server that does not answer loses nothing by our closing the socket.
    pub(super) async fn quit(mut self) {
        drop(timeout(GOODBYE, self.say("QUIT\r\n")).await);
    }

    /// Hands one message, in wire form, to one recipient.
    pub(super) async fn hand_over(&mut self, envelope: &Envelope, message: &[u8], timeouts: Timeouts) -> Tried {
        let mail = match self.mail_command(envelope, message) {
            Ok(mail) => mail,
            Err(refused) => return Tried::Answered(refused),
        };
        let rcpt = format!("RCPT TO:<{}>\r\n", envelope.rcpt_to);
        let begun = match self.groups {
            Groups::Taken => self.begin_together(&mail, &rcpt, timeouts).await,
            Groups::Unknown | Groups::Refused => self.begin(&[&mail, &rcpt, "DATA\r\n"], timeouts).await,
        };
        if let Err(tried) = begun {
            return tried;
        }
        // lettre ends the message with CRLF . CRLF itself; its own last CRLF would make an empty line more.
        let message = message.strip_suffix(b"\r\n").unwrap_or(message);
        self.transcript.note(Speaker::Note, &format!("The message follows: {} bytes, and a final dot.", message.len()));
        match timeout(timeouts.data, self.smtp.message_iter(message.chunks(64 * 1024))).await {
            Ok(Ok(response)) => {
                self.hear(&response);
                Tried::Answered(self.accepted(&response))
            }
            Ok(Err(err)) => {
                self.hear_no(&err);
                match refused(&err) {
                    Some(outcome) if !is_421(&err) => Tried::Answered(outcome),
                    Some(outcome) => Tried::Closing(outcome),
                    None => Tried::Closing(lost(&err)),
                }
            }
            Err(_) => {
                Tried::Closing(Outcome::Unreachable { text: "The server did not confirm the message in time".into() })
            }
        }
    }

    /// Everything before the message, one by one.
    async fn begin(&mut self, commands: &[&str], timeouts: Timeouts) -> Result<(), Tried> {
        for command in commands {
            self.step(command, timeouts).await?;
        }
        Ok(())
    }

    /// One command before the message; anything but a positive reply ends the try.
    async fn step(&mut self, command: &str, timeouts: Timeouts) -> Result<(), Tried> {
        match timeout(timeouts.command, self.say(command)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(err)) => Err(match refused(&err) {
                Some(outcome) if is_421(&err) => Tried::Lost(outcome),
                Some(outcome) => Tried::Answered(outcome),
                None => Tried::Lost(lost(&err)),
            }),
            Err(_) => Err(Tried::Closing(Outcome::Unreachable { text: "The server did not answer in time".into() })),
        }
    }

    async fn say(&mut self, command: &str) -> Result<Response, Error> {
        self.transcript.note(Speaker::Us, command);
        let said = self.smtp.command(command).await;
        match &said {
            Ok(response) => self.hear(response),
            Err(err) => self.hear_no(err),
        }
        said
    }

    fn hear(&self, response: &Response) {
        if !self.transcript.is_kept() {
            return;
        }
        let code = response.code();
        let lines: Vec<&str> = response.message().collect();
        for (index, line) in lines.iter().enumerate() {
            let dash = if index + 1 < lines.len() { '-' } else { ' ' };
            self.transcript.note(Speaker::Server, &format!("{code}{dash}{line}"));
        }
        if lines.is_empty() {
            self.transcript.note(Speaker::Server, &code.to_string());
        }
    }

    fn hear_no(&self, err: &Error) {
        match answer(err) {
            Some((code, text)) => self.transcript.note(Speaker::Server, &format!("{code} {text}")),
            None => self.transcript.note(Speaker::Note, &err.to_string()),
        }
    }

    /// MAIL FROM with the extensions this message needs, or a refusal where the server lacks them.
    fn mail_command(&self, envelope: &Envelope, message: &[u8]) -> Result<String, Outcome> {
        let server = self.smtp.server_info();
        let mut command = format!("MAIL FROM:<{}>", envelope.mail_from);
        if !message.is_ascii() {
            if !server.supports_feature(Extension::EightBitMime) {
                return Err(refusal(554, "5.6.3", "The server takes no 8-bit mail (8BITMIME)"));
            }
            command.push_str(" BODY=8BITMIME");
        }
        if !(envelope.mail_from.is_ascii() && envelope.rcpt_to.is_ascii()) {
            if !server.supports_feature(Extension::SmtpUtfEight) {
                return Err(refusal(553, "5.6.7", "The server takes no addresses beyond ASCII (SMTPUTF8)"));
            }
            command.push_str(" SMTPUTF8");
        }
        command.push_str("\r\n");
        Ok(command)
    }

    fn accepted(&self, response: &Response) -> Outcome {
        let mut text = response.message().collect::<Vec<_>>().join(" ");
        if let Some(why) = &self.clear {
            text.push_str(&format!(" [sent in the clear: {why}]"));
        }
        Outcome::Accepted { code: response.code().into(), text }
    }
}

/// A refusal of addresses that would break out of their command. They are checked where they enter; this is the last
/// gate before the wire.
pub(super) fn unspeakable(envelope: &Envelope) -> Option<Outcome> {
    let bad = |address: &str| {
        let quoted = address.starts_with('"');
        address.chars().any(|c| c.is_control() || (!quoted && matches!(c, ' ' | '<' | '>')))
    };
    (envelope.rcpt_to.is_empty() || bad(&envelope.rcpt_to) || bad(&envelope.mail_from))
        .then(|| refusal(553, "5.1.3", "The address cannot be written in SMTP"))
}

/// A refusal of ours, in the words of SMTP.
pub(super) fn refusal(code: u16, enhanced: &str, text: &str) -> Outcome {
    Outcome::Refused { code, enhanced: Some(enhanced.into()), text: text.into() }
}

/// Code and text of a negative reply; None when the error is not a reply.
pub(super) fn answer(err: &Error) -> Option<(u16, String)> {
    let code = u16::from(err.status()?);
    let text = std::error::Error::source(err).map_or(Cow::Borrowed(""), |text| text.to_string().into());
    Some((code, text.into_owned()))
}

fn refused(err: &Error) -> Option<Outcome> {
    let (code, text) = answer(err)?;
    let enhanced = enhanced_code(&text, code).map(str::to_owned);
    Some(Outcome::Refused { code, enhanced, text })
}

/// The enhanced status code a reply begins with, where it agrees with the reply's class (RFC 2034, section 4).
pub(super) fn enhanced_code(text: &str, code: u16) -> Option<&str> {
    let word = text.split_ascii_whitespace().next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let numbers = parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    (parts.len() == 3 && numbers && parts[0].parse() == Ok(code / 100)).then_some(word)
}

fn is_421(err: &Error) -> bool {
    err.status().is_some_and(|code| u16::from(code) == 421)
}

fn lost(err: &Error) -> Outcome {
    Outcome::Unreachable { text: format!("The connection to the server was lost: {err}") }
}
