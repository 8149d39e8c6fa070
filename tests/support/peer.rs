//! A wire client of a hundred lines: blocking, exact, without a will of its own. It sends what it is told, reconnects never,
//! and can also send what no proper client would.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use chatroom::wire::{Frame, FrameCodec, Packet, Push, Request, Response, pb};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tokio_util::codec::Decoder;

use super::admin::dynamic_token;
use super::process::{APP_KEY, APP_SECRET};
use super::{PATIENCE, Server};

/// What a connection goes over.
enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Line {
    fn socket(&self) -> &TcpStream {
        match self {
            Line::Plain(socket) => socket,
            Line::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Plain(socket) => socket.read(into),
            Line::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Line::Plain(socket) => socket.write(bytes),
            Line::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Line::Plain(socket) => socket.flush(),
            Line::Tls(stream) => stream.flush(),
        }
    }
}

/// One connection.
pub struct Peer {
    stream: Line,
    codec: FrameCodec,
    inbox: BytesMut,
    sequence: u32,
    /// Pushes that came while a response was waited for.
    pushes: VecDeque<Push>,
    /// Responses that came while something else was waited for.
    responses: VecDeque<(u32, Response)>,
}

impl Peer {
    /// Opens a connection and says nothing yet.
    pub fn connect(address: SocketAddr) -> Peer {
        Peer::try_connect(address).expect("the server accepts")
    }

