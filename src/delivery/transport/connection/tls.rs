//! How we shake hands: with a certificate that the system or the operator trusts, or with any.

use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Servers whose last handshake is remembered, so that the next is shorter.
const RESUMED: usize = 1024;

/// TLS settings, made when first needed: reading the system's certificates is slow.
pub(in crate::delivery::transport) struct Tls {
    roots: Vec<CertificateDer<'static>>,
    verified: OnceLock<Result<Arc<ClientConfig>, Error>>,
    any: OnceLock<Result<Arc<ClientConfig>, Error>>,
}

impl Tls {
    /// Trusts `roots` beside the system's certificates.
    pub(in crate::delivery::transport) fn new(roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots, verified: OnceLock::new(), any: OnceLock::new() }
    }

    /// Shakes hands with the server of this name, which must show it where it is `verified`.
    ///
    /// # Errors
    /// Why there is no TLS, in words.
    pub(super) async fn shake_hands(
        &self,
        name: &str,
        stream: TcpStream,
        verified: bool,
    ) -> Result<TlsStream<TcpStream>, String> {
        let config =
            if verified { self.verified.get_or_init(|| self.verifying()) } else { self.any.get_or_init(taking_any) };
        let config = config.as_ref().map(Arc::clone).map_err(ToString::to_string)?;
        let name = ServerName::try_from(name.trim_end_matches('.').to_owned()).map_err(|error| error.to_string())?;
        TlsConnector::from(config).connect(name, stream).await.map_err(|error| error.to_string())
    }

    fn verifying(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut trusted = RootCertStore::empty();
        // Without the system's certificates nobody is believed.
        trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        trusted.add_parsable_certificates(self.roots.iter().cloned());
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(remembering(config))
    }
}

fn taking_any() -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    Ok(remembering(config))
}

fn remembering(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.resumption = Resumption::in_memory_sessions(RESUMED);
    Arc::new(config)
}

/// Whoever shows a certificate is taken for who they are (RFC 7435); that they hold its key is still proved.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
