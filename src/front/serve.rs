//! What becomes of what arrives: frames to requests, requests to rooms, answers back (architecture.md §3).

use bytes::BytesMut;

use super::accounts::Then;
use super::budgets::{Weight, weight_of};
use super::connection::{Pause, Phase};
use super::ledger::Claim;
use super::login::check_family;
use super::unread::Unread;
use super::{Front, LINGER_MS, Line, find, is_on_purpose};
use crate::dispatch::{Answer, Asked, Asker};
use crate::error::{Code, Status};
use crate::id::{ConnId, RoomId, Time};
use crate::limits::HEADER_BYTES;
use crate::planted::{self, Bug};
use crate::room::{Ask, Enter, Op, Open};
use crate::session::{CloseReason, ServerOutput};
use crate::wire::frame::FLAG_RESPONSE;
use crate::wire::packet::encode_status;
use crate::wire::{FrameCodec, PacketKind, Request, Response, pb};

impl<L: Line> Front<L> {
    /// Cuts frames out of what has been read and acts on each, as long as more may be taken. What is left is kept with the connection.
    pub(crate) fn on_read(&mut self, id: ConnId) {
        let now = self.now;
        let mut read = std::mem::take(&mut self.read);
        let mut outputs = std::mem::take(&mut self.outputs);
        let mut unread = self.connection(id).and_then(|connection| connection.unread.take());
        let buffer: &mut BytesMut = match &mut unread {
            Some(unread) => {
                unread.extend(&read);
                read.clear();
                unread.bytes()
            }
            None => &mut read,
        };
        let mut is_new = false;
        while let Some(connection) = self.connections.get_mut(id.slot())
            && connection.phase == Phase::Open
            && connection.pause == Pause::No
        {
            if connection.has_backlog() && connection.owes_enough() && !buffer.is_empty() {
                self.pause(id, Pause::Answers);
                break;
            }
            if connection.session.is_full(&self.common.session) && begins_request(buffer) && self.may_wait(id) {
                self.pause(id, Pause::Busy);
                break;
            }
            let (Some(connection), config) = (find(&mut self.connections, id), &self.common.session) else { break };
            match FrameCodec::new(connection.session.frame_bytes_max(config)).cut(buffer) {
                Ok(Some(frame)) => connection.session.on_frame(config, now, frame, &mut outputs),
                Ok(None) => break,
                Err(error) => connection.session.on_frame_error(error, &mut outputs),
            }
            is_new = true;
            self.handle(id, &mut outputs);
        }
        if let Some(connection) = self.connection(id)
            && connection.phase == Phase::Open
            && !buffer.is_empty()
        {
            let unread = connection.unread.insert(match unread {
                Some(unread) => unread,
                None => Box::new(Unread::new(&read, Claim::new(connection.budgets.unfinished.clone(), connection.address, id))),
            });
            unread.settle(now, is_new, matches!(connection.pause, Pause::InLine | Pause::Busy | Pause::Reserving));
        }
        read.clear();
        self.read = read;
        self.outputs = outputs;
    }

    /// Does what a session wants done.
    pub(super) fn handle(&mut self, id: ConnId, outputs: &mut Vec<ServerOutput>) {
        for output in outputs.drain(..) {
            if let Some(output) = self.hold_back(id, output) {
                self.dispatch(id, output);
            }
        }
    }

    pub(super) fn dispatch(&mut self, id: ConnId, output: ServerOutput) {
        match output {
            ServerOutput::Transmit(frame) => {
                if let Some(connection) = find(&mut self.connections, id) {
                    connection.transmit(self.now, &frame);
                }
            }
            ServerOutput::Login { sequence, request } => self.login(id, sequence, *request),
            ServerOutput::Request { sequence, request } => self.request(id, sequence, request),
            ServerOutput::RenewToken { sequence, token } => self.renew_token(id, sequence, token),
            ServerOutput::Logout { sequence } => {
                self.respond(id, PacketKind::Logout as u16, sequence, &Status::OK);
                self.end(id, CloseReason::LoggedOut);
            }
            ServerOutput::Close(reason) => self.end(id, reason),
        }
    }

