//! What a listener is for: the part of a conversation that SMTP itself does not say.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

use super::command::Command;
use super::reply::Reply;
use super::session::{Session, Then};
use crate::app::App;
use crate::domain::returned::InboundRefusal;
use crate::load::{Owner, Share};

/// A message up to its last line.
pub struct Taken<R> {
    /// Who it says it is from; empty for the null sender.
    pub from: String,
    /// At least one.
    pub recipients: Vec<R>,
    pub raw: Vec<u8>,
    /// Of this node's memory, for the message and what is made of it.
    pub share: Share,
}

/// Decides whom a listener takes messages from, to whom, and what becomes of them.
pub trait Service: Sized + Send + Sync + 'static {
    /// What it knows about a conversation.
    type Talk: Send + Sync;
    /// What a recipient becomes.
    type Recipient: Send + Sync;

    /// What the greeting says behind the host's name.
    const GREETING: &'static str;

    /// What it knows at first.
    fn begin(&self) -> Self::Talk;

    /// Counts what was refused or given up.
    fn refused(&self, refusal: InboundRefusal);

    /// Counts a connection: one that was taken is open until it is closed.
    fn connected(app: &App, taken: bool);

    /// Counts the end of a conversation.
    fn closed(app: &App);

    /// Whose share of this node's memory a message takes.
    fn owner(session: &Session<Self>) -> Owner {
        Owner::stranger(session.peer)
    }

    /// The mechanisms that AUTH takes now.
    ///
    /// # Errors
    /// The reply that says why it takes none.
    fn mechanisms(_session: &Session<Self>) -> Result<&'static [&'static str], Reply> {
        Err(Reply::not_offered())
    }

    /// What is answered instead of doing what a command says.
    fn before(_session: &mut Session<Self>, _command: &Command) -> impl Future<Output = Option<(Reply, Then)>> + Send {
        async { None }
    }

    /// Signs in who says this name and this password.
    fn sign_in(
        _session: &mut Session<Self>,
        _name: String,
        _password: String,
    ) -> impl Future<Output = (Reply, Then)> + Send {
        async { (Reply::not_offered(), Then::GoOn) }
    }

    /// Whom an address of RCPT means. One that was named before may be answered `None`.
    ///
    /// # Errors
    /// The reply that refuses it.
    fn recipient(session: &Session<Self>, to: &str) -> Result<Option<Self::Recipient>, Reply>;

    /// Answers a message: what is promised here is committed.
    fn take(session: &mut Session<Self>, message: Taken<Self::Recipient>)
    -> impl Future<Output = (Reply, Then)> + Send;

    /// What goes on beside the conversations until `stop` turns true.
    fn run(&self, _app: &Arc<App>, _stop: watch::Receiver<bool>) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// What is left to do once all of them are over.
    fn finish(&self, _app: &Arc<App>) -> impl Future<Output = ()> + Send {
        async {}
    }
}
