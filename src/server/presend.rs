//! Asking an application whether a message may be sent (chatroom.md §e.9): the room first, then the application, then the room
//! again, for good. Meanwhile whatever the connection asks waits in line, so that what it asked first is done first.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use serde::Serialize;

use super::apps::SendCallback;
use super::connection::Phase;
use super::worker::{State, Worker, overloaded};
use crate::config::OnFailure;
use crate::dispatch::{Answer, Asked, Asker, Request};
use crate::error::{Code, Status};
use crate::hooks::{Callback, NoAnswer, Verdict};
use crate::id::{ConnId, RoomId};
use crate::limits::{BODY_CHARS_MAX, HELD_BYTES_MAX, REQUESTS_HELD_MAX, SEND_CALLBACK_MS};
use crate::room::{Ask, Op, Query};
use crate::session::ServerOutput;
use crate::wire::{self, PacketKind, Response, pb};

const KIND: u16 = PacketKind::MessageSend as u16;

/// A message that waits to be permitted, and what its connection has asked since.
pub(crate) struct Held {
    sequence: u32,
    room: RoomId,
    request: Box<pb::MessageSendRequest>,
    callback: SendCallback,
    /// The room would take it; the application has been asked.
    is_asked: bool,
    waiting: VecDeque<ServerOutput>,
    /// Bytes of what waits.
    bytes: usize,
}

/// Bytes of a request, as they came.
fn weight(request: &wire::Request) -> usize {
    let mut frame = BytesMut::new();
    request.encode(1, &mut frame);
    frame.len()
}

fn weight_of(output: &ServerOutput) -> usize {
    match output {
        ServerOutput::Request { request, .. } => weight(request),
        _ => 0,
    }
}

impl Held {
    /// Whether it is the room that has to say whether the message may be sent, and the answer to this request says so.
    pub(super) fn waits_for_room(&self, sequence: u32) -> bool {
        !self.is_asked && self.sequence == sequence
    }
}

/// What the application is asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    app_key: String,
    room_id: i64,
    from: String,
    from_client_type: u32,
    msg_id: String,
    r#type: i32,
    sub_type: u32,
    body: String,
    attach: String,
    ext: String,
    to_accids: Vec<String>,
    env: String,
    callback_ext: String,
}

/// What becomes of a message.
enum Ruling {
    Send(Option<Bytes>),
    Refuse(Status),
}

impl State {
    /// Puts a request in line behind a message that waits; gives it back if none does.
    pub(super) fn hold_back(&mut self, id: ConnId, output: ServerOutput) -> Option<ServerOutput> {
        let Some(held) = self.connection(id).and_then(|connection| connection.held_mut()) else { return Some(output) };
        match output {
            ServerOutput::Request { sequence, request }
                if held.waiting.len() >= REQUESTS_HELD_MAX || held.bytes + weight(&request) > HELD_BYTES_MAX =>
            {
                let status = Status::new(Code::Busy, "too much waits behind a message that is being judged: wait for answers");
                self.refuse(id, request.kind() as u16, sequence, &status);
                None
            }
            ServerOutput::Request { sequence, request } => {
                held.bytes += weight(&request);
                held.waiting.push_back(ServerOutput::Request { sequence, request });
                None
            }
            ServerOutput::Logout { .. } => {
                held.waiting.push_back(output);
                None
            }
            other => Some(other),
        }
    }

    /// Who is asked about the messages of a connection.
    pub(super) fn send_callback(&mut self, worker: &Worker, id: ConnId) -> Option<SendCallback> {
        if !self.apps(worker).asks_before_sends {
            return None;
        }
        let app_key = self.connection(id)?.identity.as_deref()?.app_key.clone();
        self.apps(worker).send_callback(&app_key).cloned()
    }

    /// Asks the room whether it would take a message.
    pub(super) fn ask_first(
        &mut self,
        worker: &Rc<Worker>,
        id: ConnId,
        sequence: u32,
        request: Box<pb::MessageSendRequest>,
        callback: SendCallback,
    ) {
        let room = match RoomId::new(request.room_id) {
            Ok(room) if worker.shared.is_overloaded(room) => return self.refuse(id, KIND, sequence, &overloaded()),
            Ok(room) => room,
            Err(status) => return self.refuse(id, KIND, sequence, &status),
        };
        self.calm(id);
        let Some(connection) = self.connection(id) else { return };
        let Some(actor) = connection.actor() else { return };
        let ask = Ask::Query(Query::MaySend(request.clone()));
        let waiting = VecDeque::new();
        let held = Box::new(Held { sequence, room, request, callback, is_asked: false, waiting, bytes: 0 });
        connection.change_rare(|rare| rare.held = Some(held));
        let asker = Asker::Connection(Asked { connection: id, sequence, kind: KIND, room });
        self.hub.request(Request { room, asker, actor, ask, app_key: None, resume: None });
    }

