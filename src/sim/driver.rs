//! Drives the clients: what their sessions want done, and what the network has for them.

use bytes::{Buf, Bytes};

use super::client::{Client, Doing, Stand, new_backoff};
use super::network::Link;
use super::world::{Event, World};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::session::{ClientOutput, Loss, RequestId, return_delay_ms};
use crate::wire::frame::FLAG_RESPONSE;
use crate::wire::{Frame, FrameCodec, Packet, Request, Response, pb};

impl World {
    /// A client wants to be connected.
    pub(super) fn connect(&mut self, client: usize) {
        if self.clients[client].stand == Stand::Off {
            self.clients[client].backoff = new_backoff();
            self.dial(client);
        }
    }

    /// Opens a connection; now and then two, of which one comes to nothing.
    fn dial(&mut self, client: usize) {
        if self.random.u8(..) < 12 {
            let spare = self.open(client);
            self.close_for_client(spare);
        }
        let link = self.open(client);
        let patience = self.now.plus_ms(8_000);
        self.clients[client].stand = Stand::Connecting(link, patience);
    }

    fn open(&mut self, client: usize) -> u32 {
        let life = self.node.as_ref().map_or(0, |node| node.life);
        let number = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        self.links.push(Some(Link::new(client, life, self.clients[client].window)));
        let at = self.after_a_way();
        if let Some(Some(link)) = self.links.get_mut(number as usize) {
            link.up.last = at;
        }
        self.plan_event(at, Event::Arrives(number));
        number
    }

    /// The connection is up, as far as the client can tell.
    pub(super) fn on_connected(&mut self, client: usize, link: u32) {
        if !matches!(self.clients[client].stand, Stand::Connecting(waiting, _) if waiting == link) {
            return self.close_for_client(link);
        }
        let now = self.now;
        let own = &mut self.clients[client];
        own.stand = Stand::Up(link);
        own.read.clear();
        own.unread.clear();
        own.session.on_transport_up(now);
        let mut out = Vec::new();
        let template = own.template.clone();
        own.session.login(now, &template, &mut out);
        self.carry_out(client, out);
    }

    /// The connection came to nothing, or is over.
    pub(super) fn on_link_over(&mut self, client: usize, link: u32) {
        match self.clients[client].stand {
            Stand::Connecting(waiting, _) if waiting == link => self.lose(client, link),
            Stand::Up(own) if own == link => self.lose(client, link),
            _ => {}
        }
    }

    fn lose(&mut self, client: usize, link: u32) {
        self.close_for_client(link);
        self.watch.on_link_lost(link);
        let mut out = Vec::new();
        let loss = self.clients[client].session.on_transport_lost(&mut out);
        self.clients[client].stand = Stand::Off;
        self.clients[client].read.clear();
        self.clients[client].unread.clear();
        self.carry_out(client, out);
        let own = &mut self.clients[client];
        let delay_ms = match loss {
            Loss::Final(status) => return self.rest(client, &status),
            Loss::Again => 0,
            Loss::Retry => own.backoff.next(own.session.random()),
            Loss::Return { retry_after_ms, spread_ms } => {
                return_delay_ms(retry_after_ms.into(), spread_ms.into(), 8_000, own.session.random())
            }
        };
        own.stand = Stand::Waiting(self.now.plus_ms(delay_ms));
    }

    fn rest(&mut self, client: usize, status: &Status) {
        let unfinished = if status.is_ok() { Status::new(Code::NotLoggedIn, "logged out") } else { status.clone() };
        let mut out = Vec::new();
        let own = &mut self.clients[client];
        own.session.give_up(&unfinished, &mut out);
        own.session.forget(&mut out);
        self.carry_out(client, out);
        self.note(|| format!("client {client} rests: {status}"));
    }

    /// The client's side of a connection is closed; the node hears of it when that arrives.
    pub(super) fn close_for_client(&mut self, link: u32) {
        let at = self.after_a_way();
        let Some(Some(held)) = self.links.get_mut(link as usize) else { return };
        if std::mem::take(&mut held.is_open) && !held.up.is_dead {
            let at = at.max(held.up.last);
            held.up.last = at;
            self.plan_event(at, Event::NodeHearsEnd(link));
        }
    }

