//! One open connection, on which we drive MAIL, RCPT and DATA ourselves, one recipient a transaction, so that every
//! recipient gets its own reply.

mod opening;
mod pipeline;

use std::time::Duration;

use super::connection::offers::Offers;
use super::connection::reply::{Reply, enhanced_code};
use super::connection::{Connection, NoReply};
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
/// The first digits of replies that let us go on (RFC 5321, section 4.2.1).
const DONE: u16 = 2;
const GO_ON: u16 = 3;

pub(super) struct Session {
    smtp: Connection,
    transcript: Transcript,
    /// The name we give.
    local_name: String,
    offers: Offers,
    /// It has carried a message: a group of commands begins with RSET.
    used: bool,
    /// Why it is in the clear though the server offers TLS.
    clear: Option<String>,
}

impl Session {
    /// The same, unencrypted for this reason.
    pub(super) fn in_the_clear(self, why: String) -> Self {
        Self { clear: Some(why), ..self }
    }

    pub(super) fn has_broken(&self) -> bool {
        self.smtp.has_broken()
    }

    pub(super) fn can_starttls(&self) -> bool {
        !self.smtp.is_encrypted() && self.offers.starttls()
    }

    /// Whether a kept connection is still good for another message. Where commands go in groups, only the next one tells.
    pub(super) async fn reset(&mut self, within: Duration) -> bool {
        if self.offers.pipelining() {
            self.used = true;
            return true;
        }
        matches!(self.smtp.command("RSET\r\n", within).await, Ok(reply) if reply.class() == DONE && reply.whole)
    }

    /// Ends the connection politely. A server that does not answer loses nothing by our closing the socket.
    pub(super) async fn quit(mut self) {
        drop(self.say("QUIT\r\n", GOODBYE).await);
    }

    /// Hands one message, in wire form, to one recipient.
    pub(super) async fn hand_over(&mut self, envelope: &Envelope, message: &[u8], timeouts: Timeouts) -> Tried {
        let mail = match self.mail_command(envelope, message) {
            Ok(mail) => mail,
            Err(refused) => return Tried::Answered(refused),
        };
        let rcpt = format!("RCPT TO:<{}>\r\n", envelope.rcpt_to);
        let begun = if self.offers.pipelining() {
            self.begin_together(&mail, &rcpt, timeouts).await
        } else {
            self.begin(&mail, &rcpt, timeouts).await
        };
        match begun {
            Ok(()) => self.transmit(message, timeouts).await,
            Err(tried) => tried,
        }
    }

    /// Everything before the message, one by one.
    async fn begin(&mut self, mail: &str, rcpt: &str, timeouts: Timeouts) -> Result<(), Tried> {
        for (command, due) in [(mail, DONE), (rcpt, DONE), ("DATA\r\n", GO_ON)] {
            match self.say(command, timeouts.command).await {
                Ok(reply) => self.judge(command, &reply, due)?,
                Err(NoReply::Silent) => return Err(Tried::Closing(silent())),
                Err(error) => return Err(Tried::Lost(lost(&error))),
            }
        }
        Ok(())
    }

    /// What the reply to a command before the message says; anything but what is `due` ends the try.
    fn judge(&self, command: &str, reply: &Reply, due: u16) -> Result<(), Tried> {
        if reply.is_no() {
            let refused = refused(reply);
            return Err(if reply.code == 421 { Tried::Lost(refused) } else { Tried::Answered(refused) });
        }
        if reply.class() == due && reply.whole {
            return Ok(());
        }
        let verb = command.split([' ', '\r']).next().unwrap_or_default();
        let wrong = if reply.whole { "which is no answer to it" } else { "which had no end" };
        let said = format!("{} {}", reply.code, reply.text());
        Err(Tried::Lost(Outcome::Unreachable { text: format!("The server answered {verb} with {said}, {wrong}") }))
    }

    /// The message itself. Once its final dot is written a reply with a code decides, whatever else is wrong with it.
    async fn transmit(&mut self, message: &[u8], timeouts: Timeouts) -> Tried {
        let length = message.strip_suffix(b"\r\n").unwrap_or(message).len();
        self.transcript.note(Speaker::Note, &format!("The message follows: {length} bytes, and a final dot."));
        let answered = self.smtp.message(message, timeouts.data).await;
        self.hear(&answered);
        match answered {
            Ok(reply) if reply.class() == DONE => Tried::Answered(self.accepted(&reply)),
            Ok(reply) if reply.code == 421 || !reply.is_no() => Tried::Closing(refused(&reply)),
            Ok(reply) => Tried::Answered(refused(&reply)),
            Err(NoReply::Silent) => {
                Tried::Closing(Outcome::Unreachable { text: "The server did not confirm the message in time".into() })
            }
            Err(error) => Tried::Closing(lost(&error)),
        }
    }

    async fn say(&mut self, command: &str, within: Duration) -> Result<Reply, NoReply> {
        self.transcript.note(Speaker::Us, command);
        let said = self.smtp.command(command, within).await;
        self.hear(&said);
        said
    }

    fn hear(&self, said: &Result<Reply, NoReply>) {
        if !self.transcript.is_kept() {
            return;
        }
        let reply = match said {
            Ok(reply) => reply,
            Err(error) => return self.transcript.note(Speaker::Note, &lost_because(error)),
        };
        for (index, line) in reply.lines.iter().enumerate() {
            let dash = if index + 1 < reply.lines.len() { '-' } else { ' ' };
            self.transcript.note(Speaker::Server, format!("{:03}{dash}{line}", reply.code).trim_end());
        }
    }

    /// MAIL FROM with the extensions this message needs, or a refusal where the server lacks them.
    fn mail_command(&self, envelope: &Envelope, message: &[u8]) -> Result<String, Outcome> {
        let mut command = format!("MAIL FROM:<{}>", envelope.mail_from);
        if !message.is_ascii() {
            if !self.offers.eight_bit_mime() {
                return Err(refusal(554, "5.6.3", "The server takes no 8-bit mail (8BITMIME)"));
            }
            command.push_str(" BODY=8BITMIME");
        }
        if !(envelope.mail_from.is_ascii() && envelope.rcpt_to.is_ascii()) {
            if !self.offers.smtp_utf8() {
                return Err(refusal(553, "5.6.7", "The server takes no addresses beyond ASCII (SMTPUTF8)"));
            }
            command.push_str(" SMTPUTF8");
        }
        command.push_str("\r\n");
        Ok(command)
    }

    fn accepted(&self, reply: &Reply) -> Outcome {
        let mut text = reply.text();
        if let Some(why) = &self.clear {
            text.push_str(&format!(" [sent in the clear: {why}]"));
        }
        Outcome::Accepted { code: reply.code, text }
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

fn refused(reply: &Reply) -> Outcome {
    let text = reply.text();
    let enhanced = enhanced_code(&text, reply.code).map(str::to_owned);
    Outcome::Refused { code: reply.code, enhanced, text }
}

fn lost(error: &NoReply) -> Outcome {
    Outcome::Unreachable { text: lost_because(error) }
}

fn lost_because(error: &NoReply) -> String {
    format!("The connection to the server was lost: {error}")
}

fn silent() -> Outcome {
    Outcome::Unreachable { text: "The server did not answer in time".into() }
}
