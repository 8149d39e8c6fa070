//! Turns arbitrary bytes into a room's life and checks after every step what must always hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::command::{Actor, Command, Create, Enter, Op, Origin, Query, Stamp};
use super::entry::{Entry, Outcome, Presence};
use super::settings::Settings;
use super::state::Room;
use crate::id::{AccountId, ConnId, Epoch, RoomId, UnixMs};
use crate::wire::{Push, pb, store};

const ACCOUNTS: [&str; 6] = ["boss", "alice", "bob", "carol", "anon_1", "dave"];

/// Applies the commands that `data` stands for to a room, and panics if anything breaks a promise of the room: a place of the
/// log is used exactly when something came of a command, a refused command leaves no trace, counts fit the connections, the
/// snapshot restores the state, the same entries have the same outcomes, and the log replayed gives the same state.
#[doc(hidden)]
pub fn fuzz_commands(data: &[u8]) {
    let mut draw = Draw(data);
    let mut life = Life::new(draw.flag());
    for place in 0..draw.below(7) {
        let enter = Enter {
            app_key: "app".into(),
            ..Enter::from_request(pb::RoomEnterRequest { nick: "n".into(), ..Default::default() })
        };
        let account = ACCOUNTS[usize::from(place)];
        life.step(Command { actor: actor(account, Some(place), Origin::Member), op: Op::Enter(Box::new(enter)) });
    }
    while !draw.0.is_empty() {
        let command = draw.command();
        life.time_ms += i64::from(draw.byte()) * 7;
        life.step(command);
        if draw.below(16) == 0 {
            life.saved = life.room.snapshot();
        }
    }
    life.check_replay();
}

/// A room, and what was learned about it from its outcomes.
struct Life {
    room: Room,
    /// Lives through the same entries, and must come to the same.
    twin: Room,
    settings: Arc<Settings>,
    log: Vec<Entry>,
    /// The lasting state at some moment of this life.
    saved: Vec<u8>,
    here: BTreeSet<ConnId>,
    time_ms: i64,
    random: u64,
}

impl Life {
    fn new(is_strict: bool) -> Life {
        let mut settings = Settings { fixed_members_max: 4, connections_per_account_max: 2, ..Settings::default() };
        if !is_strict {
            settings = Settings { sends_per_second: 0, anonymous_enabled: false, ..settings };
        }
        let settings = Arc::new(settings);
        let new = || Room::new(RoomId::new(7).expect("7 is positive"), settings.clone());
        let mut life = Life {
            room: new(),
            twin: new(),
            saved: new().snapshot(),
            settings,
            log: Vec::new(),
            here: BTreeSet::new(),
            time_ms: 1_700_000_000_000,
            random: 1,
        };
        life.step(Command { actor: actor("boss", None, Origin::Http), op: Op::Exit });
        life.step(Command { actor: actor("boss", None, Origin::Http), op: Op::Create(Box::new(create())) });
        life
    }

    fn step(&mut self, command: Command) {
        let mut waiting = vec![command];
        while let Some(command) = waiting.pop() {
            let mut follow_ups = self.apply(command);
            follow_ups.reverse();
            waiting.extend(follow_ups);
        }
    }

