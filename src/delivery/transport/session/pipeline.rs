//! Commands in groups (RFC 2920): where the server takes them, a message costs two round trips instead of four or five.

use super::{DONE, GO_ON, NoReply, Session, Timeouts, Tried, lost, silent};
use crate::delivery::transport::Outcome;
use crate::domain::conversation::Speaker;

impl Session {
    /// Everything before the message as one group; anything but positive replies ends the try.
    pub(super) async fn begin_together(&mut self, mail: &str, rcpt: &str, timeouts: Timeouts) -> Result<(), Tried> {
        let reset = std::mem::take(&mut self.used).then_some(("RSET\r\n", DONE));
        let commands: Vec<(&str, u16)> =
            reset.into_iter().chain([(mail, DONE), (rcpt, DONE), ("DATA\r\n", GO_ON)]).collect();
        let group: String = commands.iter().map(|(command, _)| *command).collect();
        if let Err(error) = self.smtp.write(&group, timeouts.command).await {
            return Err(Tried::Lost(lost(&error)));
        }
        let mut refusal: Option<Outcome> = None;
        for (place, (command, due)) in commands.into_iter().enumerate() {
            let begins = reset.is_some() && place == 0;
            match self.next_of_group(command, due, begins, timeouts).await {
                Ok(()) if due == GO_ON && refusal.is_some() => self.end_empty(timeouts).await,
                Ok(()) => {}
                Err(Tried::Answered(outcome)) => refusal = refusal.or(Some(outcome)),
                // Who has refused and then falls silent or hangs up has refused.
                Err(tried) => return Err(refusal.map_or(tried, Tried::Closing)),
            }
        }
        refusal.map_or(Ok(()), |outcome| Err(Tried::Answered(outcome)))
    }

    /// The reply to one command of a group; `Answered` where the replies to the others follow. With `begins` it shows
    /// whether a kept connection is alive: another may do better.
    async fn next_of_group(&mut self, command: &str, due: u16, begins: bool, timeouts: Timeouts) -> Result<(), Tried> {
        self.transcript.note(Speaker::Us, command);
        let said = self.smtp.reply(timeouts.command).await;
        self.hear(&said);
        match said {
            Ok(reply) => self.judge(command, &reply, due).map_err(|tried| match tried {
                Tried::Answered(outcome) if begins => Tried::Lost(outcome),
                // Without its end, the replies behind it cannot be told apart.
                Tried::Answered(outcome) if !reply.whole => Tried::Closing(outcome),
                tried => tried,
            }),
            Err(NoReply::Silent) if !begins => Err(Tried::Closing(silent())),
            Err(NoReply::Silent) => Err(Tried::Lost(silent())),
            Err(error) => Err(Tried::Lost(lost(&error))),
        }
    }

    /// Ends a message that has no recipient: some servers say 354 all the same (RFC 2920, section 3.1). What they make
    /// of it changes nothing; a connection that breaks here is not kept.
    async fn end_empty(&mut self, timeouts: Timeouts) {
        drop(self.smtp.command("\r\n.\r\n", timeouts.command).await);
    }
}

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod tests;
