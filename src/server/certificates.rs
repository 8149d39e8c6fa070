//! The certificates the listeners show, and how they are replaced while the node runs.

use std::sync::Arc;

use metrics::gauge;
use parking_lot::RwLock;
use rustls::ServerConfig;

use crate::config::{Config, ConfigError, TlsFiles};
use crate::id::UnixMs;
use crate::tls::{HTTP_ALPN, WIRE_ALPN};

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

    /// True if the key of the configuration names a file that [`Certificates::replace`] takes.
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
        let (config, not_after) = files.read(protocol)?;
        Ok(Certificate { listener, current: RwLock::new(Shown { config: Arc::new(config), not_after }) })
    }

    /// How to speak TLS with who connects now.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.read().config.clone()
    }
}
