//! What the listener answers: a code (RFC 5321 section 4.2), an enhanced status (RFC 3463), and words. The one place
//! where the errors of actions become SMTP.

use crate::actions::ActionError;
use crate::actions::prepare_submission::{DEPTH, FROM};
use crate::domain::limits::Bound;
use crate::domain::returned::InboundRefusal;
use crate::models::health::Lack;

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    pub fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, lines: vec![text.into()] }
    }

    pub fn of_lines(code: u16, lines: Vec<String>) -> Self {
        Self { code, lines }
    }

    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// As it goes on the wire.
    #[must_use]
    pub fn wire(&self) -> String {
        let last = self.lines.len().saturating_sub(1);
        let line =
            |(at, text): (usize, &String)| format!("{}{}{text}\r\n", self.code, if at == last { ' ' } else { '-' });
        self.lines.iter().enumerate().map(line).collect()
    }

    pub fn ok(text: &str) -> Self {
        Self::new(250, format!("2.0.0 {text}"))
    }

    pub fn syntax(why: &str) -> Self {
        Self::new(500, format!("5.5.2 Not understood: {why}"))
    }

    pub fn unknown() -> Self {
        Self::new(500, "5.5.1 There is no such command")
    }

    pub fn not_offered() -> Self {
        Self::new(502, "5.5.1 This command is not offered here")
    }

    pub fn arguments() -> Self {
        Self::new(501, "5.5.4 The arguments are not right")
    }

    pub fn parameter() -> Self {
        Self::new(555, "5.5.4 A parameter is not offered here")
    }

    /// What a sentence of ours says, as far as a reply can: ASCII, and no longer than a line may be.
    pub fn said(code: u16, status: &str, sentence: &str) -> Self {
        let plain = |letter: char| match letter {
            '“' | '”' => '"',
            ' '..='~' => letter,
            _ => '?',
        };
        Self::new(code, format!("{status} {}", sentence.chars().map(plain).take(400).collect::<String>()))
    }

    pub fn sequence(what: &str) -> Self {
        Self::new(503, format!("5.5.1 {what} first"))
    }

    pub fn too_large() -> Self {
        Self::new(552, "5.3.4 The message is too large")
    }

    /// Of a message that this node has no memory for at the moment.
    pub fn no_room() -> Self {
        Self::new(452, "4.3.1 There is no room for this message at the moment, try again later")
    }

    pub fn closing(why: &str) -> Self {
        Self::new(421, format!("4.3.2 {why}, closing"))
    }

    /// Of an address at RCPT. Who forged one learns no more than who mistyped it.
    pub fn no_such_recipient(refusal: InboundRefusal) -> Self {
        match refusal {
            InboundRefusal::Relay => {
                Self::new(550, "5.7.1 Only reports about mail from here are taken, nothing is relayed")
            }
            _ => Self::new(550, "5.1.1 There is no such address here"),
        }
    }
}

impl From<&ActionError> for Reply {
    fn from(error: &ActionError) -> Self {
        match error {
            ActionError::Unavailable(Lack::Line) => Self::closing("Too much is going on here, try again later"),
            ActionError::Unavailable(Lack::Memory) => Self::no_room(),
            ActionError::Unavailable(Lack::Places) => {
                Self::new(451, "4.3.2 Too much is going on here, try again later")
            }
            ActionError::Unavailable(_) | ActionError::Conflict(_) | ActionError::Internal(_) => {
                Self::new(451, "4.3.0 It could not be recorded yet, try again later")
            }
            ActionError::NotFound(_) => Self::new(550, "5.1.1 There is no such address here"),
            ActionError::Forbidden(_) => Self::new(550, "5.7.1 That is not permitted"),
            ActionError::Invalid(fields) => match fields.first() {
                Some(field) if field.field == FROM => Self::said(550, "5.7.1", &field.message),
                Some(field) if field.field == DEPTH => Self::said(552, "5.3.4", &field.message),
                Some(field) => Self::said(554, "5.6.0", &format!("{}: {}", field.field, field.message)),
                None => Self::new(554, "5.6.0 The message cannot be used"),
            },
            // No time lifts it: a person switched it off.
            ActionError::CapReached { bound: Bound::Nothing, .. } => Self::said(550, "5.7.1", &error.to_string()),
            ActionError::CapReached { .. } => Self::said(452, "4.7.0", &error.to_string()),
            ActionError::Suspended { .. } => Self::new(521, "5.7.0 The account is suspended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_an_action_has_its_reply() {
        let at = chrono::DateTime::UNIX_EPOCH;
        for (error, code) in [
            (ActionError::NotFound("x"), 550),
            (ActionError::Forbidden("x".into()), 550),
            (ActionError::Invalid(Vec::new()), 554),
            (ActionError::invalid(FROM, "“ü” is not yours"), 550),
            (ActionError::invalid(DEPTH, "x"), 552),
            (ActionError::invalid("header", "x"), 554),
            (ActionError::CapReached { bound: Bound::Nothing, cap: 0, used: 0, resets_at: at }, 550),
            (ActionError::Conflict("x".into()), 451),
            (ActionError::CapReached { bound: Bound::Month, cap: 1, used: 1, resets_at: at }, 452),
            (ActionError::Suspended { parent: true }, 521),
            (ActionError::Unavailable(Lack::Database), 451),
            (ActionError::Unavailable(Lack::Disk), 451),
            (ActionError::Unavailable(Lack::Writes), 451),
            (ActionError::Unavailable(Lack::Line), 421),
            (ActionError::Unavailable(Lack::Memory), 452),
            (ActionError::Unavailable(Lack::Places), 451),
            (ActionError::Internal("a secret".into()), 451),
        ] {
            let reply = Reply::from(&error);
            assert_eq!(reply.code(), code, "{error:?}");
            assert!(!reply.wire().contains("secret") && reply.wire().is_ascii());
        }
    }

    #[test]
    fn a_reply_of_many_lines_marks_all_but_the_last() {
        let reply = Reply::of_lines(250, vec!["a".into(), "b".into()]);
        assert_eq!(reply.wire(), "250-a\r\n250 b\r\n");
        assert_eq!(Reply::ok("c").wire(), "250 2.0.0 c\r\n");
    }
}