    /// Opens a connection, unless the server is gone.
    pub fn try_connect(address: SocketAddr) -> io::Result<Peer> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        Ok(Peer::over(Line::Plain(stream)))
    }

    /// Opens a connection from an address of our own, as somebody else might have it.
    pub fn connect_from(local: std::net::Ipv4Addr, address: SocketAddr) -> Peer {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket can be made");
        socket.bind(&SocketAddr::from((local, 0)).into()).expect("the address is ours");
        socket.connect(&address.into()).expect("the server accepts");
        socket.set_tcp_nodelay(true).expect("a socket has this option");
        Peer::over(Line::Plain(socket.into()))
    }

    /// Opens a connection over TLS; `host` is who the server has to be.
    pub fn try_connect_tls(address: SocketAddr, config: Arc<ClientConfig>, host: &str) -> io::Result<Peer> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = host.to_owned().try_into().expect("the host has a name");
        let mut stream = StreamOwned::new(ClientConnection::new(config, name).expect("a client can begin"), socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Peer::over(Line::Tls(Box::new(stream))))
    }

    fn over(stream: Line) -> Peer {
        let codec = FrameCodec::new(chatroom::limits::FRAME_BYTES_CEILING);
        Peer { stream, codec, inbox: BytesMut::new(), sequence: 0, pushes: VecDeque::new(), responses: VecDeque::new() }
    }

    /// Logs in with a dynamic token and enters a room, in one request; both must succeed.
    pub fn join(server: &Server, account: &str, room: i64) -> Peer {
        let (peer, answer) = Peer::log_in(server, login(account, Some(room)));
        assert_eq!(answer.code, 0, "login of {account}: {}", answer.desc);
        let entered = answer.enter.as_ref().expect("a login that enters is told how that went");
        assert_eq!(entered.code, 0, "{account} entering {room}: {}", entered.desc);
        peer
    }

    /// Opens a connection and sends a login.
    pub fn log_in(server: &Server, request: pb::LoginRequest) -> (Peer, pb::LoginResponse) {
        let mut peer = Peer::connect(server.wire);
        match peer.call(Request::Login(Box::new(request))) {
            Response::Login(answer) => (peer, *answer),
            other => panic!("a login was answered with {other:?}"),
        }
    }

    /// From here on a longer frame than this is an error of the peer's.
    pub fn set_frame_bytes_max(&mut self, bytes: usize) {
        self.codec.set_frame_bytes_max(bytes);
    }

    /// Sends bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a request and returns its sequence.
    pub fn ask(&mut self, request: &Request) -> io::Result<u32> {
        self.sequence += 1;
        let mut out = BytesMut::new();
        request.encode(self.sequence, &mut out);
        self.stream.write_all(&out)?;
        Ok(self.sequence)
    }

    /// Sends a request and waits for its response; pushes that come before it are kept.
    pub fn call(&mut self, request: Request) -> Response {
        self.try_call(&request).unwrap_or_else(|error| panic!("{:?} was not answered: {error}", request.kind()))
    }

    /// As [`Peer::call`], for a server that may vanish meanwhile.
    pub fn try_call(&mut self, request: &Request) -> io::Result<Response> {
        let sequence = self.ask(request)?;
        self.response(sequence, PATIENCE)
    }

    /// Waits for the response to a request.
    pub fn response(&mut self, sequence: u32, patience: Duration) -> io::Result<Response> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(place) = self.responses.iter().position(|(found, _)| *found == sequence) {
                return Ok(self.responses.remove(place).expect("it was just found").1);
            }
            self.take_packet(deadline)?;
        }
    }

    /// The next response, whichever it is.
    pub fn any_response(&mut self, patience: Duration) -> io::Result<(u32, Response)> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(response) = self.responses.pop_front() {
                return Ok(response);
            }
            self.take_packet(deadline)?;
        }
    }

    /// The next push.
    pub fn push(&mut self) -> Push {
        self.try_push(PATIENCE).unwrap_or_else(|error| panic!("no push came: {error}"))
    }

    /// The next push, if one comes in time.
    pub fn try_push(&mut self, patience: Duration) -> io::Result<Push> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(push) = self.pushes.pop_front() {
                return Ok(push);
            }
            self.take_packet(deadline)?;
        }
    }

    /// The next message; notifications before it are passed over.
    pub fn message(&mut self) -> pb::Message {
        loop {
            if let Push::Message(message) = self.push() {
                return *message;
            }
        }
    }

    /// The next notification; messages before it are passed over.
    pub fn notification(&mut self) -> pb::Notification {
        loop {
            if let Push::Notification(notification) = self.push() {
                return *notification;
            }
        }
    }

    /// All pushes that have come by the time a ping, sent now, is answered.
    pub fn pushes_so_far(&mut self) -> Vec<Push> {
        self.call(Request::Ping(Default::default()));
        self.pushes.drain(..).collect()
    }

    /// The next frame as it came. `UnexpectedEof` when the server has closed, `TimedOut` when nothing comes.
    pub fn frame(&mut self, deadline: Instant) -> io::Result<Frame> {
        loop {
            if let Some(frame) =
                self.codec.decode(&mut self.inbox).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?
            {
                return Ok(frame);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.stream.socket().set_read_timeout(Some(left))?;
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => self.inbox.extend_from_slice(&chunk[..len]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for the server to close and panics if it says anything more before that.
    pub fn expect_closed(&mut self) {
        match self.frame(Instant::now() + PATIENCE) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                assert!(self.inbox.is_empty(), "the connection ended within a frame: {:02x?}", &self.inbox[..]);
            }
            other => panic!("expected nothing but the end of the connection, found {other:?}"),
        }
    }

    /// Waits for the server to close; pushes that were on their way may come before that.
    pub fn expect_closed_after_pushes(&mut self) {
        loop {
            match self.try_push(PATIENCE) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return,
                Err(error) => panic!("expected the end of the connection, found {error}"),
            }
        }
    }

    /// The local end's address.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.socket().local_addr().expect("a connected socket has an address")
    }

    /// Cuts the connection without a word, as a lost network does.
    pub fn cut(self) {
        drop(self);
    }

    /// The socket, for a test with wishes of its own.
    pub fn stream(&self) -> &TcpStream {
        self.stream.socket()
    }

    /// What TLS has agreed on, on a connection over TLS.
    pub fn tls(&self) -> &ClientConnection {
        match &self.stream {
            Line::Tls(stream) => &stream.conn,
            Line::Plain(_) => panic!("this connection is plain"),
        }
    }

    /// The same, to have TLS do something.
    pub fn tls_mut(&mut self) -> &mut ClientConnection {
        match &mut self.stream {
            Line::Tls(stream) => &mut stream.conn,
            Line::Plain(_) => panic!("this connection is plain"),
        }
    }

    /// Sends a text without asking for deduplication and returns the answer.
    pub fn send_text(&mut self, room: i64, message_id: &str, text: &str) -> pb::MessageSendResponse {
        match self.call(Request::MessageSend(Box::new(text_message(room, message_id, text)))) {
            Response::MessageSend(answer) => answer,
            other => panic!("a send was answered with {other:?}"),
        }
    }

    /// Everything in the history of a room, oldest first.
    pub fn whole_history(&mut self, room: i64) -> Vec<pb::HistoryItem> {
        let mut items: Vec<pb::HistoryItem> = Vec::new();
        loop {
            let (last_seq, time_ms) = items.last().map_or((0, 0), |item| (item_seq(item), item_time_ms(item)));
            let request =
                pb::MessageHistoryRequest { room_id: room, time_ms, last_seq, reverse: true, limit: 100, types: vec![] };
            let Response::MessageHistory(page) = self.call(Request::MessageHistory(request)) else {
                panic!("a history query was answered with something else");
            };
            assert_eq!(page.code, 0, "history of {room}: {}", page.desc);
            items.extend(page.items);
            if !page.has_more {
                return items;
            }
        }
    }

    fn take_packet(&mut self, deadline: Instant) -> io::Result<()> {
        let frame = self.frame(deadline)?;
        let packet = Packet::decode(frame).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        match packet {
            Packet::Response { sequence, response } => self.responses.push_back((sequence, response)),
            Packet::Push(push) => self.pushes.push_back(push),
            Packet::Request { sequence, request: Request::Ping(body) } => {
                let mut out = BytesMut::new();
                Response::Ping(body).encode(sequence, &mut out);
                self.stream.write_all(&out)?;
            }
            Packet::Request { request, .. } => panic!("the server asked {request:?}"),
        }
        Ok(())
    }
}

