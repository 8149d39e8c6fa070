//! One connection of the load: frames in, frames out, and its ledger.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};
use tokio_util::codec::Decoder;

use super::super::failure::Failure;
use super::plan::{MESSAGES_PER_ROOM_MAX, Pace};
use super::tally::{Ledger, Live};
use super::worker::{Common, Phase};
use crate::error::{Code, Status};
use crate::limits;
use crate::session::status_of;
use crate::wire::frame::FLAG_RESPONSE;
use crate::wire::{Frame, FrameCodec, PacketKind, Request, Response, pb};

/// Time for a login, the making of an account by the server included.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// As much of a message as is needed to count it: the rest is skipped, not copied.
#[derive(Clone, PartialEq, Message)]
struct Heard {
    #[prost(uint64, tag = "2")]
    seq: u64,
    #[prost(bytes = "bytes", tag = "12")]
    body: Bytes,
}

/// What a connection that sends knows beyond one that listens.
struct Sending {
    /// Place among the room's senders, and how many they are: its messages are numbered `in_room`, `in_room + stride` …
    in_room: u32,
    stride: u32,
    /// Messages so far.
    count: u32,
    /// When messages are due; used with a rate.
    shots: UnboundedReceiver<Duration>,
    /// Unanswered messages by request: number and due time.
    open: HashMap<u32, (u32, Duration)>,
}