    /// Ends a connection: its rooms hear of it now, its socket closes once our last word is written.
    pub(crate) fn end(&mut self, id: ConnId, reason: CloseReason) {
        let close_by = self.now.plus_ms(LINGER_MS);
        let Some(connection) = self.connection(id) else { return };
        connection.close(reason, close_by);
        if let Some(actor) = connection.actor() {
            self.hub.on_connection_gone(&actor, is_on_purpose(reason));
        }
    }

    fn request(&mut self, id: ConnId, sequence: u32, request: Request) {
        let kind = request.kind() as u16;
        let ask = match request {
            Request::RoomEnter(request) => {
                let identity = find(&mut self.connections, id).and_then(|connection| connection.identity.as_deref());
                let app_key = identity.map(|identity| &*identity.app_key).unwrap_or_default();
                let long_token = identity.is_some_and(|identity| identity.long_token);
                let room = self.common.room_of(app_key, &request);
                let room = room.and_then(|room| check_family(room, long_token).map(|()| room));
                room.map(|room| (room, Ask::Command(Op::Enter(Box::new(self.enter(id, room, *request))))))
            }
            Request::MessageSend(request) => match self.is_asked_about_sends(id) {
                Some(unanswered) => return self.ask_first(id, sequence, request, unanswered),
                None => Ask::from_request(Request::MessageSend(request)),
            },
            Request::RoomCreate(request) => {
                self.open(id, *request).map(|(room, open)| (room, Ask::Command(Op::Open(Box::new(open)))))
            }
            Request::RoomSwitch(request) => return self.switch(id, sequence, *request),
            Request::RoomLeaveAll(_) => return self.leave_all(id, sequence),
            Request::KickDevices(request) => return self.kick_devices(id, sequence, &request),
            request => Ask::from_request(request),
        };
        match ask {
            Ok((room, ask)) => self.ask(Asked { connection: id, sequence, kind, subject: room }, ask),
            Err(status) => self.refuse(id, kind, sequence, &status),
        }
    }

    /// Sends on its way what was admitted before: a step of a request of several. Before a room made by a client is entered, the owner of
    /// the account has a word.
    pub(super) fn ask_on(&mut self, asked: Asked, ask: Ask) {
        match &ask {
            Ask::Command(Op::Enter(_) | Op::Open(_)) if asked.subject.is_of_client() => self.reserve(asked, ask),
            Ask::Command(op) if !op.names_known(|_| false) => self.ask_about_names(asked, ask),
            _ => self.ask_known(asked, ask, true),
        }
    }

    /// Sends a command that names accounts on its way, once it is known whether there are such.
    fn ask_about_names(&mut self, asked: Asked, ask: Ask) {
        let connection = find(&mut self.connections, asked.connection);
        let (Some(identity), Ask::Command(op)) = (connection.and_then(|connection| connection.identity.as_deref()), &ask)
        else {
            return;
        };
        let app_key = identity.app_key.clone();
        match self.common.names_known(&app_key, op) {
            Ok(are_known) => self.ask_known(asked, ask, are_known),
            Err(unread) => {
                // What the connection asks next comes after it.
                self.pause(asked.connection, Pause::Accounts);
                self.read_accounts(asked.connection, app_key, unread, false, Then::Command(asked, Box::new(ask)));
            }
        }
    }

    /// Sends on its way what names no accounts, or of which it is known whether there are such.
    pub(super) fn ask_known(&mut self, asked: Asked, ask: Ask, are_known: bool) {
        let Some(connection) = find(&mut self.connections, asked.connection) else { return };
        let Some(mut actor) = connection.actor() else { return };
        actor.names_nobody = !are_known;
        let is_enter = matches!(ask, Ask::Command(Op::Enter(_) | Op::Open(_)));
        let resume = if is_enter { connection.take_position(asked.subject) } else { None };
        let (room, asker, resume) = (asked.subject, Asker::Connection(asked), resume.map(Box::new));
        self.hub.request(crate::dispatch::Request { subject: room, asker, actor, ask, app_key: None, resume });
    }

