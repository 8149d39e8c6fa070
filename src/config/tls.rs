//! Where TLS is spoken, and with which files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError};
use crate::id::UnixMs;
use crate::tls::{Anchors, client_config, expires, read_certificates, read_key, server_config};

/// TLS for clients and for callbacks; that of the HTTP API is [`Http::certificate`](super::Http::certificate).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Where clients connect over TLS, beside `listen`; port 0 takes a free one.
    pub listen: MaybeAddress,
    /// A PEM file: the certificate shown there, then those between it and the root.
    pub certificate: PathBuf,
    /// A PEM file: the private key of that certificate.
    pub key: PathBuf,
    /// A PEM file of certificates that are trusted in callbacks beside those the system trusts; empty: none.
    pub ca: PathBuf,
}

/// An address, or none: an empty text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MaybeAddress(pub Option<SocketAddr>);

impl TryFrom<String> for MaybeAddress {
    type Error = String;

    fn try_from(text: String) -> Result<MaybeAddress, String> {
        if text.is_empty() {
            return Ok(MaybeAddress(None));
        }
        let address = text.parse().map_err(|_| format!("'{text}' is no address: write it like \"0.0.0.0:7443\""))?;
        Ok(MaybeAddress(Some(address)))
    }
}

impl From<MaybeAddress> for String {
    fn from(address: MaybeAddress) -> String {
        address.0.map_or_else(String::new, |address| address.to_string())
    }
}

/// The two files of a listener that speaks TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TlsFiles<'a> {
    /// The section of the configuration they stand in.
    pub(crate) section: &'static str,
    pub(crate) certificate: &'a Path,
    pub(crate) key: &'a Path,
}

impl TlsFiles<'_> {
    /// Reads the files: how a listener of this protocol speaks TLS with them, and when the first of the certificates expires. The words of
    /// an error name the key of the configuration and say what to do.
    pub(crate) fn read(&self, protocol: &[u8]) -> Result<(rustls::ServerConfig, UnixMs), ConfigError> {
        let refused = |key: &str, reason: String| ConfigError::OutOfBounds {
            key: format!("{}.{key}", self.section),
            reason: format!("is of no use: {reason}"),
        };
        let chain = read_certificates(self.certificate).map_err(|reason| refused("certificate", reason))?;
        let not_after = expires(&chain).map_err(|reason| {
            refused("certificate", format!("'{}' holds something else: {reason}", self.certificate.display()))
        })?;
        let key = read_key(self.key).map_err(|reason| refused("key", reason))?;
        let config = server_config(chain, key, protocol).map_err(|error| {
            let certificate = self.certificate.display();
            refused("key", format!("'{}' does not fit the certificate in '{certificate}': {error}", self.key.display()))
        })?;
        Ok((config, UnixMs(not_after)))
    }
}

impl Config {
    /// The files for the wire listener; `None` while it speaks no TLS.
    pub(crate) fn wire_tls(&self) -> Result<Option<TlsFiles<'_>>, ConfigError> {
        let files = both("tls", &self.tls.certificate, &self.tls.key)?;
        match (files, self.tls.listen.0) {
            (None, Some(_)) => Err(refused("tls.certificate", "must be given where tls.listen is; name a PEM file")),
            (Some(_), None) => Err(refused("tls.listen", "must be given where tls.certificate is, as in \"0.0.0.0:7443\"")),
            (files, _) => Ok(files),
        }
    }

    /// The files for the HTTP listener; `None` while it speaks no TLS.
    pub(crate) fn http_tls(&self) -> Result<Option<TlsFiles<'_>>, ConfigError> {
        both("http", &self.http.certificate, &self.http.key)
    }

    /// How to speak TLS with whom the node calls. Reads the certificates that are trusted: the system's, and those of `tls.ca`.
    pub(crate) fn callback_tls(&self) -> Result<rustls::ClientConfig, ConfigError> {
        let anchors = self.callback_ca().map_or(Anchors::System, Anchors::SystemAnd);
        client_config(anchors, &[]).map_err(|reason| refused("tls.ca", &format!("is of no use: {reason}")))
    }

    /// The file of further certificates to trust in callbacks.
    pub(super) fn callback_ca(&self) -> Option<&Path> {
        Some(self.tls.ca.as_path()).filter(|path| !path.as_os_str().is_empty())
    }
}

fn both<'a>(section: &'static str, certificate: &'a Path, key: &'a Path) -> Result<Option<TlsFiles<'a>>, ConfigError> {
    match (certificate.as_os_str().is_empty(), key.as_os_str().is_empty()) {
        (true, true) => Ok(None),
        (false, false) => Ok(Some(TlsFiles { section, certificate, key })),
        (true, false) => Err(refused(&format!("{section}.certificate"), "must be given where the key is; name a PEM file")),
        (false, true) => Err(refused(&format!("{section}.key"), "must be given where the certificate is; name a PEM file")),
    }
}

fn refused(key: &str, reason: &str) -> ConfigError {
    ConfigError::OutOfBounds { key: key.to_owned(), reason: reason.to_owned() }
}
