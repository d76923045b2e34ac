//! From an open socket to where MAIL may follow: the greeting, EHLO or HELO, STARTTLS, the sign-in.

use std::time::Duration;

use super::{DONE, GO_ON, Session};
use crate::delivery::transport::connect::NotConnected;
use crate::delivery::transport::connection::offers::Offers;
use crate::delivery::transport::connection::reply::Reply;
use crate::delivery::transport::connection::tls::Tls;
use crate::delivery::transport::connection::{Connection, NoReply};
use crate::delivery::transport::transcript::Transcript;
use crate::domain::conversation::Speaker;

/// Of one reply while a connection is opened: whoever opens it has a limit for all of it together.
const STEP: Duration = Duration::from_secs(300);

impl Session {
    /// Waits for the greeting and says who we are.
    pub(in crate::delivery::transport) async fn begin_on(
        smtp: Connection,
        local_name: &str,
        transcript: Transcript,
    ) -> Result<Self, NotConnected> {
        let (local_name, offers) = (local_name.to_owned(), Offers::default());
        let mut session = Self { smtp, transcript, local_name, offers, used: false, clear: None };
        let greeting = session.smtp.reply(STEP).await;
        session.hear(&greeting);
        session.wanted(greeting, DONE).await?;
        session.greet().await?;
        Ok(session)
    }

    /// EHLO, or HELO where that is refused: a server so old offers nothing (RFC 5321, section 3.2).
    async fn greet(&mut self) -> Result<(), NotConnected> {
        let ehlo = self.say(&format!("EHLO {}\r\n", self.local_name), STEP).await;
        let refused = match ehlo {
            Ok(reply) if reply.class() == 5 && reply.whole => reply,
            ehlo => {
                self.offers = Offers::of(&self.wanted(ehlo, DONE).await?);
                return Ok(());
            }
        };
        match self.say(&format!("HELO {}\r\n", self.local_name), STEP).await {
            // Who hangs up after a refusal has said why before.
            Err(_) => Err(NotConnected::refused(&refused)),
            helo => self.wanted(helo, DONE).await.map(|_| self.offers = Offers::default()),
        }
    }

    /// The reply, if it is of the class that is due. To others we say goodbye.
    async fn wanted(&mut self, said: Result<Reply, NoReply>, due: u16) -> Result<Reply, NotConnected> {
        let reply = said.map_err(NotConnected::new)?;
        if reply.class() == due && reply.whole {
            return Ok(reply);
        }
        if !self.smtp.has_broken() {
            self.transcript.note(Speaker::Us, "QUIT");
            // Nobody waits for its answer.
            drop(self.smtp.write("QUIT\r\n", Duration::from_secs(1)).await);
        }
        Err(if reply.whole || reply.is_no() {
            NotConnected::refused(&reply)
        } else {
            NotConnected::new(format_args!("its answer has no end ({} {})", reply.code, reply.text()))
        })
    }

    /// Encrypts the connection and says who we are again: what was said before counts no more (RFC 3207, section 4.2).
    pub(in crate::delivery::transport) async fn starttls(
        mut self,
        name: &str,
        tls: &Tls,
        verified: bool,
    ) -> Result<Self, NotConnected> {
        let reply = self.say("STARTTLS\r\n", STEP).await;
        self.wanted(reply, DONE).await?;
        let transcript = self.transcript.clone();
        let encrypted = self.smtp.encrypt(name, tls, verified).await.inspect_err(|why| {
            transcript.note(Speaker::Note, why);
        });
        self.smtp = encrypted.map_err(NotConnected::new)?;
        self.transcript.note(Speaker::Note, "The connection is encrypted from here on.");
        self.greet().await?;
        Ok(self)
    }

    /// Signs in by the best way that the server offers.
    pub(in crate::delivery::transport) async fn sign_in(
        &mut self,
        user: &(String, String),
    ) -> Result<(), NotConnected> {
        let Some(mechanism) = self.offers.mechanism() else {
            return Err(NotConnected::new("it offers no way to sign in that we know: PLAIN or LOGIN"));
        };
        self.transcript.note(Speaker::Us, mechanism.masked());
        let said = self.smtp.sign_in(mechanism, user, STEP).await;
        self.hear(&said);
        match said {
            Ok(reply) if reply.class() == GO_ON => Err(NotConnected::new("it asked for more than name and password")),
            said => self.wanted(said, DONE).await.map(drop),
        }
    }
}
