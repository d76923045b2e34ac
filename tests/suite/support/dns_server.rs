//! A real DNS server (dnsmasq) on a free loopback port that answers from the records it is given, and from nothing else.

use super::environment::{need, tool};
use super::ports;
use super::process::Process;
use super::temp_dir::TempDir;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, thread};

/// One record of the zone.
#[derive(Debug, Clone)]
pub enum Record {
    /// A name and its text, of any length.
    Txt(String, String),
    /// An alias and its target; chains work.
    Cname(String, String),
    /// A domain, its mail server and the preference.
    Mx(String, String, u16),
    /// A name and its address.
    A(String, Ipv4Addr),
    /// A name and its address, which does not know its name: no PTR record stands there.
    Nameless(String, Ipv4Addr),
    /// A domain that takes no mail (RFC 7505).
    NullMx(String),
}

/// The running server; gone on drop.
pub struct DnsServer {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    dnsmasq: Process,
}

impl DnsServer {
    /// Starts with these records. Every other name is answered with NXDOMAIN.
    pub fn start(records: &[Record]) -> Option<Self> {
        let places = ["/usr/sbin/dnsmasq", "/usr/local/sbin/dnsmasq", "/usr/bin/dnsmasq"];
        let program = need("dnsmasq", tool("CANOPY_TEST_DNSMASQ", &places))?;
        let folder = TempDir::new();
        // The port is free when asked, not surely a moment later: try again when another test was quicker.
        for _ in 0..20 {
            let port = free_port();
            if let Some(dnsmasq) = launch(&program, &folder, port, records) {
                return Some(Self { program, folder, port, dnsmasq });
            }
        }
        panic!("dnsmasq found no free port in 20 tries");
    }

    /// Where it listens, by UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Publishes these records in place of all others, at the same address.
    pub fn publish(&mut self, records: &[Record]) {
        self.stop();
        let again = || launch(&self.program, &self.folder, self.port, records);
        self.dnsmasq = again().or_else(again).expect("dnsmasq starts again on the port it had");
    }

    /// Stops answering: questions run into their time limit.
    pub fn stop(&mut self) {
        self.dnsmasq.kill();
    }
}

/// A port that is free for TCP, and therefore almost surely for UDP.
fn free_port() -> u16 {
    ports::free().port()
}

/// Starts dnsmasq and waits until it answers; none when it ended at once, as it does when the port is taken.
fn launch(program: &PathBuf, folder: &TempDir, port: u16, records: &[Record]) -> Option<Process> {
    let file = folder.path().join("dnsmasq.conf");
    fs::write(&file, configuration(port, records)).expect("the temporary folder can be written");
    let mut dnsmasq = Process::spawn(program, &[format!("--conf-file={}", file.display())], &[]);
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if dnsmasq.has_ended() {
            return None;
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(dnsmasq);
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("dnsmasq does not answer on port {port}");
}

/// The whole of dnsmasq's configuration: nothing of the machine's own is read.
fn configuration(port: u16, records: &[Record]) -> String {
    let mut text = format!(
        "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\nkeep-in-foreground\n\
         pid-file=\nuser=root\ncache-size=0\nlocal-ttl=1\naddress=/#/\n"
    );
    for record in records {
        let line = match record {
            Record::Txt(name, value) => format!("txt-record={name},{}", quoted(value)),
            Record::Cname(alias, target) => format!("cname={alias},{target}"),
            Record::Mx(domain, host, preference) => format!("mx-host={domain},{host},{preference}"),
            Record::NullMx(domain) => format!("dns-rr={domain},15,000000"),
            Record::Nameless(name, address) => format!("address=/{name}/{address}"),
            // With its PTR record.
            Record::A(name, address) => format!("host-record={name},{address}"),
        };
        writeln!(text, "{line}").expect("a String takes text");
    }
    text
}

/// A text as dnsmasq reads it: pieces of at most 255 bytes (RFC 1035 section 3.3), each in quotes.
fn quoted(text: &str) -> String {
    assert!(text.is_ascii(), "records of the tests are ASCII");
    let pieces = text.as_bytes().chunks(255).map(|piece| String::from_utf8_lossy(piece).into_owned());
    let pieces = pieces.map(|piece| format!("\"{}\"", piece.replace('\\', "\\\\").replace('"', "\\\"")));
    pieces.collect::<Vec<_>>().join(",")
}
