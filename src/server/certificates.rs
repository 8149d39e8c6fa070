//! The certificates the listeners show, and how they are replaced while the node runs.

use std::sync::Arc;

use metrics::gauge;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::pki_types::CertificateDer;

use super::config::{Config, ConfigError, TlsFiles};
use crate::id::UnixMs;
use crate::tls::{HTTP_ALPN, WIRE_ALPN, provider, read_certificates, read_key};

/// The certificates of both listeners; `None` where no TLS is spoken.
pub(crate) struct Certificates {
    pub(crate) wire: Option<Certificate>,
    pub(crate) http: Option<Certificate>,
}

/// What one listener shows, to be replaced as a whole. Any thread.
pub(crate) struct Certificate {
    listener: &'static str,
    current: RwLock<Shown>,
}

#[derive(Clone)]
struct Shown {
    config: Arc<ServerConfig>,
    /// When the first certificate of the chain expires.
    not_after: UnixMs,
}

impl Certificates {
    /// Reads the files. The words of an error name the key of the configuration and say what to do.
    pub(crate) fn load(config: &Config) -> Result<Certificates, ConfigError> {
        let wire = config.wire_tls()?.map(|files| Certificate::load("wire", files, WIRE_ALPN)).transpose()?;
        let http = config.http_tls()?.map(|files| Certificate::load("http", files, HTTP_ALPN)).transpose()?;
        Ok(Certificates { wire, http })
    }

    /// Shows others from now on; connections that are there keep what they have. A listener that speaks no TLS does not begin to.
    pub(crate) fn replace(&self, fresh: &Certificates) {
        for (old, new) in [(&self.wire, &fresh.wire), (&self.http, &fresh.http)] {
            if let (Some(old), Some(new)) = (old, new) {
                let shown = new.current.read().clone();
                *old.current.write() = shown;
            }
        }
    }

    /// Whether the key of the configuration names a file that [`Certificates::replace`] takes.
    pub(crate) fn takes(&self, key: &str, fresh: &Certificates) -> bool {
        let is_file = |section| key.strip_prefix(section).is_some_and(|key| matches!(key, ".certificate" | ".key"));
        let both = |old: &Option<Certificate>, new: &Option<Certificate>| old.is_some() && new.is_some();
        is_file("tls") && both(&self.wire, &fresh.wire) || is_file("http") && both(&self.http, &fresh.http)
    }

    /// Tells the metrics how long they last.
    pub(crate) fn report(&self, now: UnixMs) {
        for certificate in [&self.wire, &self.http].into_iter().flatten() {
            let left_ms = certificate.current.read().not_after.0.saturating_sub(now.0);
            gauge!("chatroom_tls_certificate_expires_seconds", "listener" => certificate.listener).set(left_ms as f64 / 1000.0);
        }
    }
}

impl Certificate {
    fn load(listener: &'static str, files: TlsFiles<'_>, protocol: &[u8]) -> Result<Certificate, ConfigError> {
        let refused = |key: &str, reason: String| ConfigError::OutOfBounds {
            key: format!("{}.{key}", files.section),
            reason: format!("is of no use: {reason}"),
        };
        let chain = read_certificates(files.certificate).map_err(|reason| refused("certificate", reason))?;
        let not_after = not_after(&chain).map_err(|reason| {
            refused("certificate", format!("'{}' holds something else: {reason}", files.certificate.display()))
        })?;
        let key = read_key(files.key).map_err(|reason| refused("key", reason))?;
        let config = server_config(chain, key, protocol).map_err(|error| {
            let certificate = files.certificate.display();
            refused("key", format!("'{}' does not fit the certificate in '{certificate}': {error}", files.key.display()))
        })?;
        let current = RwLock::new(Shown { config: Arc::new(config), not_after });
        Ok(Certificate { listener, current })
    }

    /// How to speak TLS with who connects now.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.read().config.clone()
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
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

fn not_after(chain: &[CertificateDer<'static>]) -> Result<UnixMs, String> {
    let mut earliest = i64::MAX;
    for certificate in chain {
        let (_, certificate) = x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
        earliest = earliest.min(certificate.validity().not_after.timestamp());
    }
    Ok(UnixMs(earliest.saturating_mul(1000)))
}