/// A login with a dynamic token; enters a room when one is given. Each account has one device, named after it.
pub fn login(account: &str, room: Option<i64>) -> pb::LoginRequest {
    pb::LoginRequest {
        app_key: APP_KEY.into(),
        account: account.into(),
        token: dynamic_token(APP_KEY, APP_SECRET, account, 3600),
        auth_type: pb::AuthType::Dynamic as i32,
        client_type: 1,
        device_id: format!("device-{account}"),
        protocol_version: 1,
        enter: room.map(|room_id| pb::RoomEnterRequest { room_id, ..Default::default() }),
        ..Default::default()
    }
}

/// A text message that goes into the history and is not deduplicated.
pub fn text_message(room: i64, message_id: &str, text: &str) -> pb::MessageSendRequest {
    pb::MessageSendRequest {
        room_id: room,
        message_id: message_id.into(),
        r#type: pb::MessageType::Text as i32,
        body: text.to_owned().into_bytes().into(),
        ..Default::default()
    }
}

/// The place of a history item.
pub fn item_seq(item: &pb::HistoryItem) -> u64 {
    match item.item.as_ref().expect("a history item is a message or a notification") {
        pb::history_item::Item::Message(message) => message.seq,
        pb::history_item::Item::Notification(notification) => notification.seq,
    }
}

/// The time of a history item.
pub fn item_time_ms(item: &pb::HistoryItem) -> i64 {
    match item.item.as_ref().expect("a history item is a message or a notification") {
        pb::history_item::Item::Message(message) => message.time_ms,
        pb::history_item::Item::Notification(notification) => notification.time_ms,
    }
}
