//! A server of the tests' own making: a listener that speaks frames, and does exactly what a test tells it to.

use std::time::Duration;

use bytes::BytesMut;
use chatroom::client::{Client, ClientOptions, Event, Events, State};
use chatroom::error::Status;
use chatroom::wire::packet::encode_status;
use chatroom::wire::{FrameCodec, Packet, Push, Request, Response, pb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::codec::Decoder;

/// Longer than anything that is waited for in a test that passes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What is waited for, or a failed test.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("within the patience of the test")
}

/// One accepted connection.
pub struct Peer {
    pub stream: TcpStream,
    codec: FrameCodec,
    buffer: BytesMut,
}

/// A listener on a port of its own, with its address.
pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// An address nobody listens on.
pub async fn nowhere() -> String {
    listen().await.1
}

/// Options that connect quickly and try again quickly.
pub fn options(address: &str) -> ClientOptions {
    ClientOptions {
        addresses: vec![address.to_owned()],
        app_key: "app".into(),
        account: "alice".into(),
        token: "secret".into(),
        reconnect_ms_min: 20,
        reconnect_ms_max: 100,
        return_spread_ms: 20,
        seed: Some(7),
        ..ClientOptions::default()
    }
}

/// Options that also enter room 1 with the login.
pub fn options_entering(address: &str) -> ClientOptions {
    ClientOptions {
        enter: Some(pb::RoomEnterRequest { room_id: 1, nick: "Al".into(), ..Default::default() }),
        ..options(address)
    }
}

/// A login response as a server gives it: with a room if one was asked for.
pub fn welcome(request: &pb::LoginRequest, resume_token: &str) -> pb::LoginResponse {
    pb::LoginResponse {
        account: request.account.clone(),
        connection_id: "c1".into(),
        server_time_ms: 1_700_000_000_000,
        heartbeat_seconds: 30,
        frame_bytes_max: 1 << 20,
        resume_token: resume_token.into(),
        enter: request.enter.as_ref().map(|enter| entered(enter.room_id, 5, 10)),
        ..Default::default()
    }
}

/// A room's answer to one who enters.
pub fn entered(room_id: i64, epoch: u64, last_seq: u64) -> pb::RoomEnterResponse {
    let room = Some(pb::RoomInfo { room_id, ..Default::default() });
    pb::RoomEnterResponse { room, epoch, last_seq, ..Default::default() }
}

/// A message of room 1.
pub fn message(seq: u64, message_id: &str) -> Push {
    Push::Message(Box::new(pb::Message {
        room_id: 1,
        seq,
        epoch: 5,
        message_id: message_id.into(),
        from: "bob".into(),
        body: "hello".into(),
        ..Default::default()
    }))
}

impl Peer {
    /// The next connection.
    pub async fn accept(listener: &TcpListener) -> Peer {
        let (stream, _) = soon(listener.accept()).await.unwrap();
        Peer { stream, codec: FrameCodec::default(), buffer: BytesMut::new() }
    }

    /// The next connection, logged in. Gives the login request too.
    pub async fn accept_login(listener: &TcpListener, resume_token: &str) -> (Peer, Box<pb::LoginRequest>) {
        let mut peer = Peer::accept(listener).await;
        let (sequence, request) = peer.request().await;
        let Request::Login(request) = request else { panic!("first {request:?}") };
        peer.respond(sequence, Response::Login(Box::new(welcome(&request, resume_token)))).await;
        (peer, request)
    }

    /// The next packet; `None` when the client has closed.
    pub async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(frame) = self.codec.decode(&mut self.buffer).expect("clients send good frames") {
                return Some(Packet::decode(frame).expect("clients send good packets"));
            }
            match soon(self.stream.read_buf(&mut self.buffer)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next request.
    pub async fn request(&mut self) -> (u32, Request) {
        match self.next().await {
            Some(Packet::Request { sequence, request }) => (sequence, request),
            other => panic!("a request was expected, not {other:?}"),
        }
    }

    /// The next request, which must be a send.
    pub async fn send_request(&mut self) -> (u32, Box<pb::MessageSendRequest>) {
        match self.request().await {
            (sequence, Request::MessageSend(request)) => (sequence, request),
            other => panic!("a send was expected, not {other:?}"),
        }
    }

    pub async fn respond(&mut self, sequence: u32, response: Response) {
        let mut bytes = BytesMut::new();
        response.encode(sequence, &mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub async fn refuse(&mut self, request: &Request, sequence: u32, status: &Status) {
        let mut bytes = BytesMut::new();
        encode_status(request.kind() as u16, sequence, status, &mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
    }

    pub async fn push(&mut self, push: Push) {
        let mut bytes = BytesMut::new();
        push.encode(&mut bytes);
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Answers a logout, if that is what comes, and waits for the end.
    pub async fn see_off(mut self) {
        while let Some(packet) = self.next().await {
            if let Packet::Request { sequence, request: Request::Logout(_) } = packet {
                self.respond(sequence, Response::Logout(pb::Status::default())).await;
            }
        }
    }
}

/// Connects in the background: the peer has to play its part meanwhile.
pub fn connect(client: &Client) -> tokio::task::JoinHandle<Result<(), Status>> {
    let client = client.clone();
    tokio::spawn(async move { client.connect().await })
}

/// Reads events up to the first that `pick` wants.
pub async fn event<T>(events: &mut Events, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = soon(events.next()).await.expect("events go on");
        if let Some(picked) = pick(event) {
            return picked;
        }
    }
}

/// Reads events up to this state.
pub async fn state(events: &mut Events, wanted: State) {
    event(events, |event| (event == Event::State(wanted)).then_some(())).await;
}
