//! The task that owns a client's connection: state machine of chatroom.md §d.2.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::Cut;
use super::transport::{self, Secure, Stream};
use super::{ClientOptions, Command, Completion, Event, Shared, State, closed};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::limits;
use crate::session::{Backoff, ClientConfig, ClientOutput, ClientSession, CloseReason, Loss, RequestId, return_delay_ms, uuid};
use crate::wire::{Push, pb};

/// What the host wants, as far as it changes where the client goes.
pub(super) enum Wish {
    Connect,
    Disconnect,
    Close,
}

/// How a life between two rests ends.
enum End {
    Wish(Wish),
    Final(Status),
}

/// A client at work.
pub(super) struct Task {
    options: ClientOptions,
    pub(super) template: pb::LoginRequest,
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    /// Events the channel has no room for; while there are any, the socket is not read.
    pub(super) backlog: VecDeque<Event>,
    /// How many of them the client made by itself, without a server that could be made to wait.
    backlog_states: usize,
    start: Instant,
    pub(super) state: State,
    pub(super) session: ClientSession,
    pub(super) outputs: Vec<ClientOutput>,
    completions: HashMap<RequestId, Completion>,
    /// Who waits for the client to be in.
    connecting: Vec<oneshot::Sender<Result<(), Status>>>,
    /// Who waits for the client to be out.
    leaving: Vec<oneshot::Sender<()>>,
    pub(super) is_leaving: bool,
    /// What is to be written to the socket next.
    pub(super) write: BytesMut,
    pub(super) close: Option<CloseReason>,
    backoff: Backoff,
    /// Attempts since the last login.
    retry_count: u32,
    /// Which address is tried first.
    address: usize,
    /// The host wants no more waiting before the next attempt.
    is_hurried: bool,
    pub(super) failure: Status,
    /// How to speak TLS, once that was wanted; with it, what makes the next handshake shorter.
    tls: Option<Secure>,
}

/// Runs a client until it is closed.
pub(super) async fn run(
    options: ClientOptions,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
) {
    let start = Instant::now();
    let config = ClientConfig {
        response_timeout_ms: options.response_timeout_ms,
        heartbeat_ms: options.heartbeat_ms,
        ping_timeout_ms: options.ping_timeout_ms,
        ..ClientConfig::default()
    };
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut session = ClientSession::new(config, seed, Time(0));
    let device_id = match options.device_id.as_str() {
        "" => uuid(session.random()),
        given => given.to_owned(),
    };
    let template = pb::LoginRequest {
        app_key: options.app_key.clone(),
        account: options.account.clone(),
        token: options.token.clone(),
        auth_type: options.auth_type.into(),
        login_ext: options.login_ext.clone(),
        anonymous: options.anonymous,
        client_type: options.client_type,
        custom_client_type: options.custom_client_type,
        custom_tag: options.custom_tag.clone(),
        device_id,
        sdk_version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol_version: crate::wire::frame::VERSIONS[0],
        enter: options.enter.clone(),
        ..Default::default()
    };
    let mut task = Task {
        backoff: backoff(&options),
        template,
        closing: shared.closing.subscribe(),
        commands,
        events,
        backlog: VecDeque::new(),
        backlog_states: 0,
        start,
        state: State::Disconnected,
        session,
        outputs: Vec::new(),
        completions: HashMap::new(),
        connecting: Vec::new(),
        leaving: Vec::new(),
        is_leaving: false,
        write: BytesMut::new(),
        close: None,
        retry_count: 0,
        address: 0,
        is_hurried: false,
        failure: Status::OK,
        tls: None,
        options,
        shared,
    };
    task.run().await;
}

fn backoff(options: &ClientOptions) -> Backoff {
    Backoff::new(options.reconnect_ms_min, options.reconnect_ms_max)
}

