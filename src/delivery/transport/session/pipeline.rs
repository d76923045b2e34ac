//! Commands in groups (RFC 2920): where the server takes them, a message costs two round trips instead of four or five.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;
use tokio::time::timeout;

use super::{Session, Timeouts, Tried, is_421, lost, refused};
use crate::delivery::transport::Outcome;

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// Not asked yet.
    Unknown,
    Taken,
    /// It does not offer PIPELINING.
    Refused,
}

impl Session {
    /// Asks by an EHLO more whether the server takes commands in groups: the client library keeps the first answer to
    /// itself. An EHLO also begins anew, as RSET does (RFC 5321, section 4.1.4); answers whether it did.
    ///
    /// # Errors
    /// When the connection is lost; a server that says no takes no groups.
    pub(in crate::delivery::transport) async fn learn(&mut self) -> Result<bool, Error> {
        let said = self.say(&format!("EHLO {}\r\n", self.local_name)).await;
        let offers = |response: &Response| response.message().any(|line| line.eq_ignore_ascii_case("PIPELINING"));
        let taken = match &said {
            Ok(response) => offers(response),
            Err(err) if err.status().is_some() && !is_421(err) => false,
            Err(_) => return said.map(|_| false),
        };
        self.groups = if taken { Groups::Taken } else { Groups::Refused };
        Ok(said.is_ok())
    }

    /// Whether a kept connection is still good for another message. Where commands go in groups, only the next one tells.
    pub(in crate::delivery::transport) async fn reset(&mut self, within: Duration) -> bool {
        if self.groups == Groups::Unknown {
            match timeout(within, self.learn()).await {
                Ok(Ok(true)) => return true,
                Ok(Ok(false)) => {}
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        if self.groups == Groups::Taken {
            self.used = true;
            return true;
        }
        matches!(timeout(within, self.smtp.command("RSET\r\n")).await, Ok(Ok(_)))
    }

    /// Everything before the message as one group; anything but positive replies ends the try.
    pub(super) async fn begin_together(&mut self, mail: &str, rcpt: &str, timeouts: Timeouts) -> Result<(), Tried> {
        let reset = std::mem::take(&mut self.used).then_some("RSET\r\n");
        let commands: Vec<&str> = reset.into_iter().chain([mail, rcpt, "DATA\r\n"]).collect();
        let mut refusal: Option<Outcome> = None;
        for (place, command) in commands.iter().enumerate() {
            let first = (place == 0).then(|| commands.concat());
            let begins = reset.is_some() && place == 0;
            match timeout(timeouts.command, self.reply(command, first.as_deref())).await {
                Ok(Ok(_)) if *command == "DATA\r\n" && refusal.is_some() => self.end_empty(timeouts).await?,
                Ok(Ok(_)) => {}
                Ok(Err(err)) => match refused(&err) {
                    Some(outcome) if begins || is_421(&err) => return Err(Tried::Lost(outcome)),
                    Some(outcome) => refusal = refusal.or(Some(outcome)),
                    None => return Err(Tried::Lost(lost(&err))),
                },
                // A kept connection that is silent from the start may be one that nobody holds any more.
                Err(_) if begins => return Err(Tried::Lost(silent())),
                Err(_) => return Err(Tried::Closing(silent())),
            }
        }
        refusal.map_or(Ok(()), |outcome| Err(Tried::Answered(outcome)))
    }

    /// The reply to a command of a group; `group` is written before the first is read.
    async fn reply(&mut self, command: &str, group: Option<&str>) -> Result<Response, Error> {
        self.transcript.note(crate::domain::conversation::Speaker::Us, command);
        let said = match group {
            Some(group) => self.smtp.command(group).await,
            None => self.smtp.read_response().await,
        };
        match &said {
            Ok(response) => self.hear(response),
            Err(err) => self.hear_no(err),
        }
        said
    }

    /// Ends a message that has no recipient: some servers say 354 all the same (RFC 2920, section 3.1).
    async fn end_empty(&mut self, timeouts: Timeouts) -> Result<(), Tried> {
        match timeout(timeouts.command, self.smtp.command("\r\n.\r\n")).await {
            Ok(Err(err)) if err.status().is_none() => Err(Tried::Closing(lost(&err))),
            Ok(_) => Ok(()),
            Err(_) => Err(Tried::Closing(silent())),
        }
    }
}

fn silent() -> Outcome {
    Outcome::Unreachable { text: "The server did not answer in time".into() }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