    /// A room made by a client, and what the connection brings into it.
    pub(super) fn open(&mut self, id: ConnId, mut request: pb::RoomCreateRequest) -> Result<(RoomId, Open), Status> {
        let identity = find(&mut self.connections, id).and_then(|connection| connection.identity.as_deref());
        let identity = identity.ok_or_else(|| Status::new(Code::InvalidProtocol, "log in first"))?;
        let room = self.common.aliases.room(&identity.app_key, &request.alias);
        check_family(room, identity.long_token)?;
        let wishes = request.enter.take().unwrap_or_default();
        let enter = self.enter(id, room, pb::RoomEnterRequest { alias: String::new(), ..wishes });
        Ok((room, Open { request, enter, must_exist: false }))
    }

    /// The entry of a connection into a room.
    pub(super) fn enter(&mut self, id: ConnId, room: RoomId, request: pb::RoomEnterRequest) -> Enter {
        let connection = self.connection(id);
        let replaces = connection.as_ref().and_then(|connection| {
            let resume = connection.resume()?;
            resume.rooms.iter().any(|position| position.room_id == room.get()).then_some(resume.replaces).flatten()
        });
        let client = connection.as_ref().and_then(|connection| connection.rare.as_ref()?.client.clone());
        let identity = connection.and_then(|connection| connection.identity.as_deref());
        let face = identity.and_then(|identity| identity.face.as_deref());
        Enter {
            request,
            account_nick: face.map(|(nick, _)| nick.to_string()).unwrap_or_default(),
            account_avatar: face.map(|(_, avatar)| avatar.to_string()).unwrap_or_default(),
            app_key: identity.map(|identity| identity.app_key.to_string()).unwrap_or_default(),
            device_id: identity.map(|identity| identity.device_id).unwrap_or_default(),
            custom_client_type: identity.map(|identity| identity.custom_client_type).unwrap_or_default(),
            replaces,
            leaves: None,
            over_quota: false,
            is_barred: false,
            client,
        }
    }

    /// Answers a request that no room will see.
    pub(super) fn refuse(&mut self, id: ConnId, kind: u16, sequence: u32, status: &Status) {
        if let Some(connection) = self.connection(id) {
            connection.session.answered(sequence);
        }
        self.respond(id, kind, sequence, status);
    }

    /// Writes an answer that is only a status.
    pub(super) fn respond(&mut self, id: ConnId, kind: u16, sequence: u32, status: &Status) {
        let mut frame = BytesMut::new();
        encode_status(kind, sequence, status, &mut frame);
        if let Some(connection) = find(&mut self.connections, id) {
            connection.transmit(self.now, &frame);
        }
    }

    /// Stages the answer to a request.
    pub(super) fn stage(&mut self, id: ConnId, sequence: u32, kind: u16, answer: Answer) {
        let Some(connection) = self.connection(id) else { return };
        connection.session.answered(sequence);
        if connection.pause != Pause::No || weight_of(kind) != Weight::Small {
            self.release(id, kind);
        }
        let start = self.staging.len();
        match answer {
            Ok(response) => {
                let begun = if weight_of(kind) == Weight::Small { Time::default() } else { self.stopwatch.read() };
                of_kind(response, kind).encode(sequence, &mut self.staging);
                self.note_made(kind, self.staging.len() - start, begun);
                if self.staging.len() - start > self.common.session.frame_bytes_max {
                    self.staging.truncate(start);
                    let status = Status::new(Code::OverQuota, "the answer does not fit into a frame; ask for a smaller page");
                    encode_status(kind, sequence, &status, &mut self.staging);
                }
            }
            Err(status) => encode_status(kind, sequence, &status, &mut self.staging),
        }
        if planted::is(Bug::AnswerTwice) && sequence.is_multiple_of(32) {
            self.staging.extend_from_within(start..);
        }
    }
}

/// True if the next frame is a request that would wait for its answer among others: anything but a ping.
fn begins_request(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return false };
    let is_request = header[1] & FLAG_RESPONSE == 0 && header[8..12] != [0; 4];
    is_request && u16::from_le_bytes([header[2], header[3]]) != PacketKind::Ping as u16
}

/// The answer as the kind of its request wants it: who makes a room is answered like who enters one.
fn of_kind(response: Response, kind: u16) -> Response {
    match response {
        Response::RoomEnter(entered) if kind == PacketKind::RoomCreate as u16 => Response::RoomCreate(entered),
        response => response,
    }
}
