//! Two workers of a node in one thread, without sockets, disk, clock or runtime: a front is all there is of each. What clients send
//! goes in as bytes, what they hear comes out as bytes, and the same inputs give the same bytes.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use chatroom::account::{Account, App, Directory, Keeper, NewAccount, Secret, Urgency};
use chatroom::dispatch::{Answer, Asker, Bundle, Hub, HubConfig, Mail, owner_of};
use chatroom::error::Status;
use chatroom::front::{
    AccountMail, AccountRead, AppRow, AppTable, Apps, Bounds, Call, Common, CommonConfig, Effect, Front, FrontConfig, Inbox,
    Keys, Line, LogHealth, Order, Pressure, Sent, Stopwatch, Unanswered, Verdict, Want,
};
use chatroom::id::{AccountId, ConnId, Epoch, RoomId, Time, UnixMs};
use chatroom::limits::FEED_BYTES_MAX;
use chatroom::room::{Actor, Ask, Create, Missed, Op, Record, Replay, Room, Settings};
use chatroom::session::SessionConfig;
use chatroom::wire::{FrameCodec, Packet, Push, Request, Response, pb};

const WORKERS: usize = 2;
const GRACE_MS: u64 = 30_000;
const EPOCH: Epoch = Epoch(1);
const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What was written to a client.
#[derive(Default)]
pub struct Pipe {
    written: BytesMut,
    /// It takes nothing.
    is_full: bool,
}

impl Line for Pipe {
    fn send(&mut self, bytes: &[u8]) -> Sent {
        if self.is_full {
            return Sent::Part(0);
        }
        self.written.extend_from_slice(bytes);
        Sent::All
    }

    fn has_gone(&self, _wants_to_hear: bool) -> bool {
        false
    }
}

/// Keeps nothing.
struct Nowhere;

impl Keeper for Nowhere {
    fn keep_app(&self, _app: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _app_key: &str, _account: &Account, _urgency: Urgency) -> Result<(), Status> {
        Ok(())
    }
}

/// Keeps the accounts of one application.
#[derive(Default)]
struct Rows(Mutex<HashMap<String, Account>>);

impl Keeper for Rows {
    fn keep_app(&self, _app: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _app_key: &str, account: &Account, _urgency: Urgency) -> Result<(), Status> {
        self.0.lock().unwrap().insert(account.id.to_string(), account.clone());
        Ok(())
    }

    fn read_account(&self, _app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        Ok(self.0.lock().unwrap().get(id.as_str()).cloned())
    }
}

/// One application, which may be asked about messages.
struct OneApp(AppRow);

impl Apps for OneApp {
    fn version(&self) -> u64 {
        1
    }

    fn table(&self) -> Arc<AppTable> {
        let apps = [("demo".to_owned(), self.0)].into_iter().collect();
        Arc::new(AppTable { apps, asks_before_sends: self.0.is_asked_about_sends.is_some() })
    }
}

/// Mail about accounts on its way, with the workers it is for.
type PostedMail = Arc<Mutex<Vec<(usize, Vec<AccountMail>)>>>;

/// The node: what its host would hold in sockets, files and threads.
pub struct Node {
    pub common: Arc<Common>,
    pub fronts: Vec<Front<Pipe>>,
    inboxes: Vec<Inbox>,
    pressures: Arc<[Pressure]>,
    orders: Arc<Mutex<Vec<(ConnId, Order)>>>,
    account_mail: PostedMail,
    settings: Arc<Settings>,
    log: HashMap<RoomId, Vec<Record>>,
    calls: Vec<(usize, Call)>,
    /// Accounts that are to be read.
    pub reads: Vec<(usize, AccountRead)>,
    now_ms: u64,
    /// Everything that was written to clients, in order.
    transcript: Vec<(ConnId, Vec<u8>)>,
}

impl Node {
    fn new(row: AppRow) -> Node {
        let directory = Directory::new(Arc::new(Nowhere), false);
        directory.insert_app(App::new("demo", Secret::new("0123456789abcdef")).unwrap());
        for name in ["alice", "bob", "boss"] {
            let account = Account { token: Secret::new("t0k3n"), ..Account::new(AccountId::parse(name).unwrap()) };
            directory.load_account("demo", account).unwrap();
        }
        Node::with(row, directory)
    }

