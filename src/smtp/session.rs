//! One conversation: reads a command, lets its verb answer, keeps the limits, and ends well.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::command::{self, Command};
use super::limits::Limits;
use super::lines::Broken;
use super::reply::Reply;
use super::service::Service;
use super::tls::Tls;
use super::verbs;
use super::wire::{NoLine, Wire};
use crate::app::App;
use crate::domain::returned::InboundRefusal;

/// What all conversations of a listener share.
pub struct Shared<S> {
    pub app: Arc<App>,
    pub limits: Limits,
    /// What STARTTLS shows; it is not offered without.
    pub tls: Option<Arc<Tls>>,
    /// What the listener is for.
    pub service: S,
}

/// What the client has said so far.
pub struct State<R> {
    /// How it greeted last, and whether it was by EHLO.
    pub greeted: Option<(String, bool)>,
    /// A message was begun with MAIL.
    pub begun: bool,
    /// Who it says it is from; empty for the null sender.
    pub from: String,
    pub recipients: Vec<R>,
    /// Messages that were begun.
    pub messages: usize,
    /// Commands that were refused.
    pub errors: usize,
}

impl<R> State<R> {
    /// Before anything was said.
    fn new() -> Self {
        Self { greeted: None, begun: false, from: String::new(), recipients: Vec::new(), messages: 0, errors: 0 }
    }

    /// Forgets the message that was begun.
    pub fn reset(&mut self) {
        self.begun = false;
        self.recipients.clear();
    }
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    GoOn,
    /// The client begins TLS.
    Encrypt,
    Close,
}

pub struct Session<S: Service> {
    pub shared: Arc<Shared<S>>,
    pub wire: Wire,
    pub peer: IpAddr,
    pub state: State<S::Recipient>,
    /// What the service knows about it.
    pub talk: S::Talk,
    /// When it has to be over.
    pub ends: Instant,
}

impl<S: Service> Session<S> {
    pub fn new(shared: Arc<Shared<S>>, wire: Wire, peer: IpAddr) -> Self {
        let ends = Instant::now() + shared.limits.session;
        let talk = shared.service.begin();
        Self { shared, wire, peer, state: State::new(), talk, ends }
    }

    /// Talks until either side has enough, or `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let greeting = Reply::new(220, format!("{} ESMTP{}", self.host_name(), S::GREETING));
        if !self.say(&greeting).await {
            return;
        }
        loop {
            let deadline = self.ends.min(Instant::now() + self.shared.limits.command);
            let limit = self.shared.limits.command_line;
            let line = tokio::select! {
                line = self.wire.line(limit, deadline) => Some(line),
                _ = stop.wait_for(|stop| *stop) => None,
            };
            let Some(line) = line else {
                self.say(&Reply::closing("This server is stopping")).await;
                break;
            };
            let then = match line {
                Ok(line) => self.answer(&line).await,
                Err(why) => self.give_up(why).await,
            };
            if then == Then::Close {
                break;
            }
        }
        self.wire.close().await;
    }

    pub fn host_name(&self) -> &str {
        &self.shared.app.config.host_name
    }

    /// Sends a reply; false when nobody takes it.
    pub async fn say(&mut self, reply: &Reply) -> bool {
        self.wire.say(reply, self.shared.limits.command).await
    }

    async fn answer(&mut self, line: &[u8]) -> Then {
        let (reply, then) = match command::parse(line) {
            Ok(command) => match S::before(self, &command).await {
                Some(instead) => instead,
                None => self.obey(command).await,
            },
            Err(reply) => (reply, Then::GoOn),
        };
        if reply.code() >= 500 {
            self.state.errors += 1;
        }
        let heard = self.say(&reply).await;
        if then == Then::GoOn && self.state.errors > self.shared.limits.errors {
            self.shared.service.refused(InboundRefusal::Limit);
            self.say(&Reply::closing("Too many errors")).await;
            return Then::Close;
        }
        match then {
            _ if !heard => Then::Close,
            Then::Encrypt => verbs::starttls::encrypt(self).await,
            then => then,
        }
    }

    async fn obey(&mut self, command: Command) -> (Reply, Then) {
        let reply = match command {
            Command::Helo(extended, name) => verbs::helo::answer(self, extended, name),
            Command::Mail(from, size) => verbs::mail::answer(self, from, size),
            Command::Rcpt(to) => verbs::rcpt::answer(self, &to),
            Command::Data => return verbs::data::answer(self).await,
            Command::Auth(mechanism, said) => return verbs::auth::answer(self, &mechanism, said).await,
            Command::StartTls => return verbs::starttls::answer(self),
            Command::Rset => {
                self.state.reset();
                Reply::ok("Forgotten")
            }
            Command::Noop => Reply::ok("Nothing done"),
            Command::Vrfy => Reply::new(252, "2.1.5 Addresses are looked at in RCPT only"),
            Command::Quit => return (Reply::new(221, "2.0.0 Good bye"), Then::Close),
            Command::OtherProtocol => {
                self.shared.service.refused(InboundRefusal::Protocol);
                return (Reply::closing("This is SMTP"), Then::Close);
            }
        };
        (reply, Then::GoOn)
    }

    /// Says why there will be no more.
    async fn give_up(&mut self, why: NoLine) -> Then {
        if let Some((refusal, reply)) = last_words(why) {
            self.shared.service.refused(refusal);
            self.say(&reply).await;
        }
        Then::Close
    }
}

/// What is counted and said when there is no line; nothing to one who is gone.
pub fn last_words(why: NoLine) -> Option<(InboundRefusal, Reply)> {
    match why {
        NoLine::Gone => None,
        NoLine::Late => Some((InboundRefusal::Limit, Reply::new(421, "4.4.2 That took too long, closing"))),
        NoLine::Broken(Broken::TooLong) => {
            Some((InboundRefusal::Limit, Reply::new(500, "5.5.2 The line is too long, closing")))
        }
        NoLine::Broken(Broken::BareCr | Broken::BareLf) => {
            Some((InboundRefusal::Protocol, Reply::new(521, "5.5.2 Lines end in CRLF and in nothing else, closing")))
        }
    }
}
