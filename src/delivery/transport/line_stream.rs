//! A socket that hands out one line a read. lettre keeps what it has read ahead when STARTTLS switches to TLS, so an
//! attacker on the way could send forged replies in plain text right behind the 220 and have them believed inside
//! TLS. Held back here, they meet the TLS handshake instead, which fails (RFC 3207, section 4.2).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::transcript::Transcript;
use crate::domain::conversation::Speaker;

/// Replies are short; TLS records are split at will.
const CAPACITY: usize = 4096;

#[derive(Debug)]
pub(super) struct LineStream {
    socket: TcpStream,
    waiting: Vec<u8>,
    transcript: Transcript,
}

impl LineStream {
    pub(super) fn new(socket: TcpStream, transcript: Transcript) -> Self {
        Self { socket, waiting: Vec::new(), transcript }
    }
}

impl AsyncRead for LineStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.waiting.is_empty() {
            let mut space = [0; CAPACITY];
            let mut fresh = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut fresh))?;
            self.waiting.extend_from_slice(fresh.filled());
        }
        let line = self.waiting.iter().position(|byte| *byte == b'\n').map_or(self.waiting.len(), |at| at + 1);
        let count = line.min(out.remaining());
        out.put_slice(&self.waiting[..count]);
        self.transcript.overhear(Speaker::Server, &self.waiting[..count]);
        self.waiting.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))?;
        self.transcript.overhear(Speaker::Us, &bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn forged_replies_behind_the_220_stay_outside_the_reader_until_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream =
            LineStream::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), Transcript::default());
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"220 go\r\n250-forged\r\n250 AUTH PLAIN\r\n").await.unwrap();
        drop(server);
        let mut buffer = [0; 8192];
        let mut reads = Vec::new();
        loop {
            let count = stream.read(&mut buffer).await.unwrap();
            if count == 0 {
                break;
            }
            reads.push(String::from_utf8(buffer[..count].to_vec()).unwrap());
        }
        assert_eq!(reads, ["220 go\r\n", "250-forged\r\n", "250 AUTH PLAIN\r\n"]);
    }
}
