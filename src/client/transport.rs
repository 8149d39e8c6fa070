//! What a connection goes over: a socket, or TLS over one.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::tls::{Anchors, WIRE_ALPN, client_config};

/// What a connection goes over.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// Whose certificates are good at `tls://` addresses. The host's name, or its number, is checked against the certificate in any case.
#[derive(Clone, Default)]
pub enum Trust {
    /// Those the system trusts; where it says nothing, as on phones, those Mozilla trusts.
    #[default]
    System,
    /// Those the certificates in this PEM file vouch for, and no others. Read at the first connection.
    File(PathBuf),
    /// As this configuration says, its cryptography included. To be able to refuse strangers, it names the protocol `chatroom/1` (ALPN).
    Config(Arc<ClientConfig>),
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trust::System => write!(f, "System"),
            Trust::File(path) => f.debug_tuple("File").field(path).finish(),
            Trust::Config(_) => write!(f, "Config(…)"),
        }
    }
}

impl Trust {
    /// How to speak TLS. Reads files.
    pub(crate) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        let anchors = match self {
            Trust::System => Anchors::System,
            Trust::File(path) => Anchors::File(path),
            Trust::Config(config) => return Ok(config.clone()),
        };
        client_config(anchors, &[WIRE_ALPN]).map(Arc::new).map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))
    }
}

/// Takes an address apart: whether it asks for TLS, host and port together, and the host alone.
pub(crate) fn parse(address: &str) -> Option<(bool, &str, &str)> {
    let (is_tls, place) = match address.strip_prefix("tls://") {
        Some(place) => (true, place),
        None => (false, address),
    };
    let (host, port) = place.rsplit_once(':')?;
    // A number of version 6 stands in brackets before a port, and without them in a certificate.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (!host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()).then_some((is_tls, place, host))
}

/// Connects, over TLS if the address says so.
pub(super) async fn open(address: &str, tls: Option<Arc<ClientConfig>>) -> io::Result<Stream> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "not host:port or tls://host:port");
    let (is_tls, place, host) = parse(address).ok_or_else(wrong)?;
    let secure = match tls.filter(|_| is_tls) {
        Some(tls) => Some((ServerName::try_from(host.to_owned()).map_err(|_| wrong())?, TlsConnector::from(tls))),
        None if is_tls => return Err(wrong()),
        None => None,
    };
    let stream = TcpStream::connect(place).await?;
    // Without it, small frames wait for acknowledgements of earlier ones; where it fails, they do.
    let _ = stream.set_nodelay(true);
    match secure {
        Some((name, connector)) => Ok(Either::Right(Box::new(connector.connect(name, stream).await?))),
        None => Ok(Either::Left(stream)),
    }
}

/// Looks whether a server answers at an address, with a certificate that is good if it speaks TLS.
#[cfg(feature = "cli")]
pub(crate) async fn reach(address: &str, trust: &Trust) -> io::Result<()> {
    let is_tls = parse(address).is_some_and(|(is_tls, ..)| is_tls);
    open(address, is_tls.then(|| trust.config()).transpose()?).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(parse("chat.example.com:7400"), Some((false, "chat.example.com:7400", "chat.example.com")));
        assert_eq!(parse("tls://chat.example.com:7443"), Some((true, "chat.example.com:7443", "chat.example.com")));
        assert_eq!(parse("tls://[::1]:7443"), Some((true, "[::1]:7443", "::1")));
        for wrong in ["", "host", "tls://host", ":1", "tls://:1", "host:port", "http://host:80", "host:70000"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
