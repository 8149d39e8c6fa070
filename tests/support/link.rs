//! Both sides of a session and the link between them, in memory and in made-up time.
#![allow(dead_code)]

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use chatroom::error::Status;
use chatroom::id::Time;
use chatroom::session::{
    ClientConfig, ClientOutput, ClientSession, CloseReason, Loss, RequestId, ServerOutput, ServerSession, SessionConfig,
};
use chatroom::wire::packet::encode_status;
use chatroom::wire::{Frame, FrameCodec, Packet, Push, Request, Response, pb};
use tokio_util::codec::Decoder;

/// The one frame in these bytes.
pub fn frame(bytes: &[u8]) -> Frame {
    let mut bytes = BytesMut::from(bytes);
    let frame = FrameCodec::default().decode(&mut bytes).unwrap().expect("a whole frame");
    assert!(bytes.is_empty(), "one frame only");
    frame
}

/// The packet in these bytes.
pub fn packet(bytes: &[u8]) -> Packet {
    Packet::decode(frame(bytes)).unwrap()
}

/// A request as a frame.
pub fn request(sequence: u32, request: Request) -> Frame {
    let mut bytes = BytesMut::new();
    request.encode(sequence, &mut bytes);
    frame(&bytes)
}

/// A push as a frame.
pub fn push(push: &Push) -> Frame {
    let mut bytes = BytesMut::new();
    push.encode(&mut bytes);
    frame(&bytes)
}

/// A response as a frame.
pub fn response(sequence: u32, response: &Response) -> Frame {
    let mut bytes = BytesMut::new();
    response.encode(sequence, &mut bytes);
    frame(&bytes)
}

/// Any frame.
pub fn raw(kind: u16, flags: u8, sequence: u32, body: &[u8]) -> Frame {
    Frame::new(kind, flags, sequence, Bytes::copy_from_slice(body))
}

/// A request that needs no thought.
pub fn info() -> Request {
    Request::RoomInfo(pb::RoomInfoRequest { room_id: 1 })
}

/// A send.
pub fn send(message_id: &str) -> Request {
    Request::MessageSend(Box::new(pb::MessageSendRequest { room_id: 1, message_id: message_id.into(), ..Default::default() }))
}

/// A login.
pub fn login() -> Request {
    Request::Login(Box::new(pb::LoginRequest { account: "alice".into(), ..Default::default() }))
}

/// A server session that is logged in, at time 0.
pub fn logged_in(config: &SessionConfig) -> ServerSession {
    let mut session = ServerSession::new(config, Time(0));
    let mut out = Vec::new();
    session.on_frame(config, Time(0), request(1, login()), &mut out);
    assert!(matches!(out[..], [ServerOutput::Login { sequence: 1, .. }]), "{out:?}");
    session.accept_login(Time(0), None);
    session
}

/// What a server session answers to one frame.
pub fn answer(session: &mut ServerSession, config: &SessionConfig, now: Time, frame: Frame) -> Vec<ServerOutput> {
    let mut out = Vec::new();
    session.on_frame(config, now, frame, &mut out);
    out
}

/// The status in the one frame that these outputs transmit, with the header's kind and sequence.
pub fn status_in(out: &[ServerOutput]) -> (u16, u32, pb::Status) {
    let bytes = match out {
        [ServerOutput::Transmit(bytes), ..] => bytes,
        other => panic!("a frame was expected, not {other:?}"),
    };
    let frame = frame(bytes);
    (frame.header.kind, frame.header.sequence, prost::Message::decode(frame.body).unwrap())
}

/// How a list of outputs ends the connection, if it does.
pub fn closed(out: &[ServerOutput]) -> Option<CloseReason> {
    out.iter().find_map(|output| match output {
        ServerOutput::Close(reason) => Some(*reason),
        _ => None,
    })
}

/// A client, the server session of its present connection, and what is on its way between them.
pub struct Link {
    pub now: Time,
    pub config: SessionConfig,
    pub template: pb::LoginRequest,
    pub client: ClientSession,
    pub server: Option<ServerSession>,
    pub to_server: VecDeque<Bytes>,
    pub to_client: VecDeque<Bytes>,
    /// What the client wants that is not for the link.
    pub told: Vec<ClientOutput>,
    /// What the server has to answer.
    pub asked: Vec<(u32, Request)>,
    pub logins: Vec<pb::LoginRequest>,
    login_sequence: u32,
    pub closed: Option<CloseReason>,
}

impl Link {
    pub fn new(template: pb::LoginRequest) -> Link {
        Link {
            now: Time(0),
            config: SessionConfig { requests_per_second: 0, ..SessionConfig::default() },
            template,
            client: ClientSession::new(ClientConfig::default(), 42, Time(0)),
            server: None,
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            told: Vec::new(),
            asked: Vec::new(),
            logins: Vec::new(),
            login_sequence: 0,
            closed: None,
        }
    }

    /// A link whose client is logged in, in room 1 at position (5, 10).
    pub fn in_room_1() -> Link {
        let enter = Some(pb::RoomEnterRequest { room_id: 1, nick: "Al".into(), ..Default::default() });
        let mut link = Link::new(pb::LoginRequest { account: "alice".into(), enter, ..Default::default() });
        link.up();
        link.turn();
        link.welcome(pb::LoginResponse {
            resume_token: "r1".into(),
            enter: Some(entered(1, 5, 10)),
            heartbeat_seconds: 30,
            ..Default::default()
        });
        link.turn();
        assert!(link.client.is_logged_in());
        link.told.clear();
        link
    }

