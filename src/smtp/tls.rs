//! The certificate that STARTTLS shows (RFC 3207). Whoever sends bounces rarely verifies it; it keeps what they tell
//! about people from being read on the way.

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
    certificate: PathBuf,
    key: PathBuf,
    held: Mutex<Held>,
}

/// What was read, and when the files were written.
struct Held {
    written: Option<[SystemTime; 2]>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// What the options name; `None` without them.
    ///
    /// # Errors
    /// A sentence that names the option whose file cannot be used.
    pub fn of(config: &Config) -> Result<Option<Arc<Self>>, String> {
        let Some((certificate, key)) = config.mx_tls.clone() else { return Ok(None) };
        let (written, config) = (written(&certificate, &key), read(&certificate, &key)?);
        Ok(Some(Arc::new(Self { certificate, key, held: Mutex::new(Held { written, config }) })))
    }

    /// What shakes hands. A changed file that cannot be used leaves the certificate that was there.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let written = written(&self.certificate, &self.key);
        if written != held.written {
            held.written = written;
            match read(&self.certificate, &self.key) {
                Ok(config) => {
                    log::info!("the inbound listener shows the certificate of {} anew", self.certificate.display());
                    held.config = config;
                }
                Err(why) => log::warn!("the inbound listener goes on with the certificate it has: {why}"),
            }
        }
        TlsAcceptor::from(Arc::clone(&held.config))
    }
}

fn written(certificate: &Path, key: &Path) -> Option<[SystemTime; 2]> {
    let of = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    Some([of(certificate)?, of(key)?])
}

/// Reads both files; a sentence that says which one cannot be used and why.
fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let wrong = |option: &str, path: &Path, why: String| {
        let variable = option.to_uppercase();
        format!("the option {option} (CANOPY_{variable}) cannot be used: {}: {why}", path.display())
    };
    let of_certificate = |why: String| wrong("mx_tls_cert", certificate, why);
    let of_key = |why: String| wrong("mx_tls_key", key, why);
    let text = fs::read(certificate).map_err(|error| of_certificate(error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| of_certificate(format!("it is not PEM ({error})")))?;
    if chain.is_empty() {
        return Err(of_certificate("there is no certificate in it".into()));
    }
    let text = fs::read(key).map_err(|error| of_key(error.to_string()))?;
    let private = PrivateKeyDer::from_pem_slice(&text).map_err(|_| of_key("there is no private key in it".into()))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private);
    config.map(Arc::new).map_err(|error| of_key(format!("it does not go with the certificate ({error})")))
}
