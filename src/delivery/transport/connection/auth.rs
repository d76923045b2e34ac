//! Signing in: PLAIN (RFC 4616), or LOGIN where a server takes nothing else.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::offers::Mechanism;
use super::reply::Reply;
use super::{Connection, NoReply};

impl Mechanism {
    /// What is noted of it: never the secret.
    pub(in crate::delivery::transport) const fn masked(self) -> &'static str {
        match self {
            Self::Plain => "AUTH PLAIN ****",
            Self::Login => "AUTH LOGIN ****",
        }
    }
}

impl Connection {
    /// The last reply of the sign-in, whatever it is.
    pub(in crate::delivery::transport) async fn sign_in(
        &mut self,
        mechanism: Mechanism,
        (user, password): &(String, String),
        within: Duration,
    ) -> Result<Reply, NoReply> {
        if mechanism == Mechanism::Plain {
            let both = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
            return self.command(&format!("AUTH PLAIN {both}\r\n"), within).await;
        }
        let mut reply = self.command("AUTH LOGIN\r\n", within).await?;
        for answer in [user, password] {
            if reply.class() != 3 || !reply.whole {
                break;
            }
            // Some ask for the password first, or for it alone.
            let answer = if asks_for_the_password(&reply) { password } else { answer };
            reply = self.command(&format!("{}\r\n", BASE64_STANDARD.encode(answer)), within).await?;
        }
        Ok(reply)
    }
}

fn asks_for_the_password(reply: &Reply) -> bool {
    let asked = reply.lines.first().and_then(|line| BASE64_STANDARD.decode(line.trim()).ok()).unwrap_or_default();
    asked.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"pass"))
}