    /// Something is due at a client.
    pub(super) fn wake_client(&mut self, client: usize) {
        let now = self.now;
        let own = &mut self.clients[client];
        match own.stand {
            Stand::Waiting(at) if at <= now => {
                self.dial(client);
            }
            Stand::Connecting(link, at) if at <= now => self.lose(client, link),
            _ => {}
        }
        let own = &mut self.clients[client];
        if own.stalled <= now && (own.is_paused || !own.unread.is_empty()) {
            if std::mem::take(&mut own.is_paused) {
                own.session.unpause(now);
            }
            self.read(client);
        }
        let own = &mut self.clients[client];
        if own.session.deadline().is_some_and(|at| at <= now) {
            let mut out = Vec::new();
            own.session.on_timeout(now, &mut out);
            self.carry_out(client, out);
        }
    }

    /// Bytes have come to a client.
    pub(super) fn on_client_bytes(&mut self, client: usize, link: u32, bytes: Bytes) {
        if self.clients[client].link() != Some(link) {
            return;
        }
        self.clients[client].unread.push_back(bytes);
        if self.clients[client].stalled <= self.now {
            self.read(client);
        }
    }

    fn read(&mut self, client: usize) {
        while let Some(link) = self.clients[client].link()
            && let Some(bytes) = self.clients[client].unread.pop_front()
        {
            self.free_window(link, bytes.len());
            let own = &mut self.clients[client];
            own.read.extend_from_slice(&bytes);
            while let Some(link) = self.clients[client].link() {
                let own = &mut self.clients[client];
                let mut codec = FrameCodec::new(own.session.frame_bytes_max());
                let mut out = Vec::new();
                match codec.cut(&mut own.read) {
                    Ok(Some(frame)) => {
                        let account = own.account.clone();
                        self.note(|| format!("client {client} ({account}) <- over {link} {}", described(frame.clone())));
                        self.watch.on_frame(client, account.as_str(), link, &frame);
                        self.clients[client].session.on_frame(self.now, frame, &mut out);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.watch.fail(format!("client {client} reads what is no frame: {error}"));
                        own.session.on_frame_error(error, &mut out);
                    }
                }
                self.carry_out(client, out);
                if self.clients[client].is_unsure {
                    self.watch.on_unsure(client);
                } else {
                    let positions = self.clients[client].session.positions();
                    self.watch.on_positions(client, &positions);
                }
            }
        }
    }

    /// Does what a client's session wants done.
    pub(super) fn carry_out(&mut self, client: usize, out: Vec<ClientOutput>) {
        for output in out {
            match output {
                ClientOutput::Transmit(bytes) => self.transmit(client, bytes),
                ClientOutput::Close(_) => {
                    if let Some(link) = self.clients[client].link() {
                        self.lose(client, link);
                    }
                }
                ClientOutput::Entered(response) => self.watch.on_told_gap(client, &response),
                ClientOutput::LoggedIn(_) => {
                    self.clients[client].backoff = new_backoff();
                    self.clients[client].is_unsure = false;
                }
                ClientOutput::Response { id, result } => self.on_result(client, id, result),
                ClientOutput::Push(crate::wire::Push::Message(message)) => self.remember(client, &message),
                // It is in by an entry whose answer came too late.
                ClientOutput::Left { status, .. } => self.clients[client].is_unsure |= status.code == Code::Repeated,
                ClientOutput::LoginRefused(_) | ClientOutput::RoomState(_) | ClientOutput::Push(_) => {}
            }
        }
    }

    fn remember(&mut self, client: usize, message: &pb::Message) {
        let known = &mut self.clients[client].sent;
        known.push((message.room_id, message.message_id.clone(), message.time_ms, message.from.clone()));
        if known.len() > 8 {
            known.remove(0);
        }
    }

    fn transmit(&mut self, client: usize, bytes: Bytes) {
        let Some(link) = self.clients[client].link() else { return };
        if let [_, flags, low, high, _, _, _, _, sequence @ ..] = bytes.get(..12).unwrap_or_default()
            && let Ok(sequence) = sequence.try_into().map(u32::from_le_bytes)
            && flags & FLAG_RESPONSE == 0
            && sequence != 0
        {
            let kind = u16::from_le_bytes([*low, *high]);
            self.note(|| {
                let cut = FrameCodec::default().cut(&mut bytes::BytesMut::from(&bytes[..]));
                format!("client {client} -> over {link} {}", cut.ok().flatten().map(described).unwrap_or_default())
            });
            self.watch.on_request(link, kind, sequence);
            self.note_entry(client, link, sequence, &bytes);
        }
        self.send_up(link, bytes);
    }

