//! From a host to an open socket: only where it may lead, judged by the address that is really connected to, so that
//! no name and no notation leads elsewhere.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use super::RelayConfig;
use crate::domain::destination::Destinations;

/// How long one address of a host may take to accept, before the next is tried.
pub(super) const EACH_ADDRESS: Duration = Duration::from_secs(15);

/// The addresses of a relay that a connection may be opened to.
pub(super) async fn addresses(to: &RelayConfig, allowed: &Destinations) -> io::Result<Vec<SocketAddr>> {
    let mut all = lookup_host((to.host.as_str(), to.port)).await?.peekable();
    if all.peek().is_none() {
        return Err(io::Error::other("the name has no address"));
    }
    let open: Vec<SocketAddr> = all.filter(|at| to.trusted || allowed.reach(&to.host, at.ip())).collect();
    if open.is_empty() {
        return Err(io::Error::other(
            "it is on a private network or this machine, which the operator of this installation does not allow",
        ));
    }
    Ok(open)
}

/// The first of `addresses` that takes a connection, of the family of `source` where there is one.
pub(super) async fn dial(addresses: &[SocketAddr], source: Option<IpAddr>) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("it has no address of the family of our source address");
    for address in addresses.iter().filter(|at| source.is_none_or(|source| source.is_ipv4() == at.is_ipv4())) {
        match timeout(EACH_ADDRESS, connect(*address, source)).await {
            Ok(Ok(stream)) => {
                // A message and its final dot are two writes: Nagle would hold the second for 40 ms.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(err)) => failure = err,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

async fn connect(address: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket
            .bind(SocketAddr::new(source, 0))
            .map_err(|err| io::Error::new(err.kind(), format!("our source address {source} cannot be used: {err}")))?;
    }
    socket.connect(address).await
}
