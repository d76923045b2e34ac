//! Accepts connections, gives each a conversation of its own, and ends gracefully.

use std::net::{IpAddr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::gate::Gate;
use super::inbound::Inbound;
use super::limits::Limits;
use super::reply::Reply;
use super::service::Service;
use super::session::{Session, Shared};
use super::submission::Submission;
use super::tls::Tls;
use super::wire::Wire;
use crate::app::App;
use crate::domain::ids::Id;
use crate::domain::returned::InboundRefusal;

/// How long one that is turned away may take to hear so.
const TURNED_AWAY: Duration = Duration::from_secs(2);
/// Those that are turned away at once and politely; more are just closed.
const POLITE: usize = 50;

/// A bound address, before anybody is answered.
pub struct Bound {
    listener: StdListener,
    pub address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

impl Bound {
    /// Binds `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When it is taken or not ours.
    pub fn at(address: SocketAddr) -> std::io::Result<Self> {
        let listener = StdListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self { address: listener.local_addr()?, listener, tls: None })
    }

    /// The same, offering STARTTLS where there is a certificate.
    #[must_use]
    pub fn with_tls(self, tls: Option<Arc<Tls>>) -> Self {
        Self { tls, ..self }
    }
}

/// A running listener, on threads of its own.
pub struct Listener {
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
    name: &'static str,
}

impl Listener {
    /// Starts to listen for bounces and complaints.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(app: &Arc<App>, bound: Bound, limits: Limits) -> std::io::Result<Self> {
        let service = Inbound::new(app, &limits);
        Self::serve(app, bound, limits, service, "inbound")
    }

    /// Starts to listen for the mail of clients that sign in.
    ///
    /// # Errors
    /// As [`Listener::start`].
    pub fn submission(app: &Arc<App>, bound: Bound, limits: Limits) -> std::io::Result<Self> {
        Self::serve(app, bound, limits, Submission::of_clients(), "submission")
    }

    /// Starts to listen for the mail of programs on this machine, all of it of one account.
    ///
    /// # Errors
    /// As [`Listener::start`].
    pub fn trusted(app: &Arc<App>, bound: Bound, account: Id, limits: Limits) -> std::io::Result<Self> {
        Self::serve(app, bound, limits, Submission::trusted(account), "trusted")
    }

    fn serve<S: Service>(
        app: &Arc<App>,
        bound: Bound,
        limits: Limits,
        service: S,
        name: &'static str,
    ) -> std::io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("smtp").enable_all().build()?;
        let (stop, stopped) = watch::channel(false);
        let Bound { listener, address, tls } = bound;
        let shared = Arc::new(Shared { app: Arc::clone(app), limits, tls, service });
        let thread = std::thread::Builder::new().name("smtp".into()).spawn(move || {
            runtime.block_on(async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => {
                        tokio::join!(
                            shared.service.run(&shared.app, stopped.clone()),
                            accept(&shared, listener, stopped.clone()),
                        );
                        shared.service.finish(&shared.app).await;
                    }
                    Err(error) => log::error!("the {name} listener cannot listen on {address}: {error}"),
                }
            });
            runtime.shutdown_timeout(Duration::from_millis(100));
        })?;
        Ok(Self { address, stop, thread, name })
    }

    /// Ends it: nobody new is answered, conversations are told, messages under way get their grace. Blocks.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            log::error!("the {} listener did not end well", self.name);
        }
    }
}

async fn accept<S: Service>(shared: &Arc<Shared<S>>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let gate = Gate::new(shared.limits.connections, shared.limits.connections_per_address);
    let mut sessions = JoinSet::new();
    let mut turned_away = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() || turned_away.try_join_next().is_some() {}
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, peer.ip()),
                Err(error) => {
                    // Out of file descriptors, most likely: those who hang up make room.
                    log::warn!("a connection could not be accepted: {error}");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match gate.enter(peer) {
            Some(pass) => {
                let open = Open::new(shared);
                let conversation = talk(Arc::clone(shared), stream, peer, stop.clone());
                sessions.spawn(async move {
                    conversation.await;
                    drop((pass, open));
                });
            }
            None => {
                shared.service.refused(InboundRefusal::Limit);
                S::connected(&shared.app, false);
                if turned_away.len() < POLITE {
                    turned_away.spawn(turn_away(stream));
                }
            }
        }
    }
    drop(listener);
    let all_over = async { while sessions.join_next().await.is_some() {} };
    if timeout(shared.limits.grace, all_over).await.is_err() {
        log::warn!("{} conversations were cut off: nothing of theirs was promised", sessions.len());
    }
}

/// A conversation that is counted as open until this is dropped, however it ends.
struct Open<S: Service>(Arc<Shared<S>>);

impl<S: Service> Open<S> {
    fn new(shared: &Arc<Shared<S>>) -> Self {
        S::connected(&shared.app, true);
        Self(Arc::clone(shared))
    }
}

impl<S: Service> Drop for Open<S> {
    fn drop(&mut self) {
        S::closed(&self.0.app);
    }
}

async fn talk<S: Service>(shared: Arc<Shared<S>>, stream: TcpStream, peer: IpAddr, stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("{peer}: {error}");
    }
    Session::new(shared, Wire::new(stream), peer).run(stop).await;
}

/// Tells one that there is no room: it comes back later by itself.
async fn turn_away(stream: TcpStream) {
    let mut wire = Wire::new(stream);
    if wire.say(&Reply::closing("Too many connections, try again later"), TURNED_AWAY).await {
        wire.close().await;
    }
}
