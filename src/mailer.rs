//! Mail the platform itself sends to the people who use it: invitations, password resets, alerts.
//! Not the customers' mail: nothing here is queued, counted or tracked. Words come rendered from elsewhere.

use std::fmt;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;

use crate::delivery::transport::mailbox::write_once;
use crate::delivery::transport::relay::{Relay, Timeouts};
use crate::delivery::transport::{Envelope, Outcome, RelayConfig};
use crate::domain::ids::Id;

/// One rendered message to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemMail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// How system mail leaves.
#[derive(Debug, Clone)]
pub enum SystemTransport {
    Smtp(RelayConfig),
    /// As files below `{path}/new`, for the demo and for tests.
    Maildir(PathBuf),
}

/// Sends system mail. Clones share the relay's connections.
#[derive(Clone)]
pub struct Mailer {
    transport: SystemTransport,
    relay: Relay,
    from_name: String,
    from_address: String,
}

/// Why a message did not leave; the caller's job tries again while `again` is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSent {
    pub again: bool,
    pub reason: String,
}

impl Mailer {
    /// `from_name` and `from_address` are what the receiver sees as sender, and where bounces go.
    pub fn new(transport: SystemTransport, from_name: &str, from_address: &str) -> Self {
        let relay = Relay::new(Timeouts::default());
        Self { transport, relay, from_name: from_name.to_owned(), from_address: from_address.to_owned() }
    }

    /// Sends `mail`, dated `now`.
    ///
    /// # Errors
    /// When it was not taken; see [`NotSent`].
    pub async fn send(&self, mail: &SystemMail, now: DateTime<Utc>) -> Result<(), NotSent> {
        self.leave(mail, &self.from_address, now).await
    }

    /// Sends what others wrote: with a null return path, so that nothing comes back of it.
    ///
    /// # Errors
    /// When it was not taken; see [`NotSent`].
    pub async fn pass_on(&self, mail: &SystemMail, now: DateTime<Utc>) -> Result<(), NotSent> {
        self.leave(mail, "", now).await
    }

    async fn leave(&self, mail: &SystemMail, return_path: &str, now: DateTime<Utc>) -> Result<(), NotSent> {
        let id = Id::new(now);
        let message = self.build(mail, id, now)?;
        match &self.transport {
            SystemTransport::Smtp(config) => {
                let envelope = Envelope { mail_from: return_path.into(), rcpt_to: mail.to.clone() };
                sent(self.relay.send(config, &envelope, &message).await)
            }
            SystemTransport::Maildir(path) => {
                let path = path.clone();
                let write = move || write_once(&path, &format!("{id}.eml"), &message);
                let written = tokio::task::spawn_blocking(write).await.map_err(std::io::Error::other);
                written.and_then(|done| done).map_err(|err| NotSent { again: true, reason: err.to_string() })
            }
        }
    }

    fn build(&self, mail: &SystemMail, id: Id, now: DateTime<Utc>) -> Result<Vec<u8>, NotSent> {
        if mail.to.chars().any(char::is_control) {
            return Err(NotSent { again: false, reason: "the address holds control characters".into() });
        }
        let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let host = self.from_address.rsplit_once('@').map_or("localhost", |(_, host)| host);
        let message = MessageBuilder::new()
            .from(Address::new_address(Some(self.from_name.as_str()), self.from_address.as_str()))
            .to(Address::new_address(None::<&str>, mail.to.as_str()))
            .subject(subject)
            .date(now.timestamp())
            .message_id(format!("{id}@{host}"))
            // Keeps holiday notices from answering (RFC 3834, section 5).
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .text_body(mail.text.as_str())
            .html_body(mail.html.as_str());
        message.write_to_vec().map_err(|err| NotSent { again: false, reason: err.to_string() })
    }
}

fn sent(outcome: Outcome) -> Result<(), NotSent> {
    let again = !outcome.is_permanent();
    match outcome {
        Outcome::Accepted { .. } => Ok(()),
        Outcome::Refused { code, text, .. } => Err(NotSent { again, reason: format!("{code} {text}") }),
        Outcome::Unreachable { text } => Err(NotSent { again, reason: text }),
        Outcome::NotNow { .. } => Err(NotSent { again, reason: "there is no room for it just now".into() }),
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for NotSent {}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn mail() -> SystemMail {
        SystemMail {
            to: "zoe@example.org".into(),
            subject: "You were invited to Müller & Söhne".into(),
            text: "Open this link.".into(),
            html: "<p>Open this link.</p>".into(),
        }
    }

    #[tokio::test]
    async fn an_invitation_lands_as_one_readable_file() {
        let path = std::env::temp_dir().join(format!("canopy-mailer-{}", Id::new(now())));
        let mailer = Mailer::new(SystemTransport::Maildir(path.clone()), "Canopy", "hello@platform.example");
        mailer.send(&mail(), now()).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(path.join("new")).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        let raw = std::fs::read(&files[0]).unwrap();
        let message = MessageParser::default().parse(&raw).unwrap();
        assert_eq!(message.subject(), Some("You were invited to Müller & Söhne"));
        assert_eq!(message.from().unwrap().first().unwrap().address(), Some("hello@platform.example"));
        assert_eq!(message.to().unwrap().first().unwrap().address(), Some("zoe@example.org"));
        assert_eq!(message.date().unwrap().to_timestamp(), 1_790_000_000);
        assert_eq!(message.body_text(0).unwrap(), "Open this link.");
        assert_eq!(message.body_html(0).unwrap(), "<p>Open this link.</p>");
        assert!(message.message_id().unwrap().ends_with("@platform.example"));
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_subject_or_an_address_cannot_add_a_header() {
        let mailer = Mailer::new(SystemTransport::Maildir("unused".into()), "Canopy", "hello@platform.example");
        let injected = SystemMail { subject: "Hi\r\nBcc: eve@example.net".into(), ..mail() };
        let raw = mailer.build(&injected, Id::new(now()), now()).unwrap();
        let message = MessageParser::default().parse(&raw).unwrap();
        assert!(message.bcc().is_none(), "{}", String::from_utf8_lossy(&raw));
        let injected = SystemMail { to: "zoe@example.org\r\nBcc: eve@example.net".into(), ..mail() };
        assert!(!mailer.build(&injected, Id::new(now()), now()).unwrap_err().again);
    }
}