    fn apply(&mut self, command: Command) -> Vec<Command> {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let stamp = Stamp { time: UnixMs(self.time_ms), random: self.random >> 20 };
        let entry = Entry { seq: self.room.next_seq(), epoch: Epoch(3), stamp, command };
        let before = (self.room.snapshot(), self.room.connections(), self.room.online_count());
        let result = self.room.apply(&entry);
        assert_eq!(result, self.twin.apply(&entry), "the same entry has the same outcome in the same state");
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(status) => {
                assert!(!status.is_ok(), "a refusal has a reason");
                assert_eq!(self.room.next_seq(), entry.seq, "a refused command takes no place");
                assert_eq!((self.room.snapshot(), self.room.connections(), self.room.online_count()), before);
                return Vec::new();
            }
        };
        let is_placed = outcome.push.is_some() || outcome.durable;
        assert_eq!(self.room.next_seq(), if is_placed { entry.seq.next() } else { entry.seq });
        assert!(outcome.durable || !outcome.in_history, "what the history holds is in the log");
        self.check_push(&entry, &outcome);
        self.follow_presence(&outcome);
        if outcome.durable {
            self.log.push(stored(&entry, &outcome));
        }
        self.check_state();
        outcome.follow_ups
    }

    fn check_push(&self, entry: &Entry, outcome: &Outcome) {
        let carried = match &outcome.push {
            Some(Push::Message(message)) => (message.room_id, message.seq, message.epoch, message.time_ms),
            Some(Push::Notification(notice)) => (notice.room_id, notice.seq, notice.epoch, notice.time_ms),
            Some(other) => panic!("a room pushes nothing like {other:?}"),
            None => return,
        };
        assert_eq!(carried, (self.room.id().get(), entry.seq.0, entry.epoch.0, entry.stamp.time.0));
    }

    fn follow_presence(&mut self, outcome: &Outcome) {
        for presence in &outcome.presence {
            match presence {
                Presence::Joined(connection) => assert!(self.here.insert(*connection)),
                Presence::Left(connection) => assert!(self.here.remove(connection)),
                Presence::Resumed { connection, replaces } => {
                    assert!(self.here.remove(replaces) && self.here.insert(*connection));
                }
            }
        }
        for kick in &outcome.kicks {
            assert!(outcome.presence.contains(&Presence::Left(kick.connection)), "who is kicked has left");
        }
    }

    fn check_state(&self) {
        assert_eq!(self.room.connections(), self.here.len());
        self.room.people.assert_consistent(|account| self.room.roster.record(account).is_some());
        self.room.queue.assert_consistent();
        assert!(self.room.roster.len() <= self.settings.fixed_members_max);
        let snapshot = self.room.snapshot();
        let restored = Room::restore(self.room.id(), self.settings.clone(), &snapshot).expect("our own snapshot is readable");
        assert_eq!(restored.snapshot(), snapshot);
        assert_eq!(restored.next_seq(), self.room.next_seq());
        let queries = [
            Query::Info(pb::RoomInfoRequest::default()),
            Query::Members(pb::MemberListRequest { query: 3, limit: 2, ..Default::default() }),
            Query::QueueList(pb::QueueListRequest::default()),
        ];
        for query in &queries {
            let _ = self.room.query(UnixMs(self.time_ms), &actor("boss", None, Origin::Http), query);
        }
    }

    fn check_replay(&self) {
        assert_eq!(self.room.snapshot(), self.twin.snapshot());
        let new = Room::new(self.room.id(), self.settings.clone());
        let saved = Room::restore(self.room.id(), self.settings.clone(), &self.saved).expect("our own snapshot is readable");
        for mut replayed in [new, saved] {
            self.log.iter().for_each(|entry| replayed.replay(entry));
            assert_eq!(lasting(&replayed), lasting(&self.room));
            assert!(replayed.next_seq() <= self.room.next_seq());
        }
    }
}

/// What must be equal after a replay: presence takes places and times too, but is not in the log.
fn lasting(room: &Room) -> store::Snapshot {
    let mut snapshot = store::Snapshot::decode(&*room.snapshot()).expect("our own snapshot is readable");
    (snapshot.last_seq, snapshot.last_time_ms) = (0, 0);
    snapshot.epoch = 0;
    snapshot.members.iter_mut().for_each(|member| member.enter_time_ms = 0);
    snapshot
}

/// The entry as the log gives it back.
fn stored(entry: &Entry, outcome: &Outcome) -> Entry {
    let op = outcome.kept.as_deref().unwrap_or(&entry.command.op).clone();
    let command = Command { op, ..entry.command.clone() };
    let command = match (command.to_store(), &outcome.push) {
        (Some(stored), _) => Command::from_store(stored).expect("what was stored is readable"),
        (None, Some(Push::Message(message))) => Command::send_from_message(message),
        (None, other) => panic!("a lasting command has no stored form: {other:?}"),
    };
    Entry { command, ..entry.clone() }
}

fn actor(account: &str, connection: Option<u8>, origin: Origin) -> Actor {
    Actor {
        account: AccountId::parse(account).expect("the name is well-formed"),
        connection: connection.map(|number| ConnId::new(0, u32::from(number), u32::from(number))),
        origin,
        anonymous: account.starts_with("anon_"),
        globally_muted: account == "dave",
        client_type: 16,
    }
}

fn create() -> Create {
    Create {
        app_key: "app".into(),
        creator: AccountId::parse(ACCOUNTS[0]).expect("the name is well-formed"),
        name: "hall".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    }
}