    /// Lets the client do something, and sees to what it wants done.
    pub fn drive(&mut self, act: impl FnOnce(&mut ClientSession, Time, &mut Vec<ClientOutput>)) {
        let mut out = Vec::new();
        act(&mut self.client, self.now, &mut out);
        for output in out {
            match output {
                ClientOutput::Transmit(bytes) => self.to_server.push_back(bytes),
                ClientOutput::Close(reason) => self.closed = Some(reason),
                output => self.told.push(output),
            }
        }
    }

    /// Brings the transport up and sends the login.
    pub fn up(&mut self) {
        self.server = Some(ServerSession::new(&self.config, self.now));
        self.closed = None;
        let template = self.template.clone();
        self.drive(|client, now, out| {
            client.on_transport_up(now);
            client.login(now, &template, out);
        });
    }

    /// Cuts the transport; what was on its way is gone.
    pub fn cut(&mut self) -> Loss {
        self.server = None;
        self.to_server.clear();
        self.to_client.clear();
        self.asked.clear();
        let mut loss = None;
        self.drive(|client, _, out| loss = Some(client.on_transport_lost(out)));
        loss.unwrap()
    }

    /// The client asks.
    pub fn request(&mut self, request: Request) -> Result<RequestId, Status> {
        let mut result = None;
        self.drive(|client, now, out| result = Some(client.request(now, request, out)));
        result.unwrap()
    }

    /// Delivers what the client has sent.
    pub fn deliver_to_server(&mut self) {
        while let (Some(server), Some(bytes)) = (&mut self.server, self.to_server.pop_front()) {
            let mut out = Vec::new();
            server.on_frame(&self.config, self.now, frame(&bytes), &mut out);
            for output in out {
                match output {
                    ServerOutput::Transmit(bytes) => self.to_client.push_back(bytes),
                    ServerOutput::Login { sequence, request } => {
                        self.login_sequence = sequence;
                        self.logins.push(*request);
                    }
                    ServerOutput::Request { sequence, request } => self.asked.push((sequence, request)),
                    ServerOutput::RenewToken { sequence, token } => {
                        self.asked.push((sequence, Request::RenewToken(pb::RenewTokenRequest { token })));
                    }
                    ServerOutput::Logout { sequence } => {
                        self.asked.push((sequence, Request::Logout(pb::LogoutRequest {})));
                    }
                    ServerOutput::Close(reason) => panic!("the server closes: {reason}"),
                }
            }
        }
    }

    /// Delivers what the server has sent.
    pub fn deliver_to_client(&mut self) {
        while let Some(bytes) = self.to_client.pop_front() {
            self.drive(|client, now, out| client.on_frame(now, frame(&bytes), out));
        }
    }

    /// Delivers everything both ways.
    pub fn turn(&mut self) {
        while !self.to_server.is_empty() || !self.to_client.is_empty() {
            self.deliver_to_server();
            self.deliver_to_client();
        }
    }

    /// Accepts the login on its way, which is the first request of each connection here.
    pub fn welcome(&mut self, login: pb::LoginResponse) {
        let now = self.now;
        self.server.as_mut().unwrap().accept_login(now, None);
        self.transmit_response(self.login_sequence, &Response::Login(Box::new(login)));
    }

    /// Refuses the login on its way.
    pub fn turn_away(&mut self, status: &Status) {
        let mut bytes = BytesMut::new();
        encode_status(2, self.login_sequence, status, &mut bytes);
        self.to_client.push_back(bytes.freeze());
    }

    fn transmit_response(&mut self, sequence: u32, response: &Response) {
        let mut bytes = BytesMut::new();
        response.encode(sequence, &mut bytes);
        self.to_client.push_back(bytes.freeze());
    }

    /// The server answers one of the requests it was asked.
    pub fn answer(&mut self, sequence: u32, response: &Response) {
        self.asked.retain(|(asked, _)| *asked != sequence);
        self.server.as_mut().unwrap().answered(sequence);
        self.transmit_response(sequence, response);
    }

    /// The server refuses one of the requests it was asked.
    pub fn refuse(&mut self, sequence: u32, status: &Status) {
        let at = self.asked.iter().position(|(asked, _)| *asked == sequence).unwrap();
        let (_, request) = self.asked.remove(at);
        self.server.as_mut().unwrap().answered(sequence);
        let mut bytes = BytesMut::new();
        encode_status(request.kind() as u16, sequence, status, &mut bytes);
        self.to_client.push_back(bytes.freeze());
    }

    /// The server says something unasked.
    pub fn push(&mut self, push: &Push) {
        let mut bytes = BytesMut::new();
        push.encode(&mut bytes);
        self.to_client.push_back(bytes.freeze());
    }

    /// Time passes, and the client's timers go off on the way.
    pub fn pass_ms(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        while let Some(deadline) = self.client.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(deadline);
            self.drive(|client, now, out| client.on_timeout(now, out));
            if self.closed.is_some() {
                break;
            }
        }
        self.now = end;
    }

    /// The results so far of the client's requests, in order; taken.
    pub fn take_results(&mut self) -> Vec<(RequestId, Result<Response, Status>)> {
        let mut results = Vec::new();
        self.told.retain(|output| match output {
            ClientOutput::Response { id, result } => {
                results.push((*id, result.clone()));
                false
            }
            _ => true,
        });
        results
    }
}

/// A room's answer to one who enters.
pub fn entered(room_id: i64, epoch: u64, last_seq: u64) -> pb::RoomEnterResponse {
    let room = Some(pb::RoomInfo { room_id, ..Default::default() });
    pb::RoomEnterResponse { room, epoch, last_seq, ..Default::default() }
}

/// A message of room 1.
pub fn message(seq: u64, from: &str, message_id: &str) -> Push {
    Push::Message(Box::new(pb::Message {
        room_id: 1,
        seq,
        epoch: 5,
        message_id: message_id.into(),
        from: from.into(),
        ..Default::default()
    }))
}