impl Task {
    async fn run(&mut self) {
        loop {
            match self.attend_all().await {
                Wish::Connect => {}
                Wish::Disconnect => continue,
                Wish::Close => break,
            }
            match self.live().await {
                End::Wish(Wish::Close) => break,
                End::Wish(_) => self.rest(Status::OK, &Status::new(Code::NotLoggedIn, "disconnected by the host")),
                End::Final(status) if status.is_ok() => self.rest(status, &Status::new(Code::NotLoggedIn, "logged out")),
                End::Final(status) => self.rest(status.clone(), &status),
            }
        }
        self.rest(Status::OK, &closed());
    }

    /// The client is where it was before it connected. `unfinished` is what becomes of everything that is open.
    fn rest(&mut self, status: Status, unfinished: &Status) {
        self.session.give_up(unfinished, &mut self.outputs);
        self.session.forget(&mut self.outputs);
        self.apply();
        for done in self.connecting.drain(..) {
            // The host may have stopped waiting.
            let _ = done.send(Err(unfinished.clone()));
        }
        if !matches!(self.state, State::Disconnected | State::Exited) {
            self.tell(Event::Disconnected(status));
            self.go(State::Exited);
        }
        for done in self.leaving.drain(..) {
            let _ = done.send(());
        }
        self.is_leaving = false;
    }

    /// From a connect to the end: S2 to S6.
    async fn live(&mut self) -> End {
        self.retry_count = 0;
        self.backoff = backoff(&self.options);
        if self.options.addresses.is_empty() {
            return End::Final(Status::bad_parameter("addresses must name at least one host:port"));
        }
        loop {
            self.go(State::Connecting);
            let loss = match self.connect().await {
                Err(wish) => return End::Wish(wish),
                Ok(None) => Loss::Retry,
                Ok(Some(stream)) => match self.converse(stream).await {
                    Cut::Wish(wish) => return End::Wish(wish),
                    Cut::Lost(loss) => loss,
                },
            };
            let delay_ms = match loss {
                Loss::Final(status) => return End::Final(status),
                Loss::Again => 0,
                Loss::Retry => self.backoff.next(self.session.random()),
                Loss::Return { retry_after_ms, spread_ms } => {
                    self.address += 1;
                    let most = self.options.return_spread_ms;
                    return_delay_ms(retry_after_ms.into(), spread_ms.into(), most, self.session.random())
                }
            };
            if self.options.reconnect_attempts_max.is_some_and(|max| self.retry_count >= max) {
                return End::Final(self.failure.clone());
            }
            self.retry_count = self.retry_count.saturating_add(1);
            self.go(State::Waiting);
            self.tell(Event::WillReconnect { retry_count: self.retry_count, delay_ms });
            if let Some(wish) = self.wait(delay_ms).await {
                return End::Wish(wish);
            }
        }
    }

    /// S1: waits out the delay, and then for a host that is behind with its events.
    async fn wait(&mut self, delay_ms: u64) -> Option<Wish> {
        let until = Instant::now() + Duration::from_millis(delay_ms);
        self.is_hurried = false;
        while (Instant::now() < until && !self.is_hurried) || !self.backlog.is_empty() {
            tokio::select! {
                wish = self.attend() => if wish.is_some() {
                    return wish;
                },
                () = sleep_until(until), if Instant::now() < until => {}
            }
        }
        None
    }

    /// S2: the first address that answers. `None` when there is none.
    async fn connect(&mut self) -> Result<Option<Stream>, Wish> {
        let patience = Duration::from_millis(self.options.connect_timeout_ms);
        for _ in 0..self.options.addresses.len() {
            let place = self.address % self.options.addresses.len();
            let address = self.options.addresses[place].clone();
            let tls = match self.tls(&address) {
                Ok(tls) => tls,
                Err(error) => {
                    self.failure = Status::new(Code::NoServer, format!("{address}: {error}"));
                    self.address = place + 1;
                    continue;
                }
            };
            let attempt = timeout(patience, transport::open(&address, tls));
            tokio::pin!(attempt);
            let outcome = loop {
                tokio::select! {
                    wish = self.attend() => if let Some(wish) = wish {
                        return Err(wish);
                    },
                    outcome = &mut attempt => break outcome,
                }
            };
            match outcome {
                Ok(Ok(stream)) => return Ok(Some(stream)),
                Ok(Err(error)) => self.failure = Status::new(Code::NoServer, format!("{address}: {error}")),
                Err(_) => self.failure = Status::new(Code::NoServer, format!("{address}: no connection in time")),
            }
            self.address = place + 1;
        }
        Ok(None)
    }