    /// A node that holds no account in memory.
    pub fn without_memory() -> Node {
        let directory = Directory::bounded(Arc::<Rows>::default(), false, 0);
        directory.insert_app(App::new("demo", Secret::new("0123456789abcdef")).unwrap());
        for name in ["alice", "bob", "boss"] {
            let new = NewAccount { account: name.into(), token: Some(Secret::new("t0k3n")), ..NewAccount::default() };
            directory.create_account("demo", NewAccount { name: name.into(), ..new }).unwrap();
        }
        directory.expect_more();
        Node::with(AppRow::default(), directory)
    }

    fn with(row: AppRow, directory: Directory) -> Node {
        let (pressures, orders) = (Pressure::of_workers(WORKERS), Arc::<Mutex<Vec<_>>>::default());
        let ordered = orders.clone();
        let account_mail = PostedMail::default();
        let posted = account_mail.clone();
        let common = Arc::new(Common::new(CommonConfig {
            session: SessionConfig::default(),
            bounds: Bounds {
                connections_max: 100,
                connections_per_address_max: 100,
                backlog_bytes_max: 256 << 10,
                answers_bytes_max: 16 << 20,
                unfinished_bytes_max: 16 << 20,
            },
            apps: Arc::new(OneApp(row)),
            accounts: Arc::new(directory),
            keys: Keys { aliases: [1; 32], resume: [2; 32], accounts: [3, 4] },
            pressures: pressures.clone(),
            post: Arc::new(move |connection, order| ordered.lock().unwrap().push((connection, order))),
            post_about_accounts: Arc::new(move |worker, mail| posted.lock().unwrap().push((worker, mail))),
        }));
        let settings = Arc::new(Settings::default());
        let last_room = Arc::new(AtomicI64::new(1000));
        let front = |worker| {
            let hub = Hub::new(HubConfig {
                worker,
                workers: WORKERS,
                epoch: EPOCH,
                seed: 5,
                rules: settings.clone(),
                feed_bytes_max: FEED_BYTES_MAX,
                detach_grace_ms: GRACE_MS,
                last_room: last_room.clone(),
                accounts: common.account_key(),
            });
            let stopwatch = Stopwatch::new(Time::default);
            Front::new(FrontConfig { worker, common: common.clone(), hub, seed: 6, stopwatch })
        };
        Node {
            fronts: (0..WORKERS).map(front).collect(),
            inboxes: (0..WORKERS).map(|_| Inbox::default()).collect(),
            pressures,
            orders,
            account_mail,
            settings,
            log: HashMap::new(),
            calls: Vec::new(),
            reads: Vec::new(),
            now_ms: 1000,
            transcript: Vec::new(),
            common,
        }
    }

    pub fn connect(&mut self, worker: usize) -> ConnId {
        self.common.let_in(ADDRESS).unwrap();
        self.set_clock(worker);
        self.fronts[worker].adopt(Pipe::default(), ADDRESS)
    }

    fn set_clock(&mut self, worker: usize) {
        let unix = UnixMs(1_700_000_000_000 + i64::try_from(self.now_ms).unwrap());
        self.fronts[worker].set_clock(Time(self.now_ms * 1000), unix);
    }

    pub fn send(&mut self, id: ConnId, sequence: u32, request: &Request) {
        let mut bytes = BytesMut::new();
        request.encode(sequence, &mut bytes);
        self.set_clock(id.worker());
        // In two pieces, as a network may have it.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        self.fronts[id.worker()].on_bytes(id, first);
        self.fronts[id.worker()].on_bytes(id, second);
        self.settle();
    }

    pub fn lose(&mut self, id: ConnId) {
        self.fronts[id.worker()].on_lost(id);
        self.settle();
    }

