//! One call of the API, from its headers to its answer.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::answer::{self, Answer};
use super::described::Described;
use super::endpoint::{self, Endpoint};
use super::form::Form;
use super::gate::{Gate, Passport, Rate};
use super::source::{Ends, Proxies};
use super::strangers::Strangers;
use super::{LIVENESS, Rooms, body, head};
use crate::account::{Directory, HttpCall, Known, is_longer};
use crate::config::Http;
use crate::error::{Code, Status};
use crate::id::{AccountId, RoomId, UnixMs};
use crate::limits;
use crate::room::{Actor, Command, Op, Query};
use crate::wire::{self, pb};

/// What calls work with.
pub(super) struct Api<R> {
    pub(super) rooms: R,
    pub(super) accounts: Arc<Directory>,
    pub(super) gate: Gate,
    pub(super) strangers: Arc<Strangers>,
    pub(super) proxies: Proxies,
    pub(super) http: Http,
    pub(super) started: Instant,
}

/// A call that may be worked on.
pub(super) struct Call<'a, R> {
    pub(super) api: &'a Api<R>,
    /// The application that calls.
    pub(super) app_key: &'a str,
    pub(super) form: Form,
    /// Description of its endpoint's parameters and answer.
    pub(super) described: &'static Described,
    /// The address of this machine at which the call has arrived.
    pub(super) reached_at: Option<IpAddr>,
}

