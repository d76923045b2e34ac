//! A wire between a program and its database that a test can cut and mend.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards to one server, while it is whole.
pub struct Proxy {
    address: SocketAddr,
    whole: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// In front of the server that `url` names (`scheme://user:password@host:port/path`).
    pub async fn before(url: &str) -> Self {
        let target = host_of(url).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let whole = Arc::new(watch::Sender::new(true));
        let wire = Arc::clone(&whole);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A cut wire takes connections and closes them, as a server does that is going down.
                if *wire.borrow() {
                    tokio::spawn(forward(stream, target.clone(), wire.subscribe()));
                }
            }
        });
        Self { address, whole }
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
}

async fn forward(mut stream: TcpStream, target: String, mut whole: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut stream, &mut server) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}

fn host_of(url: &str) -> &str {
    let after = url.rsplit_once('@').map_or(url, |(_, after)| after);
    after.split('/').next().unwrap_or(after)
}