impl Sending {
    /// The next message due; never, once there can be no more.
    async fn next_shot(sending: &mut Option<Sending>) -> Duration {
        match sending {
            Some(sending) => match sending.shots.recv().await {
                Some(due) => due,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

/// A connection in its room.
pub(super) struct Connection {
    common: Rc<Common>,
    stream: TcpStream,
    codec: FrameCodec,
    /// What has arrived of a frame that is not whole yet.
    input: BytesMut,
    output: BytesMut,
    sequence: u32,
    sending: Option<Sending>,
    /// Others who hear what this one says.
    listeners: u64,
    /// Whether messages may be sent now.
    is_open: bool,
    ledger: Ledger,
}

impl Connection {
    /// Connects, logs in and enters. A connection that sends comes with the trigger that makes it send.
    pub(super) async fn establish(
        common: Rc<Common>,
        place: usize,
    ) -> Result<(Connection, Option<UnboundedSender<Duration>>), Failure> {
        let plan = &common.plan;
        let address = plan.servers[place % plan.servers.len()];
        let source = plan.sources.get(place % plan.sources.len().max(1)).map(|source| SocketAddr::new(*source, 0));
        let stream = connect(address, source).await.map_err(|error| explain(&error, address, plan.connections))?;
        let room = plan.room_of(place);
        let (trigger, shots) = mpsc::unbounded_channel();
        let sender = plan.sender(place);
        let login = Request::Login(plan.login(place).into());
        let mut connection = Connection {
            stream,
            codec: FrameCodec::new(limits::FRAME_BYTES_CEILING),
            input: BytesMut::new(),
            output: BytesMut::new(),
            sequence: 0,
            sending: sender.map(|sender| Sending {
                in_room: sender.in_room,
                stride: plan.senders_of(room),
                count: 0,
                shots,
                open: HashMap::new(),
            }),
            listeners: plan.members_of(room).saturating_sub(1),
            is_open: false,
            ledger: Ledger { room, ..Ledger::default() },
            common,
        };
        connection.ask(&login);
        match timeout(LOGIN_TIMEOUT, connection.logged_in()).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(Status::new(Code::Timeout, "no answer to a login").into()),
        }
        Ok((connection, sender.map(|_| trigger)))
    }

    /// Waits for the answer to the login.
    async fn logged_in(&mut self) -> Result<(), Failure> {
        let lost = |why: String| Failure::unreachable(format!("a connection was lost at its login: {why}"));
        loop {
            if !self.output.is_empty() {
                self.stream.writable().await.map_err(|error| lost(error.to_string()))?;
                self.write().map_err(lost)?;
            }
            self.stream.readable().await.map_err(|error| lost(error.to_string()))?;
            self.fill().map_err(lost)?;
            let Some(frame) = self.codec.decode(&mut self.input).map_err(|error| lost(error.to_string()))? else { continue };
            match Response::decode(frame.header.kind, frame.body.clone()) {
                Ok(Response::Login(answer)) if frame.is_response() => {
                    accepted(answer.code, answer.sub, &answer.desc)?;
                    let enter = answer.enter.unwrap_or_default();
                    return accepted(enter.code, enter.sub, &enter.desc);
                }
                _ => match pb::Status::decode(frame.body) {
                    Ok(status) if frame.header.kind == PacketKind::Status as u16 => return Err(status_of(&status).into()),
                    _ => return Err(Failure::failed("the server answered a login with something else")),
                },
            }
        }
    }

    /// Sends and listens until the run is over or the connection is.
    pub(super) async fn converse(mut self, mut phase: watch::Receiver<Phase>) -> Ledger {
        enum Turn {
            Read,
            Write,
            Shoot(Duration),
            Phase,
            Ping,
        }
        let heartbeat = Duration::from_millis(limits::HEARTBEAT_MS);
        let mut ping_at = tokio::time::Instant::now() + heartbeat;
        let by_rate = matches!(self.common.plan.pace, Pace::Rate(_));
        let cut = loop {
            let turn = tokio::select! {
                ready = self.stream.readable() => ready.map(|()| Turn::Read),
                ready = self.stream.writable(), if !self.output.is_empty() => ready.map(|()| Turn::Write),
                due = Sending::next_shot(&mut self.sending), if by_rate => Ok(Turn::Shoot(due)),
                changed = phase.changed() => match changed {
                    Ok(()) => Ok(Turn::Phase),
                    Err(_) => break None,
                },
                () = sleep_until(ping_at) => Ok(Turn::Ping),
            };
            let outcome = match turn {
                Ok(Turn::Read) => self.read(),
                Ok(Turn::Write) => self.write(),
                Ok(Turn::Shoot(due)) => self.shoot(due),
                Ok(Turn::Ping) => {
                    ping_at += heartbeat;
                    self.ask(&Request::Ping(Bytes::new()));
                    self.write()
                }
                // Looked at in this turn alone: what is marked as seen in another one would be missed.
                Ok(Turn::Phase) => match *phase.borrow_and_update() {
                    Phase::Over => break None,
                    Phase::Sending => {
                        self.is_open = true;
                        self.fill_window()
                    }
                    Phase::Draining | Phase::Connecting => {
                        self.is_open = false;
                        Ok(())
                    }
                },
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = outcome {
                break Some(why);
            }
        };
        self.end(cut)
    }

    /// Logs out, as far as the socket takes it at once, and closes the ledger.
    fn end(mut self, cut: Option<String>) -> Ledger {
        if cut.is_none() {
            self.ask(&Request::Logout(pb::LogoutRequest {}));
            // A server that does not take it notices the closed connection instead.
            let _ = self.write();
        }
        if let Some(sending) = &mut self.sending {
            self.ledger.unanswered = sending.open.len() as u64;
            sending.shots.close();
            let unsent = std::iter::from_fn(|| sending.shots.try_recv().ok()).count() as u64;
            self.common.live.unanswered.fetch_sub(self.ledger.unanswered + unsent, Ordering::Relaxed);
        }
        self.ledger.cut = self.ledger.cut.or(cut);
        self.ledger
    }

    /// Puts a request into the output.
    fn ask(&mut self, request: &Request) -> u32 {
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        request.encode(self.sequence, &mut self.output);
        self.sequence
    }

    /// Writes as much of the output as the socket takes.
    fn write(&mut self) -> Result<(), String> {
        while !self.output.is_empty() {
            match self.stream.try_write(&self.output) {
                Ok(written) => self.output.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
        self.output = BytesMut::new();
        Ok(())
    }

    /// Reads once; whether there may be more.
    fn fill(&mut self) -> Result<bool, String> {
        let mut scratch = self.common.scratch.borrow_mut();
        match self.stream.try_read(&mut scratch) {
            Ok(0) => Err("the server closed the connection".to_owned()),
            Ok(count) => {
                self.input.extend_from_slice(&scratch[..count]);
                Ok(count == scratch.len())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reads what is there and acts on every whole frame.
    fn read(&mut self) -> Result<(), String> {
        loop {
            let has_more = self.fill()?;
            let mut delivered = 0;
            while let Some(frame) = self.codec.decode(&mut self.input).map_err(|error| error.to_string())? {
                delivered += u64::from(self.on_frame(frame)?);
            }
            Live::count(&self.common.live.delivered, delivered);
            if self.input.is_empty() {
                // An idle connection owns no buffer.
                self.input = BytesMut::new();
            }
            if !has_more {
                break;
            }
        }
        self.fill_window()?;
        self.write()
    }

    /// Acts on a frame; whether it was a message of this run, heard for the first time.
    fn on_frame(&mut self, frame: Frame) -> Result<bool, String> {
        let Ok(kind) = PacketKind::try_from(i32::from(frame.header.kind)) else { return Ok(false) };
        match (kind, frame.is_response()) {
            (PacketKind::Message, false) => return Ok(self.on_message(frame.body)),
            (PacketKind::MessageSend, true) => self.on_answer(frame),
            (PacketKind::Gap, false) => self.ledger.gaps += 1,
            (PacketKind::Ping, false) if frame.header.sequence != 0 => {
                Frame::new(frame.header.kind, FLAG_RESPONSE, frame.header.sequence, frame.body).encode(&mut self.output);
            }
            (PacketKind::Kicked, false) => {
                let kicked = pb::Kicked::decode(frame.body).unwrap_or_default();
                return Err(super::super::text::kick(&kicked));
            }
            (PacketKind::Status, false) => {
                let status = pb::Status::decode(frame.body).unwrap_or_default();
                return Err(status_of(&status).to_string());
            }
            _ => {}
        }
        Ok(false)
    }

    fn on_message(&mut self, body: Bytes) -> bool {
        let (Ok(heard), Some(at)) = (Heard::decode(body), self.common.live.elapsed()) else { return false };
        let Some((number, due)) = self.common.plan.read_body(&heard.body) else { return false };
        self.ledger.disordered += u64::from(heard.seq <= self.ledger.last_seq);
        self.ledger.last_seq = heard.seq;
        let is_own = self.sending.as_ref().is_some_and(|sending| number % sending.stride == sending.in_room);
        if is_own || !self.ledger.heard.insert(number) {
            self.ledger.doubled += 1;
            return false;
        }
        let mut harvest = self.common.harvest.borrow_mut();
        harvest.delivery.record(at.saturating_sub(due));
        harvest.last_delivery = at;
        true
    }

    fn on_answer(&mut self, frame: Frame) {
        let (Some(sending), Some(at)) = (&mut self.sending, self.common.live.elapsed()) else { return };
        let Some((number, due)) = sending.open.remove(&frame.header.sequence) else { return };
        self.common.live.unanswered.fetch_sub(1, Ordering::Relaxed);
        let answer = pb::Status::decode(frame.body).unwrap_or_default();
        if answer.code == 0 || answer.code == Code::Ok.number() {
            self.ledger.accepted.insert(number);
            Live::count(&self.common.live.expected, self.listeners);
            self.common.harvest.borrow_mut().answer.record(at.saturating_sub(due));
        } else {
            *self.ledger.refused.entry(answer.code).or_default() += 1;
        }
    }

    /// With a window: sends until it is full.
    fn fill_window(&mut self) -> Result<(), String> {
        let Pace::Window(window) = self.common.plan.pace else { return Ok(()) };
        while self.is_open && self.sending.as_ref().is_some_and(|sending| sending.open.len() < window as usize) {
            let due = self.common.live.elapsed().filter(|due| *due < self.common.plan.duration);
            let Some(due) = due else { break };
            Live::count(&self.common.live.unanswered, 1);
            self.shoot(due)?;
        }
        Ok(())
    }

    /// Sends the message that is due, which is counted as unanswered already.
    fn shoot(&mut self, due: Duration) -> Result<(), String> {
        let Some(sending) = &mut self.sending else { return Ok(()) };
        let number = sending.count.saturating_mul(sending.stride).saturating_add(sending.in_room);
        if number >= MESSAGES_PER_ROOM_MAX {
            self.is_open = false;
            self.common.live.unanswered.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        sending.count += 1;
        let plan = &self.common.plan;
        let request = pb::MessageSendRequest {
            room_id: plan.rooms[self.ledger.room],
            message_id: format!("{:08x}-{number:x}", plan.run),
            body: plan.body(number, due),
            ..Default::default()
        };
        let sequence = self.ask(&Request::MessageSend(request.into()));
        if let Some(sending) = &mut self.sending {
            sending.open.insert(sequence, (number, due));
        }
        self.ledger.sent += 1;
        self.write()
    }
}

async fn connect(address: SocketAddr, source: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(source)?;
    }
    let stream = timeout(Duration::from_millis(limits::CONNECT_TIMEOUT_MS), socket.connect(address)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What to do about a connection that did not come up.
fn explain(error: &io::Error, address: SocketAddr, connections: usize) -> Failure {
    /// `EMFILE` and `EADDRNOTAVAIL` on Linux, which std has no names for.
    const TOO_MANY_FILES: i32 = 24;
    let advice = match error.raw_os_error() {
        Some(TOO_MANY_FILES) => format!("raise the limit of open files: ulimit -n {}", connections + 100),
        _ if error.kind() == io::ErrorKind::AddrNotAvailable => "give further own addresses with --source".to_owned(),
        _ => "is chatroomd running there?".to_owned(),
    };
    Failure::unreachable(format!("{address}: {error}; {advice}"))
}

/// A response's first three fields as success or failure.
fn accepted(code: i32, sub: i32, desc: &str) -> Result<(), Failure> {
    let status = status_of(&pb::Status { code, sub, desc: desc.to_owned(), ..Default::default() });
    if code == 0 || status.is_ok() { Ok(()) } else { Err(status.into()) }
}
