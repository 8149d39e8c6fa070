//! Asking an application whether a message may be sent (chatroom.md §e.9): the room first, then the application, then the room
//! again, for good. Meanwhile whatever the connection asks waits in line, so that what it asked first is done first.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::calls::{Callback, NoAnswer, Question, SendQuestion, Verdict};
use super::common::Unanswered;
use super::connection::Phase;
use super::journey::Journey;
use super::{Front, Line, overloaded};
use crate::dispatch::{Answer, Asked, Asker, Request};
use crate::error::{Code, Status};
use crate::id::{ConnId, RoomId};
use crate::limits::{BODY_CHARS_MAX, HELD_BYTES_MAX, REQUESTS_HELD_MAX};
use crate::room::{Ask, Op, Query};
use crate::session::ServerOutput;
use crate::wire::{self, PacketKind, Response, pb};

const KIND: u16 = PacketKind::MessageSend as u16;

/// A message that waits to be permitted, and what its connection has asked since.
pub(super) struct Held {
    sequence: u32,
    room: RoomId,
    request: Box<pb::MessageSendRequest>,
    /// Its fate if the application says nothing.
    unanswered: Unanswered,
    /// The room would take it; the application has been asked.
    pub(super) is_asked: bool,
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

/// What becomes of a message.
enum Ruling {
    Send(Option<Bytes>),
    Refuse(Status),
}

impl<L: Line> Front<L> {
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

    /// True if an application is asked about the messages of a connection, and what becomes of them if it says nothing.
    pub(super) fn is_asked_about_sends(&mut self, id: ConnId) -> Option<Unanswered> {
        if !self.apps().asks_before_sends {
            return None;
        }
        let app_key = self.connection(id)?.identity.as_deref()?.app_key.clone();
        self.app(&app_key).is_asked_about_sends
    }

    /// Asks the room whether it would take a message.
    pub(super) fn ask_first(
        &mut self,
        id: ConnId,
        sequence: u32,
        request: Box<pb::MessageSendRequest>,
        unanswered: Unanswered,
    ) {
        let room = match RoomId::new(request.room_id) {
            Ok(room) if self.common.is_overloaded(room) => return self.refuse(id, KIND, sequence, &overloaded()),
            Ok(room) => room,
            Err(status) => return self.refuse(id, KIND, sequence, &status),
        };
        self.calm(id);
        let Some(connection) = self.connection(id) else { return };
        let Some(actor) = connection.actor() else { return };
        let ask = Ask::Query(Query::MaySend(request.clone()));
        let waiting = VecDeque::new();
        let held = Held { sequence, room, request, unanswered, is_asked: false, waiting, bytes: 0 };
        self.wait_for(id, sequence, Journey::Message(Box::new(held)));
        let asker = Asker::Connection(Asked { connection: id, sequence, kind: KIND, subject: room });
        self.hub.request(Request { subject: room, asker, actor, ask, app_key: None, resume: None });
    }

    /// The room has said whether it would take the message. Called while answers are being staged.
    pub(super) fn on_may_send(&mut self, id: ConnId, held: Box<Held>, answer: Answer) {
        match answer {
            // It was accepted before, and the application with it: nobody is asked twice.
            Ok(Response::MessageSend(sent)) if sent.duplicate => self.rule(id, *held, Ruling::Send(None)),
            Ok(_) => self.ask_application(id, held),
            Err(status) => self.rule(id, *held, Ruling::Refuse(status)),
        }
    }

    fn ask_application(&mut self, id: ConnId, mut held: Box<Held>) {
        let identity = self.connection(id).and_then(|connection| connection.identity.as_deref());
        let Some(identity) = identity else { return };
        // The room has found the texts to be UTF-8.
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let (app_key, request) = (identity.app_key.clone(), &held.request);
        let question = SendQuestion {
            app_key: app_key.to_string(),
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
        let sequence = held.sequence;
        if self.call((id, sequence), app_key, Callback::Send, Question::Send(Box::new(question))) {
            held.is_asked = true;
            return self.wait_for(id, sequence, Journey::Message(held));
        }
        let ruling = match held.unanswered {
            Unanswered::Sent => Ruling::Send(None),
            Unanswered::Refused => Ruling::Refuse(overloaded()),
        };
        self.rule(id, *held, ruling);
    }

    /// The application has said whether the message may be sent.
    pub(super) fn on_judged(&mut self, id: ConnId, held: Held, verdict: Result<Verdict, NoAnswer>) {
        let is_text = held.request.r#type == pb::MessageType::Text as i32;
        let ruling = ruling(verdict, held.unanswered, is_text);
        self.rule(id, held, ruling);
    }

    /// Sends or refuses the message that waited, and goes on with what stands behind it.
    fn rule(&mut self, id: ConnId, held: Held, ruling: Ruling) {
        // Who has ended asks nothing any more, whatever stands in line.
        if self.connection(id).is_none_or(|connection| connection.phase != Phase::Open) {
            return;
        }
        let Held { sequence, room, mut request, waiting, .. } = held;
        match ruling {
            Ruling::Send(body) => {
                if let Some(body) = body {
                    request.body = body;
                }
                let asked = Asked { connection: id, sequence, kind: KIND, subject: room };
                // It has waited for the application; what stands behind it must not wait for it here too.
                match self.common.is_overloaded(room) {
                    true => self.refuse(id, KIND, sequence, &overloaded()),
                    false => self.ask_on(asked, Ask::Command(Op::Send(request))),
                }
            }
            Ruling::Refuse(status) => self.refuse(id, KIND, sequence, &status),
        }
        self.go_on(id, waiting);
    }

    /// Goes on with what stood in line behind a message.
    pub(super) fn go_on(&mut self, id: ConnId, mut waiting: VecDeque<ServerOutput>) {
        while let Some(output) = waiting.pop_front() {
            let Some(output) = self.park_behind(id, output) else { continue };
            self.dispatch(id, output);
            if let Some(held) = self.connection(id).and_then(|connection| connection.held_mut()) {
                held.bytes = waiting.iter().map(weight_of).sum();
                held.waiting = waiting;
                return;
            }
        }
    }
}

/// What becomes of a message after what the application has said, or not said.
fn ruling(verdict: Result<Verdict, NoAnswer>, unanswered: Unanswered, is_text: bool) -> Ruling {
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
    match unanswered {
        Unanswered::Sent => Ruling::Send(None),
        Unanswered::Refused => Ruling::Refuse(Status::new(Code::CallbackRefused, "the application did not answer")),
    }
}
