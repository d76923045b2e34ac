//! One conversation: reads a command, lets its verb answer, keeps the limits, and ends well.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::command::{self, Command};
use super::counted::Counted;
use super::limits::Limits;
use super::lines::Broken;
use super::reply::Reply;
use super::tls::Tls;
use super::verbs;
use super::wire::{NoLine, Wire};
use crate::actions::receive_report::Recipient;
use crate::app::App;
use crate::domain::returned::InboundRefusal;

/// What all conversations of a listener share.
pub struct Shared {
    pub app: Arc<App>,
    pub limits: Limits,
    pub counted: Counted,
    /// Turns at being recorded.
    pub recording: Semaphore,
    /// What STARTTLS shows; it is not offered without.
    pub tls: Option<Arc<Tls>>,
}

/// What the client has said so far.
#[derive(Debug, Default)]
pub struct State {
    pub greeted: bool,
    /// A message was begun with MAIL.
    pub begun: bool,
    /// Who it says it is from; empty for the null sender.
    pub from: String,
    pub recipients: Vec<Recipient>,
    /// Messages that were begun.
    pub messages: usize,
    /// Commands that were refused.
    pub errors: usize,
}

impl State {
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

pub struct Session {
    pub shared: Arc<Shared>,
    pub wire: Wire,
    pub peer: IpAddr,
    pub state: State,
    /// When it has to be over.
    pub ends: Instant,
}

impl Session {
    pub fn new(shared: Arc<Shared>, wire: Wire, peer: IpAddr) -> Self {
        let ends = Instant::now() + shared.limits.session;
        Self { shared, wire, peer, state: State::default(), ends }
    }

    /// Talks until either side has enough, or `stop` turns true.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let greeting = Reply::new(220, format!("{} ESMTP, reports about mail from here only", self.host_name()));
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
            Ok(Command::Helo(extended, name)) => (verbs::helo::answer(self, extended, &name), Then::GoOn),
            Ok(Command::Mail(from, size)) => (verbs::mail::answer(self, &from, size), Then::GoOn),
            Ok(Command::Rcpt(to)) => (verbs::rcpt::answer(self, &to), Then::GoOn),
            Ok(Command::Data) => verbs::data::answer(self).await,
            Ok(Command::StartTls) => verbs::starttls::answer(self),
            Ok(Command::Rset) => {
                self.state.reset();
                (Reply::ok("Forgotten"), Then::GoOn)
            }
            Ok(Command::Noop) => (Reply::ok("Nothing done"), Then::GoOn),
            Ok(Command::Vrfy) => (Reply::new(252, "2.1.5 Addresses are looked at in RCPT only"), Then::GoOn),
            Ok(Command::Quit) => (Reply::new(221, "2.0.0 Good bye"), Then::Close),
            Ok(Command::OtherProtocol) => {
                self.shared.counted.add(InboundRefusal::Protocol);
                (Reply::closing("This is SMTP"), Then::Close)
            }
            Err(reply) => (reply, Then::GoOn),
        };
        if reply.code() >= 500 {
            self.state.errors += 1;
        }
        let heard = self.say(&reply).await;
        if then == Then::GoOn && self.state.errors > self.shared.limits.errors {
            self.shared.counted.add(InboundRefusal::Limit);
            self.say(&Reply::closing("Too many errors")).await;
            return Then::Close;
        }
        match then {
            _ if !heard => Then::Close,
            Then::Encrypt => verbs::starttls::encrypt(self).await,
            then => then,
        }
    }

    /// Says why there will be no more.
    async fn give_up(&mut self, why: NoLine) -> Then {
        if let Some((refusal, reply)) = last_words(why) {
            self.shared.counted.add(refusal);
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