    /// What the HTTP API would ask of a room.
    fn command(&mut self, account: &str, room: RoomId, op: Op) -> Answer {
        let answer = Arc::<Mutex<Option<Answer>>>::default();
        let told = answer.clone();
        let asker = Asker::Caller(Box::new(move |answer| *told.lock().unwrap() = Some(answer)));
        let actor = Actor::http(AccountId::parse(account).unwrap());
        let request =
            chatroom::dispatch::Request { subject: room, asker, actor, ask: Ask::Command(op), app_key: None, resume: None };
        self.post(owner_of(room, WORKERS), Bundle::of_rooms(vec![Mail::Request(Box::new(request))]));
        self.settle();
        answer.lock().unwrap().take().expect("every caller is answered")
    }

    fn post(&mut self, worker: usize, batch: Bundle) {
        self.pressures[worker].add(batch.weight());
        self.inboxes[worker].mail.append(batch);
    }

    /// Turns until nobody has anything to do.
    pub fn settle(&mut self) {
        for _ in 0..100 {
            self.now_ms += 1;
            let busy: Vec<bool> = (0..WORKERS).map(|worker| self.turn(worker)).collect();
            if !busy.contains(&true) {
                return;
            }
        }
        panic!("the fronts never fall quiet");
    }

    fn turn(&mut self, worker: usize) -> bool {
        self.set_clock(worker);
        for (connection, order) in std::mem::take(&mut *self.orders.lock().unwrap()) {
            self.inboxes[connection.worker()].orders.push((connection, order));
        }
        for (owner, mail) in std::mem::take(&mut *self.account_mail.lock().unwrap()) {
            self.inboxes[owner].accounts.extend(mail);
        }
        let inbox = std::mem::take(&mut self.inboxes[worker]);
        self.pressures[worker].clear();
        let mut is_busy = !inbox.mail.is_empty() || inbox.committed.is_some() || !inbox.orders.is_empty();
        is_busy |= !inbox.accounts.is_empty();
        self.fronts[worker].turn(inbox, LogHealth::Well(EPOCH));
        is_busy |= self.fronts[worker].wants_turn();
        for other in 0..WORKERS {
            let batch = self.fronts[worker].take_mail(other);
            is_busy |= !batch.is_empty();
            self.post(other, batch);
        }
        if let Some(writes) = self.fronts[worker].take_writes() {
            for record in writes.rooms.records {
                self.log.entry(record.room).or_default().push(record);
            }
            self.inboxes[worker].committed = Some(true);
            is_busy = true;
        }
        for effect in self.fronts[worker].take_effects() {
            is_busy = true;
            self.carry_out(worker, effect);
        }
        is_busy || !self.account_mail.lock().unwrap().is_empty() || !self.orders.lock().unwrap().is_empty()
    }

    fn carry_out(&mut self, worker: usize, effect: Effect) {
        match effect {
            Effect::Load(id) => {
                let mut room = Room::new(id, self.settings.clone());
                for record in self.log.get(&id).into_iter().flatten() {
                    room.replay(&record.entry);
                }
                self.fronts[worker].on_loaded(id, Ok(room));
            }
            Effect::CatchUp(waiting) => {
                let scope = &waiting.scope;
                let records = self.log.get(&waiting.asked.subject).into_iter().flatten();
                let missed = records.filter(|record| record.entry.seq > scope.after && record.entry.seq <= scope.last);
                let items = missed.filter_map(|record| record.push.clone().map(|push| Missed { seq: record.entry.seq, push }));
                let replay = Replay { items: items.collect(), gap: None };
                self.fronts[worker].on_caught_up(*waiting, Ok(replay));
            }
            Effect::Call(call) => self.calls.push((worker, *call)),
            Effect::Accounts(read) => self.reads.push((worker, *read)),
            Effect::Find(_) | Effect::History(_) | Effect::LoadUser(_) => panic!("nobody asks for that here"),
        }
    }

    /// Reads the accounts that are waited for, and those that are waited for then; says how often it did.
    pub fn read_accounts(&mut self) -> usize {
        for count in 0..100 {
            let Some((worker, read)) = self.reads.pop() else { return count };
            let directory = self.common.directory();
            let looks = read.accounts.iter().map(|id| directory.read_for(&read.app_key, id, read.registers));
            let looks = looks.collect();
            self.set_clock(worker);
            self.fronts[worker].on_accounts(read, looks);
            self.settle();
        }
        panic!("accounts are read without an end");
    }

