//! Checks of a request's head that HTTP itself asks for (rest-api.md §1, RFC 9112 §3.2): they come before everything else, for every
//! path, and are answered with a status of HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};

use super::answer;
use super::body;
use crate::error::{Code, Status};
use crate::limits;

/// Refuses a request whose head HTTP does not allow or this listener does not serve: no single `Host` in HTTP/1.1 is 400, `CONNECT`
/// 405, and a body that is declared larger than the limit 413, before any of it is asked for.
pub(super) fn refuse(request: Request<Body>, body_time_max: Duration) -> Result<Request<Body>, Box<Response>> {
    let (parts, body) = request.into_parts();
    if parts.version == Version::HTTP_11 && parts.headers.get_all(header::HOST).iter().count() != 1 {
        return Err(Box::new((StatusCode::BAD_REQUEST, "HTTP/1.1 wants one Host header\n").into_response()));
    }
    if parts.method == Method::CONNECT {
        return Err(Box::new((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")]).into_response()));
    }
    if declared_length(&parts).is_some_and(|bytes| bytes > limits::HTTP_BODY_BYTES_MAX as u64) {
        let mut response = answer::failure(&too_large()).response;
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        if !expects_continue(&parts) {
            // The caller may be sending already, and would lose an answer that comes with a reset.
            tokio::spawn(async move { body::discard(body, limits::HTTP_DISCARD_BYTES_MAX, body_time_max).await });
        }
        return Err(Box::new(response));
    }
    Ok(Request::from_parts(parts, body))
}

/// The refusal of a body over the limit.
pub(super) fn too_large() -> Status {
    Status::new(Code::VerifyFailed, "the body is larger than 1 MiB")
}

/// True if the caller holds its body back until the server asks for it.
pub(super) fn expects_continue(parts: &Parts) -> bool {
    let expect = parts.headers.get(header::EXPECT).and_then(|value| value.to_str().ok());
    expect.is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"))
}

fn declared_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}