/// Bytes, read as choices; when they end, every choice is the first one.
struct Draw<'a>(&'a [u8]);

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    fn account(&mut self) -> String {
        ACCOUNTS.get(usize::from(self.below(7))).unwrap_or(&"").to_string()
    }

    fn key(&mut self) -> String {
        ["", "a", "b", "c", &"k".repeat(129)].get(usize::from(self.below(5))).copied().unwrap_or_default().to_string()
    }

    fn text(&mut self) -> Option<String> {
        match self.below(16) {
            0 => Some("x".repeat(4097)),
            1..=4 => None,
            5..=7 => Some(String::new()),
            _ => Some(format!("text {}", self.below(3))),
        }
    }

    fn command(&mut self) -> Command {
        // The creator acts more often than others, so that more of what is tried is allowed.
        let place = match self.below(18) {
            place @ 0..12 => place,
            place => place % 2 * 6,
        };
        let account = ACCOUNTS[usize::from(place % 6)];
        let (origin, connection) = match self.below(10) {
            0 => (Origin::Http, None),
            1 => (Origin::Server, Some(place)),
            // A connection belongs to one account for its whole life.
            2 => (Origin::Member, Some(place % 6 + 6 * self.below(4))),
            _ => (Origin::Member, Some(place)),
        };
        Command { actor: actor(account, connection, origin), op: self.op() }
    }

    fn op(&mut self) -> Op {
        match self.below(26) {
            24 | 25 => Op::SetRole(pb::MemberSetRoleRequest {
                account: self.account(),
                change: 1 + i32::from(self.below(4)),
                set: self.flag(),
                ..Default::default()
            }),
            0 => Op::Create(Box::new(create())),
            1..=5 => Op::Enter(Box::new(self.enter())),
            6 => Op::Exit,
            7 => Op::Detach,
            8 => Op::Update(Box::new(pb::RoomUpdateRequest {
                name: self.text(),
                announcement: self.text(),
                queue_level: Some(u32::from(self.below(3))),
                in_out_notification: self.flag().then(|| self.flag()),
                silent: self.flag(),
                ..Default::default()
            })),
            9 if self.below(4) == 0 => Op::Close(pb::RoomCloseRequest::default()),
            9 | 10 => Op::Reopen,
            11 => Op::MuteRoom(pb::RoomMuteRequest { mute: self.flag(), silent: self.flag(), ..Default::default() }),
            12 | 13 => Op::SetRole(pb::MemberSetRoleRequest {
                account: self.account(),
                change: i32::from(self.below(5)),
                set: self.below(3) > 0,
                level: u32::from(self.below(3)),
                ..Default::default()
            }),
            14 => Op::Kick(pb::MemberKickRequest { account: self.account(), ..Default::default() }),
            15 => Op::TempMute(pb::MemberTempMuteRequest {
                account: self.account(),
                seconds: u32::from(self.below(3)),
                silent: self.flag(),
                ..Default::default()
            }),
            16 => Op::UpdateSelf(Box::new(pb::MemberUpdateSelfRequest {
                nick: self.text(),
                ext: self.text(),
                save: self.flag(),
                silent: self.flag(),
                ..Default::default()
            })),
            17 | 18 => Op::Send(Box::new(self.message())),
            19 => Op::QueueInit(pb::QueueInitRequest { room_id: 7, size_limit: self.flag().then_some(2) }),
            20 => Op::QueueOffer(Box::new(pb::QueueOfferRequest {
                key: self.key(),
                value: Bytes::from_static(b"v"),
                transient: self.flag(),
                owner: self.account(),
                ..Default::default()
            })),
            21 => Op::QueueBatchOffer(pb::QueueBatchOfferRequest {
                elements: self.elements(),
                notify: self.flag(),
                ..Default::default()
            }),
            22 => Op::QueuePoll(pb::QueuePollRequest { room_id: 7, key: self.key() }),
            _ if self.flag() => Op::QueueDrop(pb::QueueDropRequest::default()),
            _ => Op::QueueChange(pb::QueueChangeRequest {
                elements: self.elements(),
                notify: self.flag(),
                notify_ext: "why".into(),
                ..Default::default()
            }),
        }
    }

    fn enter(&mut self) -> Enter {
        let request = pb::RoomEnterRequest {
            nick: self.text().unwrap_or_default(),
            ext: self.text().unwrap_or_default(),
            ..Default::default()
        };
        let replaced = self.below(16);
        Enter {
            app_key: if self.below(16) == 0 { "other".into() } else { "app".into() },
            account_nick: "nick".into(),
            device_id: ["", "phone", "desk"][usize::from(self.below(3))].into(),
            replaces: self.flag().then(|| ConnId::new(0, u32::from(replaced), u32::from(replaced))),
            ..Enter::from_request(request)
        }
    }

    fn message(&mut self) -> pb::MessageSendRequest {
        let attach = ["{\"lng\":1,\"lat\":2,\"title\":\"t\"}", "{}", "", "["][usize::from(self.below(4))];
        pb::MessageSendRequest {
            message_id: format!("m{}", self.below(4)),
            r#type: [0, 1, 4, 5, 10, 100, 7][usize::from(self.below(7))],
            body: self.text().unwrap_or_default().into(),
            attach: Bytes::from_static(attach.as_bytes()),
            resend: self.flag(),
            skip_history: self.flag(),
            abandon_ratio: (self.below(4) == 0).then_some(5000),
            to_accounts: if self.below(4) == 0 { vec![self.account()] } else { Vec::new() },
            ..Default::default()
        }
    }

    fn elements(&mut self) -> Vec<pb::QueueElement> {
        let count = self.below(4);
        let mut element =
            || pb::QueueElement { key: self.key(), value: Bytes::new(), owner: String::new(), transient: self.flag() };
        (0..count).map(|_| element()).collect()
    }
}
