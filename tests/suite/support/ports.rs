//! Ports for programs that a test starts.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// An address on loopback that was free a moment ago. Below the ports that the system gives to outgoing connections, so
/// that none of those takes it before the program does.
pub fn free() -> SocketAddr {
    let some = || (Ipv4Addr::LOCALHOST, rand::random_range(10_000..20_000));
    let bound = (0..100).find_map(|_| TcpListener::bind(some()).and_then(|bound| bound.local_addr()).ok());
    bound.expect("one of a hundred ports is free")
}