/// Answers a request for any path that is neither health nor metrics.
pub(super) async fn serve<R: Rooms>(api: &Api<R>, request: Request) -> Response {
    let endpoint = request.uri().path().strip_prefix(api.http.base.as_str()).and_then(endpoint::find::<R>);
    let path = endpoint.map_or("unknown", |endpoint| endpoint.path);
    let is_alive = request.uri().path().strip_prefix(api.http.base.as_str()) == Some(LIVENESS);
    if is_alive && [Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
        return answer::bare();
    }
    let is_served = request.method() == Method::POST;
    let answer = work_on(api, endpoint, request).await.unwrap_or_else(|status| answer::failure(&status));
    metrics::counter!("chatroom_http_calls_total", "endpoint" => path, "code" => answer.code.to_string()).increment(1);
    tracing::debug!(endpoint = path, code = answer.code, "http call");
    let mut response = answer.response;
    if !is_served {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

async fn work_on<R: Rooms>(api: &Api<R>, endpoint: Option<&'static Endpoint<R>>, request: Request) -> Result<Answer, Status> {
    let (parts, body) = request.into_parts();
    let time_max = Duration::from_millis(api.http.body_timeout_ms);
    let source = api.proxies.source(peer(&parts), &parts.headers);
    let now_ms = elapsed_ms(api.started);
    let known = endpoint.ok_or_else(|| Status::new(Code::NotFound, "there is no such endpoint"));
    let proven = known.and_then(|endpoint| Ok((endpoint, prove(api, endpoint.path, &parts)?)));
    let (endpoint, passport) = match proven {
        Ok(proven) => proven,
        Err(status) if api.strangers.fail(now_ms, source) => {
            // Neither its body nor what it sends next is worth reading, and the next failure comes no sooner than this.
            tokio::time::sleep(Duration::from_millis(limits::HTTP_FAILURE_PAUSE_MS)).await;
            metrics::counter!("chatroom_http_failures_delayed_total").increment(1);
            return Ok(answer::last(&status));
        }
        Err(status) => {
            // A caller that waits to be asked for its body is told at once.
            if !head::expects_continue(&parts) {
                body::discard(body, limits::HTTP_BODY_BYTES_MAX, time_max).await;
            }
            return Err(status);
        }
    };
    let query = parts.uri.query().unwrap_or_default();
    let body = body::read(body, time_max).await;
    // Parameters may stand in the query alone, and then they are what tells one call from another.
    let content = body.as_deref().ok().map(|body| if body.is_empty() { query.as_bytes() } else { body });
    api.gate.admit(now_ms, &passport, content, || api.accounts.check_http_source(passport.app_key, source))?;
    let form = Form::parse(&body?, query)?;
    let described = Described::of(endpoint.path).ok_or_else(no_answer)?;
    described.check(&form).map_err(|status| described.spell(status))?;
    let reached_at = parts.extensions.get::<Ends>().map(|ends| ends.local);
    let call = Call { api, app_key: passport.app_key, form, described, reached_at };
    (endpoint.work)(&call).await.map_err(|status| endpoint.fit(described.spell(status)))
}

/// Checks method and headers, these in the order of the table of rest-api.md §1.1 up to the checksum: who makes the call.
fn prove<'a, R: Rooms>(api: &Api<R>, endpoint: &'static str, parts: &'a Parts) -> Result<Passport<'a>, Status> {
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
    api.accounts.check_http(&HttpCall { app_key, nonce, cur_time, check_sum }, now())?;
    Ok(Passport { app_key, endpoint, nonce, cur_time, request_id, rate: rate(&api.http, endpoint) })
}

/// Whom the connection of a request comes from. The listener says it of each request.
fn peer(parts: &Parts) -> IpAddr {
    parts.extensions.get::<Ends>().map_or(Ipv4Addr::UNSPECIFIED.into(), |ends| ends.peer)
}

/// Milliseconds of the clock the gates go by.
pub(super) fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How often an endpoint may be called (rest-api.md §8).
fn rate(http: &Http, endpoint: &str) -> Rate {
    const MINUTE_MS: u64 = 60_000;
    let per_minute = |calls| Rate { calls, window_ms: MINUTE_MS, block_ms: MINUTE_MS };
    match endpoint {
        "/history/queryChatroomMsg.action" => per_minute(http.history_calls_per_minute),
        "/chatroom/broadcast.action" => per_minute(http.broadcast_calls_per_minute),
        _ => Rate { calls: http.calls_per_second, window_ms: 1000, block_ms: http.block_ms },
    }
}

impl<R: Rooms> Call<'_, R> {
    /// The room the call is about.
    pub(super) fn room(&self) -> Result<RoomId, Status> {
        RoomId::new(self.form.number("roomid")?.ok_or_else(|| Status::bad_parameter("roomid is missing"))?)
    }

    /// Asks a room with the application's authority.
    pub(super) async fn query(&self, room: RoomId, query: Query) -> Result<wire::Response, Status> {
        // Whose name stands there does not matter: nobody's role is looked at.
        let nobody = AccountId::parse("http").expect("four letters are a valid account");
        self.api.rooms.query(self.app_key, room, Actor::http(nobody), query).await
    }

    /// Has a room do something in the name of an account.
    pub(super) async fn command(&self, room: RoomId, account: AccountId, op: Op) -> Result<wire::Response, Status> {
        self.command_as(room, Actor::http(account), op).await
    }

    /// As [`Call::command`], of an actor of whom there is more to say.
    pub(super) async fn command_as(&self, room: RoomId, actor: Actor, op: Op) -> Result<wire::Response, Status> {
        self.api.rooms.command(self.app_key, room, Command { actor, op }).await
    }

    /// Has a room do something in the name of its creator, as calls without an operator do.
    pub(super) async fn command_as_creator(&self, room: RoomId, op: Op) -> Result<wire::Response, Status> {
        let creator = AccountId::parse(&self.info(room).await?.creator)?;
        self.command(room, creator, op).await
    }

    /// What the room is.
    pub(super) async fn info(&self, room: RoomId) -> Result<pb::RoomInfo, Status> {
        match self.query(room, Query::Info(pb::RoomInfoRequest { room_id: room.get() })).await? {
            wire::Response::RoomInfo(response) => response.room.ok_or_else(no_answer),
            _ => Err(no_answer()),
        }
    }

    /// Members of a room among these accounts, in their order; who has no relation to it is left out.
    pub(super) async fn members(&self, room: RoomId, accounts: &[AccountId]) -> Result<Vec<pb::Member>, Status> {
        let mut members = Vec::with_capacity(accounts.len());
        for some in accounts.chunks(limits::LOOKUP_ACCOUNTS_MAX) {
            let accounts = some.iter().map(AccountId::to_string).collect();
            let look_up = pb::MemberLookupRequest { room_id: room.get(), accounts };
            match self.query(room, Query::Lookup(look_up)).await? {
                wire::Response::MemberLookup(found) => members.extend(found.members),
                _ => return Err(no_answer()),
            }
        }
        Ok(members)
    }

    /// An account of the application that calls.
    pub(super) async fn account(&self, id: &AccountId) -> Result<Option<Known>, Status> {
        Ok(self.accounts(std::slice::from_ref(id)).await?.pop().flatten())
    }

    /// Accounts of the application that calls, in this order. Those that memory does not know are read, on a thread that may.
    pub(super) async fn accounts(&self, ids: &[AccountId]) -> Result<Vec<Option<Known>>, Status> {
        let look = |id| self.api.accounts.look(self.app_key, id).map(|look| look.known);
        if let Some(known) = ids.iter().map(look).collect::<Option<Vec<_>>>() {
            return Ok(known);
        }
        let (accounts, key, ids) = (self.api.accounts.clone(), self.app_key.to_owned(), ids.to_vec());
        on_disk(move || ids.iter().map(|id| accounts.account(&key, id)).collect()).await
    }
}

/// What an answer of the wrong kind comes to.
pub(super) fn no_answer() -> Status {
    Status::new(Code::ServerError, "the room answered something else")
}

/// Waits for the disk on a thread that may.
pub(super) async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> Result<T, Status> + Send + 'static) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Status::new(Code::ServerError, "the accounts could not be read or kept"))?
}

/// The node's clock.
pub(super) fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
