//! TLS by tokio-rustls: certificate and key from files, TLS 1.2 and later, ALPN `postgresql` where a client names one.

use std::path::Path;
use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};
use x509_cert::der::Decode;

/// What a TLS listener needs: the acceptor and the certificate's hash for channel binding.
#[derive(Clone)]
pub struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) end_point: Arc<[u8]>,
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("could not read {what} from {path}: {reason}")]
    Unreadable { what: &'static str, path: String, reason: String },
    #[error("certificate and key do not make a TLS server: {0}")]
    Refused(#[from] rustls::Error),
}

impl Tls {
    /// Reads a PEM certificate chain and its private key.
    pub fn load(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let unreadable = |what, path: &Path, reason: String| TlsError::Unreadable {
            what,
            path: path.display().to_string(),
            reason,
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(|error| unreadable("a certificate", certificate, error.to_string()))?;
        let first =
            chain.first().ok_or_else(|| unreadable("a certificate", certificate, "none found".to_owned()))?;
        let end_point = end_point_hash(first);
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| unreadable("a private key", key, error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), end_point: end_point.into() })
    }
}

/// The certificate's hash by its own signature's hash function, MD5 and SHA-1 raised to SHA-256 (RFC 5929 §4.1).
fn end_point_hash(certificate: &CertificateDer<'_>) -> Vec<u8> {
    const SHA384_SIGNATURES: [&str; 2] = ["1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"];
    const SHA512_SIGNATURES: [&str; 2] = ["1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"];
    let algorithm = x509_cert::Certificate::from_der(certificate)
        .map(|parsed| parsed.signature_algorithm.oid.to_string())
        .unwrap_or_default();
    if SHA384_SIGNATURES.contains(&algorithm.as_str()) {
        Sha384::digest(certificate).to_vec()
    } else if SHA512_SIGNATURES.contains(&algorithm.as_str()) {
        Sha512::digest(certificate).to_vec()
    } else {
        Sha256::digest(certificate).to_vec()
    }
}