    /// How to speak TLS, if the address wants it.
    fn tls(&mut self, address: &str) -> std::io::Result<Option<Secure>> {
        if !transport::parse(address).is_some_and(|(is_tls, ..)| is_tls) {
            return Ok(None);
        }
        if self.tls.is_none() {
            self.tls = Some(self.options.trust.secure()?);
        }
        Ok(self.tls.clone())
    }

    /// Serves host and clock until the host wants the client to go elsewhere.
    async fn attend_all(&mut self) -> Wish {
        loop {
            if let Some(wish) = self.attend().await {
                return wish;
            }
        }
    }

    /// Serves host and clock once. Nothing is lost when it is dropped while it waits.
    pub(super) async fn attend(&mut self) -> Option<Wish> {
        enum Turn {
            Close,
            Command(Option<Command>),
            Told,
            Unheard,
            Timeout,
        }
        let deadline = self.session.deadline().map(|at| self.start + Duration::from_micros(at.0));
        let turn = tokio::select! {
            // The sender lives as long as `shared`, which is ours too: this cannot fail.
            () = async { drop(self.closing.wait_for(|closing| *closing).await) }, if !self.is_leaving => Turn::Close,
            command = self.commands.recv(), if !self.is_leaving => Turn::Command(command),
            permit = self.events.reserve(), if !self.backlog.is_empty() => match (permit, self.backlog.pop_front()) {
                (Ok(permit), Some(event)) => {
                    self.backlog_states -= usize::from(is_own(&event));
                    permit.send(event);
                    Turn::Told
                }
                _ => Turn::Unheard,
            },
            () = sleep_until(deadline.unwrap_or(self.start)), if deadline.is_some() => Turn::Timeout,
        };
        match turn {
            Turn::Close | Turn::Command(None) => return Some(Wish::Close),
            Turn::Command(Some(command)) => return self.on_command(command),
            Turn::Told => {}
            // The host wants no events.
            Turn::Unheard => self.forget_events(),
            Turn::Timeout => {
                self.session.on_timeout(self.now(), &mut self.outputs);
                self.apply();
            }
        }
        None
    }

    fn on_command(&mut self, command: Command) -> Option<Wish> {
        let is_resting = matches!(self.state, State::Disconnected | State::Exited);
        match command {
            Command::Request(_, completion) if is_resting => completion.complete(Err(not_connected())),
            Command::Request(request, completion) => {
                let outcome = self.session.request(self.now(), request, &mut self.outputs);
                self.accept(outcome, completion);
            }
            Command::Connect(done) if self.state == State::Entered => {
                // The host may have stopped waiting, here and below.
                let _ = done.send(Err(Status::new(Code::AlreadyLoggedIn, "connected already")));
            }
            Command::Connect(done) => {
                self.connecting.push(done);
                return is_resting.then_some(Wish::Connect);
            }
            Command::Disconnect(done) if is_resting => {
                let _ = done.send(());
            }
            Command::Disconnect(done) => {
                self.leaving.push(done);
                return Some(Wish::Disconnect);
            }
            Command::Token(token) => self.session.set_token(token),
            Command::BeginBatch(room_id, config, done) => {
                let outcome = if is_resting { Err(not_connected()) } else { self.session.begin_batch(room_id, config) };
                // The host may have stopped waiting.
                let _ = done.send(outcome);
            }
            Command::EndBatch(_, completion) if is_resting => completion.complete(Err(not_connected())),
            Command::EndBatch(room_id, completion) => {
                let outcome = self.session.end_batch(self.now(), room_id, &mut self.outputs);
                self.accept(outcome, completion);
            }
            Command::Check => {
                self.is_hurried = true;
                self.session.probe(self.now(), &mut self.outputs);
                self.apply();
            }
        }
        None
    }

