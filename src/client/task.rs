//! The task that owns a client's connection: state machine of chatroom.md §d.2.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::connection::Cut;
use super::event::LogLevel::{Error, Info, Warn};
use super::flush::Flush;
use super::race::{Place, Standing};
use super::telling::is_own;
use super::transport::Secure;
use super::{ClientOptions, Command, Completion, Event, RequestHandle, Shared, State, closed};
use crate::error::{Code, Status};
use crate::id::Time;
use crate::limits;
use crate::session::{
    Backoff, ClientConfig, ClientOutput, ClientSession, CloseReason, Loss, RequestId, return_delay_ms, status_of, uuid,
};
use crate::wire::{Push, Request, pb};

/// What the host wants, as far as it changes where the client goes.
pub(super) enum Wish {
    Connect,
    Disconnect,
    Close,
}

/// How a life between two rests ends.
pub(super) enum End {
    Wish(Wish),
    Final(Status),
}

impl Wish {
    /// Status that ends everything still open when the host wants this.
    pub(super) fn unfinished(&self) -> Status {
        match self {
            Wish::Close => closed(),
            Wish::Connect | Wish::Disconnect => Status::new(Code::NotLoggedIn, "disconnected by the host"),
        }
    }
}

/// A client at work.
pub(super) struct Task {
    pub(super) options: ClientOptions,
    pub(super) template: pb::LoginRequest,
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
    commands: mpsc::Receiver<Command>,
    pub(super) events: mpsc::Sender<Event>,
    /// Events the channel has no room for; while there are any, the socket is not read.
    pub(super) backlog: VecDeque<Event>,
    /// How many of them the client made by itself, without a server that could be made to wait.
    pub(super) backlog_states: usize,
    /// How many of them are lines of the log.
    pub(super) backlog_logs: usize,
    start: Instant,
    pub(super) state: State,
    pub(super) session: ClientSession,
    pub(super) outputs: Vec<ClientOutput>,
    pub(super) completions: HashMap<RequestId, Completion>,
    /// The sends among them.
    pub(super) open_sends: BTreeSet<RequestId>,
    /// The last names that were to be cancelled and were no open request's: that of one which asks in pages may be between two.
    cancelled: VecDeque<RequestHandle>,
    /// Callers waiting for sends to complete.
    pub(super) flushes: Vec<Flush>,
    /// Who waits for the client to be in.
    connecting: Vec<oneshot::Sender<Result<(), Status>>>,
    /// Who waits for the client to be out.
    leaving: Vec<oneshot::Sender<()>>,
    pub(super) is_leaving: bool,
    /// What is to be written to the socket next.
    pub(super) write: BytesMut,
    pub(super) close: Option<CloseReason>,
    /// A whole frame has arrived over the present connection.
    pub(super) has_heard: bool,
    backoff: Backoff,
    /// Attempts since the last login.
    retry_count: u32,
    /// Facts remembered about the addresses.
    pub(super) standing: Standing,
    /// Place the present connection goes to.
    pub(super) place: Option<Place>,
    /// The present connection, or the last one, has got in.
    was_in: bool,
    /// The host wants no more waiting before the next attempt.
    is_hurried: bool,
    pub(super) failure: Status,
    /// How to speak TLS, once that was wanted; with it, what makes the next handshake shorter.
    pub(super) tls: Option<Secure>,
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
        send_timeout_ms: options.send_timeout_ms,
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
        backlog_logs: 0,
        start,
        state: State::Disconnected,
        session,
        outputs: Vec::new(),
        completions: HashMap::new(),
        open_sends: BTreeSet::new(),
        cancelled: VecDeque::new(),
        flushes: Vec::new(),
        connecting: Vec::new(),
        leaving: Vec::new(),
        is_leaving: false,
        write: BytesMut::new(),
        close: None,
        has_heard: false,
        retry_count: 0,
        standing: Standing::default(),
        place: None,
        was_in: false,
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
                End::Wish(wish) => self.rest(Status::OK, &wish.unfinished()),
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
        self.standing.forgive();
        self.go(State::Connecting);
        if let Err(status) = self.prepare() {
            return self.fail(status);
        }
        loop {
            self.go(State::Connecting);
            self.was_in = false;
            let loss = match self.connect().await {
                Err(wish) => return End::Wish(wish),
                Ok(None) => Loss::Retry,
                Ok(Some(stream)) => match self.converse(stream).await {
                    Cut::Wish(wish) => return End::Wish(wish),
                    Cut::Lost(loss) => loss,
                },
            };
            if let (Some(place), false) = (self.place, self.was_in) {
                self.standing.failed(place);
            }
            let delay_ms = match loss {
                Loss::Final(status) if self.was_in => {
                    self.log(Warn, || format!("the connection is over: {status}"));
                    return End::Final(status);
                }
                Loss::Final(status) => return self.fail(status),
                // What answers at every address is no chatroomd: waiting changes nothing about that.
                Loss::Retry if self.standing.is_hopeless() => return self.fail(self.failure.clone()),
                Loss::Again => 0,
                Loss::Retry => self.backoff.next(self.session.random()),
                Loss::Return { retry_after_ms, spread_ms } => {
                    if let Some(place) = self.place {
                        self.standing.failed(place);
                    }
                    self.failure = Status::new(Code::TryAgain, "the server sent this client away, to come back");
                    let most = self.options.return_spread_ms;
                    return_delay_ms(retry_after_ms.into(), spread_ms.into(), most, self.session.random())
                }
            };
            if self.options.reconnect_attempts_max.is_some_and(|max| self.retry_count >= max) {
                return self.fail(self.failure.clone());
            }
            self.retry_count = self.retry_count.saturating_add(1);
            let status = self.failure.clone();
            self.log(Warn, || format!("{status}; trying again in {delay_ms} ms"));
            self.tell(Event::ConnectFailed { status, will_retry: true, delay_ms });
            self.go(State::Waiting);
            self.tell(Event::WillReconnect { retry_count: self.retry_count, delay_ms });
            if let Some(wish) = self.wait(delay_ms).await {
                return End::Wish(wish);
            }
        }
    }

    /// Attempts are over: says why.
    fn fail(&mut self, status: Status) -> End {
        self.log(Error, || format!("giving up: {status}"));
        self.tell(Event::ConnectFailed { status: status.clone(), will_retry: false, delay_ms: 0 });
        End::Final(status)
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
        let deadline = [deadline, self.flush_deadline()].into_iter().flatten().min();
        let turn = tokio::select! {
            // The sender lives as long as `shared`, which is ours too: this cannot fail.
            () = async { drop(self.closing.wait_for(|closing| *closing).await) }, if !self.is_leaving => Turn::Close,
            command = self.commands.recv(), if !self.is_leaving => Turn::Command(command),
            permit = self.events.reserve(), if !self.backlog.is_empty() => match (permit, self.backlog.pop_front()) {
                (Ok(permit), Some(event)) => {
                    self.backlog_states -= usize::from(is_own(&event));
                    self.backlog_logs -= usize::from(matches!(event, Event::Log(_)));
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
                self.settle_flushes();
            }
        }
        None
    }

    fn on_command(&mut self, command: Command) -> Option<Wish> {
        let is_resting = matches!(self.state, State::Disconnected | State::Exited);
        match command {
            Command::Request(_, completion) if is_resting => completion.complete(Err(not_connected())),
            Command::Request(_, completion) if self.cancelled.contains(&completion.request) => {
                completion.complete(Err(Status::new(Code::Cancelled, "cancelled before it was sent")));
            }
            Command::Request(request, completion) => {
                let is_send = matches!(request, Request::MessageSend(_));
                let outcome = self.session.request(self.now(), request, &mut self.outputs);
                if let (true, Ok(id)) = (is_send, &outcome) {
                    self.open_sends.insert(*id);
                }
                self.accept(outcome, completion);
            }
            Command::Cancel(request) => {
                if let Some(id) =
                    self.completions.iter().find(|(_, completion)| completion.request == request).map(|(id, _)| *id)
                {
                    self.session.cancel(id, &mut self.outputs);
                    self.apply();
                } else {
                    if self.cancelled.len() >= limits::CLIENT_CANCELLED_MAX {
                        self.cancelled.pop_front();
                    }
                    self.cancelled.push_back(request);
                }
            }
            Command::Flush(flush) => self.flush(flush),
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
                ClientOutput::LoginRefused(status) => self.failure = status,
                ClientOutput::Entered(response) => self.tell(Event::Entered(response)),
                ClientOutput::RoomState(change) => self.tell(Event::RoomState(change)),
                ClientOutput::Left { room_id, status } => self.tell(Event::Left { room_id, status }),
                ClientOutput::Response { id, result } => {
                    // The task's own logout has nobody who waits for it.
                    if let Some(completion) = self.completions.remove(&id) {
                        completion.complete(result);
                    }
                    self.open_sends.remove(&id);
                }
                ClientOutput::Push(push) => match push {
                    Push::Message(message) => self.tell(Event::Message(message)),
                    Push::Notification(notification) => self.tell(Event::Notification(notification)),
                    Push::Gap(gap) => self.tell(Event::Gap(gap)),
                    Push::Kicked(kicked) => {
                        self.log(Warn, || format!("kicked out of room {} with reason {}", kicked.room_id, kicked.reason));
                        self.tell(Event::Kicked(kicked));
                    }
                    Push::TokenWillExpire(warning) => self.tell(Event::TokenWillExpire(warning.seconds)),
                    // `Disconnected` or `ConnectFailed` carries it.
                    Push::Status(status) => self.failure = status_of(&status),
                    Push::RoomEpoch(_) => {}
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
        self.settle_flushes();
    }

    fn on_logged_in(&mut self, response: pb::LoginResponse) {
        self.retry_count = 0;
        self.backoff = backoff(&self.options);
        self.was_in = true;
        if let Some(place) = self.place {
            self.standing.succeeded(place);
        }
        self.log(Info, || format!("logged in as {}{}", response.account, if response.resumed { ", resumed" } else { "" }));
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

    pub(super) fn now(&self) -> Time {
        Time(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// The status of what is asked of a client that is not to be connected.
fn not_connected() -> Status {
    Status::new(Code::NotLoggedIn, "not connected: connect first")
}
