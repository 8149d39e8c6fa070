//! What the HTTP listener makes of a connection: nothing but that, or TLS when the configuration has a certificate for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::node::Node;
use super::shared::Shared;
use super::transport::count_handshake;
use crate::limits::HTTPS_HANDSHAKE_MS;

/// A connection as HTTP is spoken on it.
pub type HttpStream = Either<TcpStream, TlsStream<TcpStream>>;

impl Node {
    /// What makes an HTTP connection of what was accepted, over TLS if the configuration has `http.certificate`: nothing of a
    /// handshake that fails or takes too long. All that have a place shake hands at once, so that who is slow at it holds up nobody
    /// else.
    pub fn http_transport(&self) -> impl Fn(TcpStream) -> HttpShaken + Send + 'static {
        let shared = self.shared.clone();
        move |stream| Box::pin(shake(shared.clone(), stream))
    }
}

/// What becomes of a connection.
pub type HttpShaken = std::pin::Pin<Box<dyn Future<Output = Option<HttpStream>> + Send>>;

async fn shake(shared: Arc<Shared>, stream: TcpStream) -> Option<HttpStream> {
    let Some(certificate) = &shared.certificates.http else { return Some(Either::Left(stream)) };
    let acceptor = TlsAcceptor::from(certificate.current());
    let why = match timeout(Duration::from_millis(HTTPS_HANDSHAKE_MS), acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            count_handshake("http", "done");
            return Some(Either::Right(stream));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    tracing::debug!(why, "no TLS over HTTP");
    count_handshake("http", "failed");
    None
}