    /// Tells the watch of a request that brings the client into a room.
    fn note_entry(&mut self, client: usize, link: u32, sequence: u32, bytes: &Bytes) {
        let Ok(Some(frame)) = FrameCodec::default().cut(&mut bytes::BytesMut::from(&bytes[..])) else { return };
        let positions = match Packet::decode(frame) {
            Ok(Packet::Request { request: Request::Login(login), .. }) => {
                let resumed = login.resume.map(|resume| resume.rooms).unwrap_or_default();
                login.enter.and_then(|enter| enter.position).into_iter().chain(resumed).collect()
            }
            Ok(Packet::Request { request: Request::RoomEnter(enter), .. }) => enter.position.into_iter().collect(),
            Ok(Packet::Request { request: Request::RoomCreate(_) | Request::RoomSwitch(_), .. }) => Vec::new(),
            _ => return,
        };
        self.watch.on_entry(client, link, sequence, positions);
    }

    /// A request has come to something.
    fn on_result(&mut self, client: usize, id: RequestId, result: Result<Response, Status>) {
        let Some(doing) = self.clients[client].doing.remove(&id) else {
            // The answer to one that was over at once comes before its name.
            self.finished_at_once.push(id);
            return;
        };
        self.on_done(client, &doing, &result);
    }

    /// What a client was told about what it asked for.
    pub(super) fn on_done(&mut self, client: usize, doing: &Doing, result: &Result<Response, Status>) {
        self.note(|| match result {
            Ok(_) => format!("client {client}: {doing:?} is done"),
            Err(status) => format!("client {client}: {doing:?} is refused: {status}"),
        });
        match (doing, result) {
            (_, Ok(Response::RoomEnter(response) | Response::RoomCreate(response) | Response::RoomSwitch(response))) => {
                self.watch.on_told_gap(client, response);
            }
            (Doing::Send { room, id }, Ok(Response::MessageSend(sent))) => {
                let account = self.clients[client].account.to_string();
                self.watch.on_sent(&account, *room, id, sent);
                self.clients[client].sent.push((*room, id.clone(), sent.time_ms, account));
            }
            (Doing::Other, Err(status)) => self.clients[client].is_unsure |= status.code == Code::Timeout,
            (Doing::Change { room, token }, Ok(response)) => self.watch.on_changed(*room, *token, response),
            _ => {}
        }
    }

    /// A client asks for something, if it is willing.
    pub(super) fn request(&mut self, client: usize, request: Request, doing: Doing) {
        let mut out = Vec::new();
        self.finished_at_once.clear();
        let own: &mut Client = &mut self.clients[client];
        if let Ok(id) = own.session.request(self.now, request, &mut out) {
            own.doing.insert(id, doing);
        }
        self.carry_out(client, out);
    }

    /// When a client does something next without anything having come.
    pub(super) fn next_client(&self) -> Option<(Time, usize)> {
        let next = self.clients.iter().enumerate().filter_map(|(at, client)| Some((client.next_at()?, at)));
        next.min()
    }

    /// A client says goodbye.
    pub(super) fn log_out(&mut self, client: usize) {
        if self.clients[client].link().is_some() {
            self.request(client, Request::Logout(pb::LogoutRequest {}), Doing::Other);
        }
    }
}

/// A frame in words, for the trace.
fn described(frame: Frame) -> String {
    let header = frame.header;
    let packet = Packet::decode(frame);
    let mut words = packet.map_or_else(|error| error.to_string(), |packet| format!("{packet:?}"));
    if let Some((at, _)) = words.char_indices().nth(2000) {
        words.truncate(at);
    }
    format!("{:#06x} #{} {words}", header.kind, header.sequence)
}

/// Cuts a piece off the front of some bytes.
pub(super) fn piece(bytes: &mut Bytes, length: usize) -> Bytes {
    let piece = bytes.slice(..length.min(bytes.len()));
    bytes.advance(piece.len());
    piece
}
