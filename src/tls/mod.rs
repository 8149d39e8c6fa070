//! What server and client have in common where they speak TLS: the cryptography, PEM files, and whom we trust.
//!
//! The provider of cryptography is handed to rustls explicitly: a host that uses rustls too keeps its own process default.

use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "server")]
use rustls::ServerConfig;
#[cfg(feature = "server")]
use rustls::crypto::ring::Ticketer;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
#[cfg(feature = "server")]
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::{ClientConfig, RootCertStore};

/// The protocol a client names in the handshake of the wire protocol (wire.md §4).
pub(crate) const WIRE_ALPN: &[u8] = b"chatroom/1";
/// Likewise for HTTP.
#[cfg(feature = "server")]
pub(crate) const HTTP_ALPN: &[u8] = b"http/1.1";

/// What does the cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Reads the certificates of a PEM file, in their order. The words of an error begin with the file and say what to do.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(format!("'{}' holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----", path.display()))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Reads the private key of a PEM file, likewise.
#[cfg(feature = "server")]
pub(crate) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        PemError::NoItemsFound => format!(
            "'{}' holds no private key; it must be PEM, with -----BEGIN PRIVATE KEY-----, and without a passphrase",
            path.display()
        ),
        error => unreadable(path, &error),
    })
}

fn unreadable(path: &Path, error: &PemError) -> String {
    match error {
        PemError::Io(error) => {
            format!(
                "'{}' cannot be read: {error}; let the user that runs this program read it, or name another",
                path.display()
            )
        }
        // The error names a place in the file, never what stands there.
        error => format!("'{}' is not right: {error}; it must be PEM", path.display()),
    }
}

/// How to speak TLS as a server of one protocol.
#[cfg(feature = "server")]
pub(crate) fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    protocol: &[u8],
) -> Result<ServerConfig, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![protocol.to_vec()];
    // Clients that come back need no signature, and nothing is kept for them here. A new certificate brings new ticket keys, so
    // that it is seen by everybody at once.
    config.ticketer = Ticketer::new()?;
    config.send_tls13_tickets = 1;
    Ok(config)
}

/// When the first certificate of a chain expires, in milliseconds since 1970.
#[cfg(feature = "server")]
pub(crate) fn expires(chain: &[CertificateDer<'static>]) -> Result<i64, String> {
    let mut earliest = i64::MAX;
    for certificate in chain {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
        earliest = earliest.min(certificate.validity().not_after.timestamp());
    }
    Ok(earliest.saturating_mul(1000))
}

/// Whose certificates are good.
#[derive(Clone, Copy)]
pub(crate) enum Anchors<'a> {
    /// Those the system trusts.
    System,
    /// Those a PEM file vouches for, and no others.
    #[cfg(feature = "client")]
    File(&'a Path),
    /// Both.
    #[cfg(feature = "server")]
    SystemAnd(&'a Path),
}

/// How to speak TLS as a client. Reads files.
pub(crate) fn client_config(anchors: Anchors<'_>, protocols: &[&[u8]]) -> Result<ClientConfig, String> {
    let (mut roots, file) = match anchors {
        Anchors::System => (system_roots(), None),
        #[cfg(feature = "client")]
        Anchors::File(file) => (RootCertStore::empty(), Some(file)),
        #[cfg(feature = "server")]
        Anchors::SystemAnd(file) => (system_roots(), Some(file)),
    };
    if let Some(file) = file {
        for certificate in read_certificates(file)? {
            let refused = |error| format!("'{}' holds a certificate that cannot be trusted: {error}", file.display());
            roots.add(certificate).map_err(refused)?;
        }
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

/// The certificates the system trusts.
pub(crate) fn system_certificates() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// Whom the system trusts; where it says nothing, as Android, iOS and bare containers do, whom Mozilla trusts.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Single certificates that cannot be read are passed over, as other programs of the system do.
    roots.add_parsable_certificates(system_certificates());
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
