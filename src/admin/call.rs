//! One call of the API, from its headers to its answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;

use super::answer::{self, Answer};
use super::endpoint::{self, Work};
use super::form::Form;
use super::gate::{Gate, Passport};
use super::{Rooms, body, room_calls, user_calls};
use crate::account::{Directory, is_longer};
use crate::error::{Code, Status};
use crate::id::UnixMs;
use crate::limits;

/// What calls work with.
pub(super) struct Api<R> {
    pub(super) rooms: R,
    pub(super) accounts: Arc<Directory>,
    pub(super) gate: Gate,
    pub(super) base: String,
    pub(super) started: Instant,
}

/// Answers a request for any path that is neither health nor metrics.
pub(super) async fn serve<R: Rooms>(api: &Api<R>, request: Request) -> Response {
    let known = request.uri().path().strip_prefix(api.base.as_str()).and_then(endpoint::find);
    let answer = match known {
        Some((path, work)) => work_on(api, path, work, request).await.unwrap_or_else(|status| answer::failure(&status)),
        None => answer::failure(&Status::new(Code::NotFound, "there is no such endpoint")),
    };
    let path = known.map_or("unknown", |(path, _)| path);
    metrics::counter!("chatroom_http_calls_total", "endpoint" => path, "code" => answer.code.to_string()).increment(1);
    tracing::debug!(endpoint = path, code = answer.code, "http call");
    answer.response
}

async fn work_on<R: Rooms>(api: &Api<R>, path: &'static str, work: Work, request: Request) -> Result<Answer, Status> {
    let (parts, body) = request.into_parts();
    let app_key = match admit(api, path, work, &parts) {
        Ok(app_key) => app_key,
        Err(status) => {
            body::discard(body).await;
            return Err(status);
        }
    };
    let form = Form::parse(&body::read(body).await?, parts.uri.query().unwrap_or_default())?;
    match work {
        Work::UserCreate => user_calls::create(api, app_key, &form).await,
        Work::RoomCreate => room_calls::create(api, app_key, &form).await,
        Work::RoomGet => room_calls::get(api, app_key, &form).await,
        Work::NotOffered => Err(not_offered()),
    }
}

fn not_offered() -> Status {
    Status::new(Code::Unavailable, "this endpoint is not offered yet")
}

/// Checks method and headers, these in the order of the table of rest-api.md §1.1; the key of the application that calls.
fn admit<'a, R: Rooms>(api: &Api<R>, endpoint: &'static str, work: Work, parts: &'a Parts) -> Result<&'a str, Status> {
    if parts.method != Method::POST {
        return Err(Status::bad_parameter("use POST"));
    }
    let bad_header = || Status::bad_parameter("bad http header");
    let header = |name: &str| match parts.headers.get(name) {
        None => Ok(""),
        Some(value) => value.to_str().map_err(|_| bad_header()),
    };
    let (app_key, nonce) = (header("AppKey")?, header("Nonce")?);
    let (cur_time, check_sum) = (header("CurTime")?, header("CheckSum")?);
    let request_id = Some(header("RequestId")?).filter(|id| !id.is_empty());
    if request_id.is_some_and(|id| is_longer(id, limits::REQUEST_ID_CHARS_MAX)) {
        return Err(bad_header());
    }
    api.accounts.check_http(app_key, nonce, cur_time, check_sum, now())?;
    let now_ms = u64::try_from(api.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    api.gate.admit(now_ms, &Passport { app_key, endpoint, nonce, cur_time, check_sum, request_id })?;
    if work == Work::NotOffered {
        return Err(not_offered());
    }
    Ok(app_key)
}

/// The node's clock.
fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
