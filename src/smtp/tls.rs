//! The certificate that STARTTLS shows (RFC 3207). Whoever sends bounces rarely verifies it; it keeps what they tell
//! about people from being read on the way. Mail programs that sign in do verify it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;

/// A certificate and its key, read anew when either file changes: a renewed one needs no restart.
pub struct Tls {
    files: Files,
    held: Mutex<Held>,
}

/// Where certificate and key are, and the options that say so.
#[derive(Clone)]
struct Files {
    options: [&'static str; 2],
    certificate: PathBuf,
    key: PathBuf,
}

/// What was read, and when the files were written.
struct Held {
    written: Option<[SystemTime; 2]>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// What the inbound listener shows; `None` where the options name nothing.
    ///
    /// # Errors
    /// A sentence that names the option whose file cannot be used.
    pub fn of(config: &Config) -> Result<Option<Arc<Self>>, String> {
        Self::named(["mx_tls_cert", "mx_tls_key"], config.mx_tls.as_ref())
    }

    /// The same of the submission listener.
    ///
    /// # Errors
    /// As [`Tls::of`].
    pub fn of_submission(config: &Config) -> Result<Option<Arc<Self>>, String> {
        Self::named(["submission_tls_cert", "submission_tls_key"], config.submission_tls.as_ref())
    }

    fn named(options: [&'static str; 2], paths: Option<&(PathBuf, PathBuf)>) -> Result<Option<Arc<Self>>, String> {
        let Some((certificate, key)) = paths.cloned() else { return Ok(None) };
        let files = Files { options, certificate, key };
        let held = Held { written: files.written(), config: files.read()? };
        Ok(Some(Arc::new(Self { files, held: Mutex::new(held) })))
    }

    /// What shakes hands. A changed file that cannot be used leaves the certificate that was there.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.files.written();
        if written != held.written {
            held.written = written;
            match self.files.read() {
                Ok(config) => {
                    log::info!("STARTTLS shows the certificate of {} anew", self.files.certificate.display());
                    held.config = config;
                }
                Err(why) => log::warn!("STARTTLS goes on with the certificate it has: {why}"),
            }
        }
        TlsAcceptor::from(Arc::clone(&held.config))
    }
}

impl Files {
    fn written(&self) -> Option<[SystemTime; 2]> {
        let of = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
        Some([of(&self.certificate)?, of(&self.key)?])
    }

    /// Reads both; a sentence that says which one cannot be used and why.
    fn read(&self) -> Result<Arc<ServerConfig>, String> {
        let wrong = |option: &str, path: &Path, why: String| {
            let variable = option.to_uppercase();
            format!("the option {option} (CANOPY_{variable}) cannot be used: {}: {why}", path.display())
        };
        let of_certificate = |why: String| wrong(self.options[0], &self.certificate, why);
        let of_key = |why: String| wrong(self.options[1], &self.key, why);
        let text = fs::read(&self.certificate).map_err(|error| of_certificate(error.to_string()))?;
        let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| of_certificate(format!("it is not PEM ({error})")))?;
        if chain.is_empty() {
            return Err(of_certificate("there is no certificate in it".into()));
        }
        let text = fs::read(&self.key).map_err(|error| of_key(error.to_string()))?;
        let private =
            PrivateKeyDer::from_pem_slice(&text).map_err(|_| of_key("there is no private key in it".into()))?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private);
        config.map(Arc::new).map_err(|error| of_key(format!("it does not go with the certificate ({error})")))
    }
}
