//! What a connection goes over: a socket, or TLS over one.

use std::io;
use std::path::PathBuf;
#[cfg(feature = "tls")]
use std::sync::Arc;

use tokio::net::TcpStream;

/// What a connection goes over.
#[cfg(feature = "tls")]
pub(super) type Stream = tokio_util::either::Either<TcpStream, Box<tokio_rustls::client::TlsStream<TcpStream>>>;
/// What a connection goes over.
#[cfg(not(feature = "tls"))]
pub(super) type Stream = TcpStream;

/// How to speak TLS; used for all connections of a client, for it also keeps what makes the next handshake shorter.
#[cfg(feature = "tls")]
pub(crate) type Secure = Arc<rustls::ClientConfig>;
/// How to speak TLS: not at all.
#[cfg(not(feature = "tls"))]
pub(crate) type Secure = std::convert::Infallible;

/// Whose certificates are good at `tls://` addresses. The host's name, or its number, is checked against the certificate in any case.
#[derive(Clone, Default)]
pub enum Trust {
    /// Those the system trusts; where it says nothing, as on Android and iOS, those Mozilla trusts.
    #[default]
    System,
    /// Those the certificates in this PEM file vouch for, and no others. Read at the first connection.
    File(PathBuf),
    /// As this configuration says, its cryptography included. It should name the protocol `chatroom/1` (ALPN).
    #[cfg(feature = "tls")]
    Config(Arc<rustls::ClientConfig>),
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trust::System => write!(f, "System"),
            Trust::File(path) => f.debug_tuple("File").field(path).finish(),
            #[cfg(feature = "tls")]
            Trust::Config(_) => write!(f, "Config(…)"),
        }
    }
}

impl Trust {
    /// How to speak TLS. Reads files.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&self) -> io::Result<Secure> {
        use crate::tls::{Anchors, WIRE_ALPN, client_config};
        let anchors = match self {
            Trust::System => Anchors::System,
            Trust::File(path) => Anchors::File(path),
            Trust::Config(config) => return Ok(config.clone()),
        };
        client_config(anchors, &[WIRE_ALPN]).map(Arc::new).map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))
    }

    /// How to speak TLS: not at all.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn secure(&self) -> io::Result<Secure> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this library is built without TLS (feature `tls`)"))
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

fn unfit() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the address must be host:port or tls://host:port")
}

/// Connects, over TLS if the address says so; then `secure` must say how.
pub(super) async fn open(address: &str, secure: Option<Secure>) -> io::Result<Stream> {
    let (is_tls, place, host) = parse(address).ok_or_else(unfit)?;
    let stream = TcpStream::connect(place).await?;
    // Without it, small frames wait for acknowledgements of earlier ones; where it fails, they do.
    let _ = stream.set_nodelay(true);
    match secure {
        Some(secure) if is_tls => shake_hands(stream, secure, host).await,
        None if is_tls => Err(unfit()),
        _ => Ok(plain(stream)),
    }
}

#[cfg(feature = "tls")]
fn plain(stream: TcpStream) -> Stream {
    tokio_util::either::Either::Left(stream)
}

#[cfg(not(feature = "tls"))]
fn plain(stream: TcpStream) -> Stream {
    stream
}

#[cfg(feature = "tls")]
async fn shake_hands(stream: TcpStream, secure: Secure, host: &str) -> io::Result<Stream> {
    let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(|_| unfit())?;
    let stream = tokio_rustls::TlsConnector::from(secure).connect(name, stream).await?;
    Ok(tokio_util::either::Either::Right(Box::new(stream)))
}

#[cfg(not(feature = "tls"))]
async fn shake_hands(_: TcpStream, secure: Secure, _: &str) -> io::Result<Stream> {
    match secure {}
}

/// Looks whether a server answers at an address, with a certificate that is good if it speaks TLS.
#[cfg(feature = "cli")]
pub(crate) async fn reach(address: &str, trust: &Trust) -> io::Result<()> {
    let is_tls = parse(address).is_some_and(|(is_tls, ..)| is_tls);
    open(address, is_tls.then(|| trust.secure()).transpose()?).await.map(drop)
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
