//! A private certificate authority and what it issued for a server on this machine (openssl).

use std::path::PathBuf;
use std::process::Command;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::temp_dir::TempDir;

/// Files in a folder of their own; gone with this value.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// A certificate for `names`, as `DNS:localhost,IP:127.0.0.1`.
    pub fn of(names: &str) -> Self {
        Self::lasting(names, 2)
    }

    /// The same for so many days.
    pub fn lasting(names: &str, days: u32) -> Self {
        let made = Self { folder: TempDir::new() };
        let key = format!("req -x509 -days {days} -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes");
        made.run(&format!("{key} -keyout ca.key -out ca.pem -subj /CN=Test-CA"));
        made.run(&format!(
            "{key} -keyout key.pem -out cert.pem -subj /CN=test -CA ca.pem -CAkey ca.key -extensions usr_cert -addext subjectAltName={names}"
        ));
        made
    }

    fn run(&self, command: &str) {
        let output = Command::new("openssl").args(command.split_whitespace()).current_dir(self.folder.path()).output();
        let output = output.expect("openssl is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// `ca.pem`, `cert.pem` or `key.pem`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("it was made")
    }

    /// A client that trusts this authority alone.
    pub fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&self.read("ca.pem")).expect("PEM")).expect("an authority");
        ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
    }
}