    /// The room has said whether it would take the message. Called while answers are being staged.
    pub(super) fn on_may_send(&mut self, worker: &Rc<Worker>, asked: Asked, answer: Answer) {
        let id = asked.connection;
        match answer {
            // It was accepted before, and the application with it: nobody is asked twice.
            Ok(Response::MessageSend(sent)) if sent.duplicate => self.rule(worker, id, Ruling::Send(None)),
            Ok(_) => self.ask_application(worker, id),
            Err(status) => self.rule(worker, id, Ruling::Refuse(status)),
        }
    }

    fn ask_application(&mut self, worker: &Rc<Worker>, id: ConnId) {
        let Some(connection) = self.connections.get_mut(id.slot()).filter(|connection| connection.id == id) else { return };
        let (Some(held), Some(identity)) =
            (connection.rare.as_mut().and_then(|rare| rare.held.as_deref_mut()), connection.identity.as_deref())
        else {
            return;
        };
        let asking = (identity.app_key.clone(), Callback::Send);
        if !self.callbacks.begin(&asking) {
            let ruling = match held.callback.on_failure {
                OnFailure::Open => Ruling::Send(None),
                OnFailure::Closed => Ruling::Refuse(overloaded()),
            };
            return self.rule(worker, id, ruling);
        }
        held.is_asked = true;
        let (sequence, callback) = (held.sequence, held.callback.clone());
        // The room has found the texts to be UTF-8.
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let request = &held.request;
        let question = Question {
            app_key: identity.app_key.to_string(),
            room_id: request.room_id,
            from: identity.account.to_string(),
            from_client_type: identity.client_type,
            msg_id: request.message_id.clone(),
            r#type: request.r#type,
            sub_type: request.sub_type,
            body: text(&request.body),
            attach: text(&request.attach),
            ext: text(&request.ext),
            to_accids: request.to_accounts.clone(),
            env: request.env.clone(),
            callback_ext: request.callback_ext.clone(),
        };
        let is_text = request.r#type == pb::MessageType::Text as i32;
        let worker = worker.clone();
        tokio::task::spawn_local(async move {
            let verdict = worker.shared.callbacks.ask(&callback.uri, &question, SEND_CALLBACK_MS).await;
            let ruling = ruling(verdict, callback.on_failure, is_text);
            worker.with(|state| {
                state.callbacks.end(&asking);
                let connection = state.connection(id).filter(|connection| connection.phase == Phase::Open);
                let held = connection.and_then(|connection| connection.held());
                if held.is_some_and(|held| held.sequence == sequence) {
                    state.rule(&worker, id, ruling);
                }
            });
        });
    }

    /// Sends or refuses the message that waits, and goes on with what stands behind it.
    fn rule(&mut self, worker: &Rc<Worker>, id: ConnId, ruling: Ruling) {
        // Who has ended asks nothing any more, whatever stands in line.
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        let Some(held) = connection.change_rare(|rare| rare.held.take()) else { return };
        let Held { sequence, room, mut request, waiting, .. } = *held;
        match ruling {
            Ruling::Send(body) => {
                if let Some(body) = body {
                    request.body = body;
                }
                let asked = Asked { connection: id, sequence, kind: KIND, room };
                // It has waited for the application; what stands behind it must not wait for it here too.
                match worker.shared.is_overloaded(room) {
                    true => self.refuse(id, KIND, sequence, &overloaded()),
                    false => self.ask_on(worker, asked, Ask::Command(Op::Send(request))),
                }
            }
            Ruling::Refuse(status) => self.refuse(id, KIND, sequence, &status),
        }
        self.go_on(worker, id, waiting);
    }

    pub(super) fn go_on(&mut self, worker: &Rc<Worker>, id: ConnId, mut waiting: VecDeque<ServerOutput>) {
        while let Some(output) = waiting.pop_front() {
            let Some(output) = self.park_behind(id, output) else { continue };
            self.dispatch(worker, id, output);
            if let Some(held) = self.connection(id).and_then(|connection| connection.held_mut()) {
                held.bytes = waiting.iter().map(weight_of).sum();
                held.waiting = waiting;
                return;
            }
        }
    }
}

/// What becomes of a message after what the application has said, or not said.
fn ruling(verdict: Result<Verdict, NoAnswer>, on_failure: OnFailure, is_text: bool) -> Ruling {
    let failure = match verdict {
        Ok(Verdict { code: 200, body: None, .. }) => return Ruling::Send(None),
        Ok(Verdict { code: 200, body: Some(body), .. }) => {
            let is_sendable = body.chars().nth(BODY_CHARS_MAX).is_none() && !(is_text && body.is_empty());
            if is_sendable {
                return Ruling::Send(Some(body.into()));
            }
            NoAnswer::Unreadable
        }
        Ok(verdict) => return Ruling::Refuse(Status::refused_by_callback(verdict.code)),
        Err(failure) => failure,
    };
    metrics::counter!("chatroom_callbacks_failed_total", "callback" => "send", "reason" => failure.as_str()).increment(1);
    tracing::debug!(?failure, "the callback of a message gave no answer");
    match on_failure {
        OnFailure::Open => Ruling::Send(None),
        OnFailure::Closed => Ruling::Refuse(Status::new(Code::CallbackRefused, "the application did not answer")),
    }
}
