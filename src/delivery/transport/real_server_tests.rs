//! The client against servers others wrote: aiosmtpd (STARTTLS, AUTH, content) and Postfix's smtp-sink.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::relay::{Relay, Timeouts};
use super::{Envelope, Outcome, RelayConfig, TlsMode};

/// Prints its port, then a JSON line for each message. With a certificate, mail waits for STARTTLS and a sign-in; in
/// `implicit` mode TLS starts at once.
const SERVER: &str = r#"
import asyncio, base64, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
            "content": base64.b64encode(envelope.original_content).decode()}), flush=True)
        return "250 2.0.0 kept"
def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"ann" and data.password == b"secret", handled=False)
mode, cert, key = sys.argv[1:4] if len(sys.argv) > 1 else ("plain", None, None)
context = None
if cert:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
def factory():
    if mode == "starttls":
        return SMTP(Handler(), tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate)
    return SMTP(Handler())
async def main():
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0,
        ssl=context if mode == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(120)
asyncio.run(main())
"#;

/// A server process, ended with the test.
struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn aiosmtpd(arguments: &[&str]) -> Option<Self> {
        let python = std::env::var("CANOPY_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        let tried = Command::new(&python).args(["-c", "import aiosmtpd.smtp"]).output();
        if !tried.is_ok_and(|out| out.status.success()) {
            assert!(std::env::var_os("CANOPY_TEST_STRICT").is_none(), "{python} with aiosmtpd is needed");
            println!("skipped: {python} has no aiosmtpd (pip install aiosmtpd)");
            return None;
        }
        let mut process = Command::new(python)
            .args(["-W", "ignore", "-c", SERVER])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        output.read_line(&mut port).unwrap();
        Some(Self { process, output, port: port.trim().parse().expect("aiosmtpd prints its port") })
    }

    fn message(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn config(&self, tls: TlsMode, auth: Option<(&str, &str)>) -> RelayConfig {
        let auth = auth.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let (host, local_name) = ("localhost".to_owned(), "canopy.example".to_owned());
        RelayConfig { host, port: self.port, tls, auth, local_name, source: None, trusted: true }
    }
}

fn envelope() -> Envelope {
    Envelope { mail_from: "bounce@example.com".into(), rcpt_to: "bob@example.org".into() }
}

/// A CA and a certificate for localhost it signed, in a directory of their own.
struct Certificates {
    folder: PathBuf,
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Certificates {
    fn make(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("canopy-tls-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let key = "req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        let commands = [
            format!("{key} -keyout ca.key -out ca.pem -subj /CN=Test-CA"),
            format!(
                "{key} -keyout key.pem -out cert.pem -subj /CN=localhost -CA ca.pem -CAkey ca.key \
                 -extensions usr_cert -addext subjectAltName=DNS:localhost"
            ),
        ];
        for command in commands {
            let output =
                Command::new("openssl").args(command.split_whitespace()).current_dir(&folder).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        Self { folder }
    }

    fn server(&self, mode: &str) -> Option<Server> {
        let path = |name: &str| self.folder.join(name).to_str().unwrap().to_owned();
        Server::aiosmtpd(&[mode, &path("cert.pem"), &path("key.pem")])
    }

    fn trusting(&self) -> Relay {
        // As main does; the second call in one process is refused, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let pem = std::fs::read(self.folder.join("ca.pem")).unwrap();
        Relay::with_roots(Timeouts::default(), vec![CertificateDer::from_pem_slice(&pem).unwrap()])
    }
}

#[tokio::test]
async fn a_message_arrives_byte_for_byte() {
    let Some(mut server) = Server::aiosmtpd(&[]) else { return };
    let relay = Relay::new(Timeouts::default());
    let cases = [
        ("Subject: x\r\n\r\nHello\r\n", "Subject: x\r\n\r\nHello\r\n"),
        ("Subject: x\r\n\r\n.\r\n..\r\n.a\r\n.\r\n", "Subject: x\r\n\r\n.\r\n..\r\n.a\r\n.\r\n"),
        ("Subject: x\r\n\r\nno end", "Subject: x\r\n\r\nno end\r\n"),
        ("Subject: x\r\n\r\nempty lines stay\r\n\r\n\r\n", "Subject: x\r\n\r\nempty lines stay\r\n\r\n\r\n"),
        ("Subject: x\n\n.bare\nends\r", "Subject: x\r\n\r\n.bare\r\nends\r\n"),
        ("Subject: x\r\n\r\ngr\u{fc}n\r\n", "Subject: x\r\n\r\ngr\u{fc}n\r\n"),
    ];
    for (message, expected) in cases {
        let outcome = relay.send(&server.config(TlsMode::None, None), &envelope(), message.as_bytes()).await;
        assert_eq!(outcome, Outcome::Accepted { code: 250, text: "2.0.0 kept".into() });
        let arrived = server.message();
        let content = BASE64_STANDARD.decode(arrived["content"].as_str().unwrap()).unwrap();
        assert_eq!(String::from_utf8(content).unwrap(), expected);
        assert_eq!((&arrived["from"], &arrived["to"][0]), (&"bounce@example.com".into(), &"bob@example.org".into()));
    }
}

#[tokio::test]
async fn starttls_and_sign_in_work_with_a_certificate_we_trust() {
    let certificates = Certificates::make("trusted");
    let Some(mut server) = certificates.server("starttls") else { return };
    let config = server.config(TlsMode::StartTls, Some(("ann", "secret")));
    let outcome = certificates.trusting().send(&config, &envelope(), b"Subject: x\r\n\r\nHello\r\n").await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(server.message()["tls"], true);
    let wrong = server.config(TlsMode::StartTls, Some(("ann", "wrong")));
    let refused = certificates.trusting().send(&wrong, &envelope(), b"Subject: x\r\n\r\nHello\r\n").await;
    let Outcome::Unreachable { text } = refused else { panic!("{refused:?}") };
    assert!(text.contains("refused our sign-in") && text.contains("535"), "{text}");
    assert!(!text.contains("wrong"), "the password is not repeated");
}

#[tokio::test]
async fn a_certificate_we_do_not_trust_stops_starttls_but_not_the_opportunistic_mode() {
    let certificates = Certificates::make("strange");
    let Some(mut server) = certificates.server("starttls") else { return };
    let relay = Relay::new(Timeouts::default());
    let auth = Some(("ann", "secret"));
    let outcome = relay.send(&server.config(TlsMode::StartTls, auth), &envelope(), b"Subject: x\r\n\r\nx\r\n").await;
    let Outcome::Unreachable { text } = outcome else { panic!("{outcome:?}") };
    assert!(text.contains("TLS failed"), "{text}");
    let opportunistic = server.config(TlsMode::Opportunistic, auth);
    let outcome = relay.send(&opportunistic, &envelope(), b"Subject: x\r\n\r\nx\r\n").await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(server.message()["tls"], true);
}

#[tokio::test]
async fn tls_from_the_first_byte_works_with_a_certificate_we_trust_and_with_no_other() {
    let certificates = Certificates::make("implicit");
    let Some(mut server) = certificates.server("implicit") else { return };
    let config = server.config(TlsMode::Implicit, None);
    let outcome = certificates.trusting().send(&config, &envelope(), b"Subject: x\r\n\r\nHello\r\n").await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(server.message()["to"][0], "bob@example.org");
    let outcome = Relay::new(Timeouts::default()).send(&config, &envelope(), b"Subject: x\r\n\r\nx\r\n").await;
    assert!(matches!(outcome, Outcome::Unreachable { .. }), "{outcome:?}");
}

#[tokio::test]
async fn postfix_s_sink_takes_three_hundred_messages_sent_eight_at_a_time() {
    let Some(program) = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"].into_iter().find(|path| Path::new(path).exists())
    else {
        // A second opinion beside aiosmtpd's, where a machine has it: nothing else here needs Postfix.
        return println!("skipped: smtp-sink is not installed (apt install postfix)");
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // `-h` keeps it from asking for the name of this machine.
    let mut command = Command::new(program);
    command.args(["-u", "nobody", "-h", "sink.example", &format!("127.0.0.1:{port}"), "100"]);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = BufReader::new(process.stdout.take().unwrap());
    let server = Server { process, output, port };
    let config = RelayConfig { host: "127.0.0.1".into(), ..server.config(TlsMode::None, None) };
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let relay = Relay::new(Timeouts::default());
    let message = format!("Subject: x\r\n\r\n{}", ".a line that starts with a dot\r\n".repeat(500));
    let batch = |_| async {
        let mut accepted = 0;
        for _ in 0..38 {
            let outcome = relay.send(&config, &envelope(), message.as_bytes()).await;
            accepted += usize::from(matches!(outcome, Outcome::Accepted { code: 250, .. }));
        }
        accepted
    };
    let accepted: usize = futures_util::future::join_all((0..8).map(batch)).await.into_iter().sum();
    assert_eq!(accepted, 8 * 38);
}
