//! The server's own certificate authority and certificate.
//!
//! Invariants: private keys are readable by their owner only, from the moment they exist; the authority is made once
//! and never replaced (clients trust it); the server certificate is renewed a month before it ends, without a restart.
//! An operator may bring certificate and key of his own instead. Called by the binary and by `boxwood ca`.

mod authority;
mod files;

pub use authority::{CERTIFICATE_NAMES, TlsFiles};
pub(crate) use files::{make_folder as private_folder, replace_secret as private_file};

use boxwood_core::Clock;
use parking_lot::RwLock;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the certificate's age is looked at.
const CHECK_EVERY: Duration = Duration::from_secs(12 * 3_600);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read or written.
    #[error("can't {action} {}: {source}", path.display())]
    File {
        /// "read", "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file holds something else than it should.
    #[error("{} holds no usable {what}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// "certificate", "private key".
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    /// The TLS library refuses certificate or key.
    #[error("the certificate can't be used: {0}")]
    Library(#[from] rustls::Error),
}

/// The certificate that is shown to clients; replaced while connections run.
pub struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl std::fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CurrentCertificate").finish_non_exhaustive()
    }
}

impl CurrentCertificate {
    /// From PEM files: the certificate with those that sign it, and its key.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(certificate: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        Ok(Arc::new(Self(RwLock::new(Arc::new(read(certificate, key)?)))))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// [`TlsError`]; the old certificate stays then.
    pub fn reload(&self, certificate: &Path, key: &Path) -> Result<(), TlsError> {
        let fresh = Arc::new(read(certificate, key)?);
        *self.0.write() = fresh;
        Ok(())
    }

    /// A configuration that always shows the current certificate: TLS 1.2 and 1.3, HTTP/1.1.
    ///
    /// # Errors
    /// From the TLS library.
    pub fn config(self: &Arc<Self>) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Renews the server certificate in time, for as long as the server runs.
pub async fn keep_fresh(
    current: Arc<CurrentCertificate>,
    files: TlsFiles,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CHECK_EVERY) => {}
            () = stop.cancelled() => return,
        }
        let renewed = files.renew_if_due(clock.now()).and_then(|renewed| {
            if renewed {
                current.reload(&files.server_certificate(), &files.server_key())?;
            }
            Ok(renewed)
        });
        match renewed {
            Ok(true) => tracing::info!("the server certificate was renewed"),
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the server certificate could not be renewed"),
        }
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().clone())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let content = |path: &Path, what, reason: String| TlsError::Content {
        path: path.to_owned(),
        what,
        reason,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| content(certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(content(
            certificate,
            "certificate",
            "there is none in it".to_owned(),
        ));
    }
    let key_der =
        PrivateKeyDer::from_pem_file(key).map_err(|error| content(key, "private key", error.to_string()))?;
    Ok(CertifiedKey::from_der(chain, key_der, &provider())?)
}