    /// Keeps the promise to complete what the session has accepted.
    fn accept(&mut self, outcome: Result<RequestId, Status>, completion: Completion) {
        match outcome {
            Ok(id) => drop(self.completions.insert(id, completion)),
            Err(status) => completion.complete(Err(status)),
        }
        self.apply();
    }

    /// Does what the session wants done.
    pub(super) fn apply(&mut self) {
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                ClientOutput::Transmit(bytes) => self.write.extend_from_slice(&bytes),
                ClientOutput::LoggedIn(response) => self.on_logged_in(*response),
                ClientOutput::LoginRefused(status) => {
                    self.failure = status;
                    self.address += 1;
                }
                ClientOutput::Entered(response) => self.tell(Event::Entered(response)),
                ClientOutput::RoomState(change) => self.tell(Event::RoomState(change)),
                ClientOutput::Left { room_id, status } => self.tell(Event::Left { room_id, status }),
                ClientOutput::Response { id, result } => {
                    // The task's own logout has nobody who waits for it.
                    if let Some(completion) = self.completions.remove(&id) {
                        completion.complete(result);
                    }
                }
                ClientOutput::Push(push) => match push {
                    Push::Message(message) => self.tell(Event::Message(message)),
                    Push::Notification(notification) => self.tell(Event::Notification(notification)),
                    Push::Gap(gap) => self.tell(Event::Gap(gap)),
                    Push::Kicked(kicked) => self.tell(Event::Kicked(kicked)),
                    Push::TokenWillExpire(warning) => self.tell(Event::TokenWillExpire(warning.seconds)),
                    // `Disconnected` carries it.
                    Push::Status(_) | Push::RoomEpoch(_) => {}
                },
                ClientOutput::Close(reason) => {
                    if reason == CloseReason::PingTimeout {
                        self.failure = Status::new(Code::NoServer, "the server does not answer any more");
                    }
                    self.close = Some(reason);
                }
            }
        }
        self.outputs = outputs;
    }

    fn on_logged_in(&mut self, response: pb::LoginResponse) {
        self.retry_count = 0;
        self.backoff = backoff(&self.options);
        self.shared.clock.send_replace(Some((Instant::now(), response.server_time_ms)));
        self.tell(Event::LoggedIn {
            account: response.account,
            connection_id: response.connection_id,
            resumed: response.resumed,
            server_time_ms: response.server_time_ms,
        });
        self.go(State::Entered);
        for done in self.connecting.drain(..) {
            let _ = done.send(Ok(()));
        }
    }

    pub(super) fn go(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.shared.state.send_replace(state);
            self.tell(Event::State(state));
        }
    }

    /// Gives the host an event, now or when it has read others.
    fn tell(&mut self, event: Event) {
        if self.is_leaving && matches!(event, Event::Message(_) | Event::Notification(_) | Event::Gap(_)) {
            // The host goes; waiting for it to read would keep it from going.
            return;
        }
        if self.backlog.is_empty() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => self.forget_events(),
                Err(mpsc::error::TrySendError::Full(event)) => self.keep(event),
            }
        } else {
            self.keep(event);
        }
    }

    fn keep(&mut self, event: Event) {
        if is_own(&event) {
            if self.backlog_states >= limits::CLIENT_STATES_MAX {
                return;
            }
            self.backlog_states += 1;
        }
        self.backlog.push_back(event);
    }

    fn forget_events(&mut self) {
        self.backlog.clear();
        self.backlog_states = 0;
    }

    pub(super) fn now(&self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// The status of what is asked of a client that is not to be connected.
fn not_connected() -> Status {
    Status::new(Code::NotLoggedIn, "not connected: connect first")
}

/// Whether the client makes this event by itself, so that not reading the socket does not hold it back.
fn is_own(event: &Event) -> bool {
    use Event::*;
    matches!(event, State(_) | RoomState(_) | WillReconnect { .. } | LoggedIn { .. } | Disconnected(_))
}