    /// What a connection has heard since the last look.
    pub fn heard(&mut self, id: ConnId) -> Vec<Packet> {
        let line = self.fronts[id.worker()].line(id).expect("the connection is there");
        let mut bytes = std::mem::take(&mut line.written);
        self.transcript.push((id, bytes.to_vec()));
        let mut heard = Vec::new();
        while let Some(frame) = FrameCodec::default().cut(&mut bytes).unwrap() {
            heard.push(Packet::decode(frame).unwrap());
        }
        assert!(bytes.is_empty(), "only whole frames are written");
        heard
    }

    /// The messages a connection has heard since the last look.
    fn messages(&mut self, id: ConnId) -> Vec<String> {
        let body = |packet: Packet| match packet {
            Packet::Push(Push::Message(message)) => Some(String::from_utf8(message.body.to_vec()).unwrap()),
            _ => None,
        };
        self.heard(id).into_iter().filter_map(body).collect()
    }

    /// Makes a room whose owner is the boss.
    pub fn create(&mut self, room: RoomId) {
        let create = Create {
            app_key: "demo".into(),
            creator: AccountId::parse("boss").unwrap(),
            name: "hall".into(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: false,
        };
        self.command("boss", room, Op::Create(Box::new(create))).expect("the room is new");
    }

    /// Logs in and enters a room in one round trip.
    fn log_in(&mut self, id: ConnId, account: &str, room: RoomId, resume: Option<pb::Resume>) -> pb::LoginResponse {
        let enter = Some(pb::RoomEnterRequest { room_id: room.get(), ..Default::default() });
        self.send(id, 1, &Request::Login(Box::new(pb::LoginRequest { enter, resume, ..login(account) })));
        let answer = self.heard(id).into_iter().find_map(|packet| match packet {
            Packet::Response { sequence: 1, response: Response::Login(login) } => Some(*login),
            _ => None,
        });
        answer.expect("a login is answered")
    }
}

pub fn login(account: &str) -> pb::LoginRequest {
    pb::LoginRequest {
        app_key: "demo".into(),
        account: account.into(),
        token: "t0k3n".into(),
        device_id: account.into(),
        protocol_version: 1,
        ..Default::default()
    }
}

fn text(room: RoomId, body: &str) -> Request {
    let (message_id, body) = (body.to_owned(), body.to_owned().into());
    Request::MessageSend(Box::new(pb::MessageSendRequest { room_id: room.get(), message_id, body, ..Default::default() }))
}

/// A room that the second worker owns, while most connections are on the first.
pub fn hall() -> RoomId {
    (1..100).map(|id| RoomId::new(id).unwrap()).find(|id| owner_of(*id, WORKERS) == 1).unwrap()
}

/// Login, enter, send, resume, kick.
fn play() -> Node {
    let mut node = Node::new(AppRow::default());
    let room = hall();
    node.create(room);
    let (alice, bob) = (node.connect(0), node.connect(1));
    let first = node.log_in(alice, "alice", room, None);
    let entered = first.enter.clone().expect("the room answers with the login");
    assert_eq!((first.code, entered.code, first.resumed), (0, 0, false));
    assert_eq!(node.log_in(bob, "bob", room, None).code, 0);
    node.heard(alice);

    node.send(alice, 2, &text(room, "hello"));
    assert_eq!(node.messages(bob), ["hello"]);
    let seq = node.heard(alice).into_iter().find_map(|packet| match packet {
        Packet::Response { sequence: 2, response: Response::MessageSend(sent) } => Some(sent.seq),
        _ => None,
    });
    let last_seq = seq.expect("the message is acknowledged");
    assert_eq!(node.log[&room].last().unwrap().entry.seq.0, last_seq, "what is acknowledged is in the log");

    node.lose(alice);
    assert_eq!(node.fronts[0].want(alice), Some(Want::Removal));
    node.fronts[0].remove(alice);
    node.settle();
    assert_eq!(node.fronts[0].want(alice), None);
    node.send(bob, 2, &text(room, "missed"));
    assert!(node.messages(bob).is_empty(), "nobody hears of a lost connection before the grace is over");

    let back = node.connect(0);
    let epoch = entered.epoch;
    let position = pb::RoomPosition { room_id: room.get(), epoch, last_seq };
    let resume = pb::Resume { token: first.resume_token.clone(), rooms: vec![position] };
    node.fronts[0].line(back).unwrap().written.clear();
    let enter = Some(pb::RoomEnterRequest { room_id: room.get(), ..Default::default() });
    let request = pb::LoginRequest { enter, resume: Some(resume), ..login("alice") };
    node.send(back, 1, &Request::Login(Box::new(request)));
    let heard = node.heard(back);
    let Some(Packet::Response { response: Response::Login(answer), .. }) = heard.first() else { panic!("a login: {heard:?}") };
    assert!(answer.resumed && answer.enter.as_ref().is_some_and(|enter| enter.resumed && !enter.gap && enter.replayed == 1));
    assert_eq!(answer.connection_id, first.connection_id);
    let Some(Packet::Push(Push::Message(missed))) = heard.get(1) else { panic!("what was missed comes next: {heard:?}") };
    assert_eq!((&missed.body[..], heard.len()), (&b"missed"[..], 2));

    let kick = pb::MemberKickRequest { room_id: room.get(), account: "alice".into(), ..Default::default() };
    node.command("boss", room, Op::Kick(kick)).expect("the boss may");
    let heard = node.heard(back);
    assert!(heard.iter().any(|packet| matches!(packet, Packet::Push(Push::Kicked(_)))), "{heard:?}");
    assert_eq!(node.fronts[0].want(back), Some(Want::Finish));
    node.fronts[0].on_finished(back);
    assert_eq!(node.fronts[0].want(back), Some(Want::Input { write: false }), "until the peer has closed too");
    node.lose(back);
    node.fronts[0].remove(back);
    node.send(bob, 3, &text(room, "alone"));
    node.heard(bob);
    assert_eq!((node.fronts[0].connections(), node.fronts[1].connections()), (0, 1));
    node
}

#[test]
fn login_enter_send_resume_and_kick_need_no_runtime() {
    play();
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    assert_eq!(play().transcript, play().transcript);
}

#[test]
fn a_message_waits_for_the_word_of_the_application_and_what_stands_behind_it_too() {
    let mut node = Node::new(AppRow { is_asked_about_sends: Some(Unanswered::Refused), ..AppRow::default() });
    let room = hall();
    node.create(room);
    let alice = node.connect(0);
    assert_eq!(node.log_in(alice, "alice", room, None).code, 0);
    node.send(alice, 2, &text(room, "hello"));
    node.send(alice, 3, &Request::RoomInfo(pb::RoomInfoRequest { room_id: room.get() }));
    assert!(node.heard(alice).is_empty(), "neither is answered");
    let (worker, call) = node.calls.pop().expect("the application is asked");
    assert!(node.calls.is_empty() && call.called.app_key() == "demo");
    let verdict = Verdict { code: 200, expire_at_ms: None, body: Some("good day".into()) };
    node.fronts[worker].on_verdict(call.called, Ok(verdict));
    node.settle();
    let heard = node.heard(alice);
    let answered = heard.iter().filter_map(|packet| match packet {
        Packet::Response { sequence, .. } => Some(*sequence),
        _ => None,
    });
    let mut answered: Vec<u32> = answered.collect();
    answered.sort_unstable();
    assert_eq!(answered, [2, 3]);
    let body = node.log[&room].last().and_then(|record| match &record.entry.command.op {
        Op::Send(sent) => Some(sent.body.clone()),
        _ => None,
    });
    assert_eq!(body.as_deref(), Some(&b"good day"[..]));
}

#[test]
fn a_line_that_is_full_is_written_on_when_it_takes_bytes_again() {
    let mut node = Node::new(AppRow::default());
    let room = hall();
    node.create(room);
    let alice = node.connect(0);
    assert_eq!(node.log_in(alice, "alice", room, None).code, 0);
    node.fronts[0].line(alice).unwrap().is_full = true;
    node.send(alice, 2, &text(room, "hello"));
    assert!(node.heard(alice).is_empty());
    assert_eq!(node.fronts[0].want(alice), Some(Want::Input { write: true }));
    node.fronts[0].line(alice).unwrap().is_full = false;
    node.fronts[0].on_writable(alice);
    node.settle();
    let heard = node.heard(alice);
    assert!(heard.iter().any(|packet| matches!(packet, Packet::Response { sequence: 2, .. })), "{heard:?}");
    assert_eq!(node.fronts[0].want(alice), Some(Want::Input { write: false }));
}

#[test]
fn an_account_puts_its_other_devices_out_whatever_worker_holds_them() {
    let mut node = Node::new(AppRow::default());
    let room = hall();
    node.create(room);
    let (phone, desktop) = (node.connect(0), node.connect(1));
    assert_eq!(node.log_in(phone, "alice", room, None).code, 0);
    node.send(desktop, 1, &Request::Login(Box::new(pb::LoginRequest { device_id: "desktop".into(), ..login("alice") })));
    node.heard(desktop);
    node.heard(phone);
    let devices = pb::KickDevicesRequest { device_ids: vec!["alice".into()] };
    node.send(desktop, 2, &Request::KickDevices(devices));
    let answered = node.heard(desktop);
    assert!(matches!(answered[..], [Packet::Response { sequence: 2, response: Response::KickDevices(_) }]), "{answered:?}");
    let told = node.heard(phone);
    assert!(told.iter().any(|packet| matches!(packet, Packet::Push(Push::Kicked(_)))), "{told:?}");
    assert_eq!(node.fronts[0].want(phone), Some(Want::Finish));
}

#[test]
fn a_login_waits_for_the_word_of_the_application_and_not_for_one_that_comes_too_late() {
    let mut node = Node::new(AppRow { is_asked_about_logins: true, ..AppRow::default() });
    let by_callback = || {
        let auth_type = pb::AuthType::Callback.into();
        Request::Login(Box::new(pb::LoginRequest { auth_type, ..login("alice") }))
    };
    let said = |code| Ok(Verdict { code, expire_at_ms: None, body: None });
    let (first, second, third) = (node.connect(0), node.connect(0), node.connect(0));
    for id in [first, second, third] {
        node.send(id, 1, &by_callback());
        assert!(node.heard(id).is_empty(), "it waits");
    }
    let [one, two, three] = std::mem::take(&mut node.calls).try_into().unwrap_or_else(|_| panic!("each is asked about"));
    node.fronts[0].on_verdict(one.1.called, said(200));
    node.fronts[0].on_verdict(two.1.called, said(404));
    node.lose(third);
    node.fronts[0].remove(third);
    node.fronts[0].on_verdict(three.1.called, said(200));
    node.settle();
    let code = |heard: Vec<Packet>| match &heard[..] {
        [Packet::Response { sequence: 1, response: Response::Login(login) }] => login.code,
        other => panic!("one answer: {other:?}"),
    };
    assert_eq!((code(node.heard(first)), code(node.heard(second))), (0, 302));
    assert_eq!(node.fronts[0].want(first), Some(Want::Input { write: false }));
    assert_eq!(node.fronts[0].want(second), Some(Want::Finish));
    assert_eq!(node.fronts[0].want(third), None);
}

#[test]
fn who_does_not_log_in_in_time_is_told_so_and_everybody_when_the_node_goes_down() {
    let mut node = Node::new(AppRow::default());
    let room = hall();
    node.create(room);
    let (alice, silent) = (node.connect(1), node.connect(1));
    assert_eq!(node.log_in(alice, "alice", room, None).code, 0);
    node.heard(alice);
    node.now_ms += SessionConfig::default().login_timeout_ms;
    node.set_clock(1);
    node.fronts[1].on_tick();
    node.settle();
    assert!(matches!(node.heard(silent)[..], [Packet::Push(Push::Kicked(_))]));
    assert_eq!(node.fronts[1].want(silent), Some(Want::Finish));
    assert!(node.heard(alice).is_empty());
    node.inboxes[1].drain = true;
    node.settle();
    assert!(matches!(node.heard(alice)[..], [Packet::Push(Push::Kicked(_))]));
    assert_eq!(node.fronts[1].want(alice), Some(Want::Finish));
}
