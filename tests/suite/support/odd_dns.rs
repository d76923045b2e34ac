//! A DNS server that says what no zone file can hold: names and texts with NUL and other bytes in them. It answers every
//! question by UDP as the test says, and with nothing where the test says nothing.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What stands at a name.
#[derive(Clone)]
pub enum Odd {
    A(Ipv4Addr),
    /// Preference, and the labels of the host.
    Mx(u16, Vec<Vec<u8>>),
    Txt(Vec<u8>),
}

impl Odd {
    const fn kind(&self) -> u16 {
        match self {
            Self::A(_) => 1,
            Self::Mx(..) => 15,
            Self::Txt(_) => 16,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::A(address) => address.octets().to_vec(),
            Self::Mx(preference, labels) => [preference.to_be_bytes().to_vec(), name(labels)].concat(),
            Self::Txt(text) => name(std::slice::from_ref(text))[..=text.len()].to_vec(),
        }
    }
}

/// Labels with their lengths, and the root.
fn name(labels: &[Vec<u8>]) -> Vec<u8> {
    let mut all = Vec::new();
    for label in labels {
        all.push(u8::try_from(label.len()).expect("a short label"));
        all.extend_from_slice(label);
    }
    all.push(0);
    all
}

/// The labels of a name as it is written, dots between them.
pub fn labels(text: &str) -> Vec<Vec<u8>> {
    text.split('.').map(|label| label.as_bytes().to_vec()).collect()
}

/// The running server; gone on drop.
pub struct OddDns {
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Drop for OddDns {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl OddDns {
    /// Answers with these records, by the labels of their names.
    pub fn start(records: Vec<(Vec<Vec<u8>>, Odd)>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
        let (address, over) = (socket.local_addr().expect("its address"), Arc::<AtomicBool>::default());
        let ends = Arc::clone(&over);
        std::thread::spawn(move || {
            let mut packet = [0; 1024];
            while !ends.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
                if let Some(reply) = reply(&packet[..length], &records) {
                    // Whoever asked may be gone.
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        Self { address, over }
    }
}

/// The answer to a question (RFC 1035, section 4.1); None for what is no question.
fn reply(question: &[u8], records: &[(Vec<Vec<u8>>, Odd)]) -> Option<Vec<u8>> {
    let (mut at, mut asked) = (12, Vec::new());
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        asked.push(question.get(at..at + length)?.to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(question.get(at..at + 2)?.try_into().ok()?);
    let found: Vec<&Odd> =
        records.iter().filter(|(name, odd)| *name == asked && odd.kind() == kind).map(|(_, odd)| odd).collect();
    let mut reply = question[..2].to_vec();
    // An answer, with recursion, to one question.
    reply.extend_from_slice(&[0x85, 0x80, 0, 1]);
    reply.extend_from_slice(&u16::try_from(found.len()).ok()?.to_be_bytes());
    reply.extend_from_slice(&[0; 4]);
    reply.extend_from_slice(&question[12..at + 4]);
    for odd in found {
        let data = odd.data();
        // The name of the question, the class of the internet, a minute.
        reply.extend_from_slice(&[0xc0, 12]);
        reply.extend_from_slice(&kind.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        reply.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        reply.extend_from_slice(&data);
    }
    Some(reply)
}
