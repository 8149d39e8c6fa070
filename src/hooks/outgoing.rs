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
use rustls::ClientConfig;

use crate::limits::{CALLBACK_IDLE_CONNECTIONS_MAX, CALLBACK_IDLE_MS};

/// Asks over `http://` and `https://`, with kept connections. Clones share them.
pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes the client, which speaks TLS as `tls` says.
pub(crate) fn http_client(tls: ClientConfig) -> HttpClient {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_millis(CALLBACK_IDLE_MS))
        .pool_max_idle_per_host(CALLBACK_IDLE_CONNECTIONS_MAX)
        .build(connector)
}

/// An error with what caused it, down to the last: only that says why a certificate is not trusted.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a string does not fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}
