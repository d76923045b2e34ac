//! A wire between a program and its database that a test can cut and mend.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards to one server, while it is whole.
pub struct Proxy {
    address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
    /// The next commit is carried out, and its answer lost.
    lossy: Arc<AtomicBool>,
    /// Nothing is carried, and nothing closed.
    frozen: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// In front of the server that `url` names (`scheme://user:password@host:port/path`).
    pub async fn before(url: &str) -> Self {
        let target = host_of(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let whole = Arc::new(watch::Sender::new(true));
        let lossy = Arc::new(AtomicBool::new(false));
        let frozen = Arc::new(watch::Sender::new(false));
        let (wire, loses, stands) = (Arc::clone(&whole), Arc::clone(&lossy), Arc::clone(&frozen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A cut wire takes connections and closes them, as a server does that is going down.
                if *wire.borrow() {
                    let state = (wire.subscribe(), stands.subscribe());
                    tokio::spawn(forward(stream, target.clone(), state, Arc::clone(&loses)));
                }
            }
        });
        Self { address, whole, lossy, frozen }
    }

    /// The URL that leads through this wire.
    pub fn url(&self, url: &str) -> String {
        url.replacen(host_of(url), &self.address.to_string(), 1)
    }

    /// Ends every connection, and takes no other.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub fn mend(&self) {
        self.whole.send_replace(true);
    }

    /// Keeps every connection and carries nothing any more, as a server that was stopped.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Breaks the connection of the next commit when the server has carried it out and said so.
    pub fn lose_an_answer_to_commit(&self) {
        self.lossy.store(true, Ordering::SeqCst);
    }

    /// Whether that happened.
    pub fn lost_one(&self) -> bool {
        !self.lossy.load(Ordering::SeqCst)
    }
}

/// Whether the wire is whole, and whether it is frozen.
type State = (watch::Receiver<bool>, watch::Receiver<bool>);

async fn forward(stream: TcpStream, target: String, (mut whole, frozen): State, lossy: Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        () = both_ways(stream, server, &lossy, frozen) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}

/// Carries what either side says, until one has said all, or an answer is to be lost.
async fn both_ways(
    mut stream: TcpStream,
    mut server: TcpStream,
    lossy: &AtomicBool,
    mut frozen: watch::Receiver<bool>,
) {
    let (mut asked, mut answered) = ([0; 16 * 1024], [0; 16 * 1024]);
    let mut loses = false;
    loop {
        tokio::select! {
            read = stream.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                drop(frozen.wait_for(|frozen| !frozen).await);
                loses = loses || (is_commit(&asked[..length]) && lossy.swap(false, Ordering::SeqCst));
                if server.write_all(&asked[..length]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                drop(frozen.wait_for(|frozen| !frozen).await);
                if loses || stream.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A simple query of PostgreSQL that commits.
fn is_commit(said: &[u8]) -> bool {
    said.first() == Some(&b'Q') && said.windows(7).any(|word| word == b"COMMIT\0")
}

fn host_of(url: &str) -> &str {
    let after = url.rsplit_once('@').map_or(url, |(_, after)| after);
    after.split('/').next().unwrap_or(after)
}
