//! The client for everything the node asks or tells others over HTTP.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::config::{Config, ConfigError};
use crate::limits::{CALLBACK_IDLE_CONNECTIONS_MAX, CALLBACK_IDLE_MS};
use crate::tls::{Anchors, client_config};

/// Asks over `http://` and `https://`, with kept connections. Clones share them.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes the client. Reads the certificates that are trusted: the system's, and those of `tls.ca`.
pub(crate) fn http_client(config: &Config) -> Result<HttpClient, ConfigError> {
    let anchors = config.callback_ca().map_or(Anchors::System, Anchors::SystemAnd);
    let tls = client_config(anchors, &[])
        .map_err(|reason| ConfigError::OutOfBounds { key: "tls.ca".to_owned(), reason: format!("is of no use: {reason}") })?;
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_millis(CALLBACK_IDLE_MS))
        .pool_max_idle_per_host(CALLBACK_IDLE_CONNECTIONS_MAX)
        .build(connector))
}

/// An error with what caused it, down to the last: only that says why a certificate is not trusted.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a string does not fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
