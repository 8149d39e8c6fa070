//! One room, and somebody to give its entries their places: what the tests of the room share.

use std::sync::Arc;

use chatroom::error::{Code, Status};
use chatroom::id::{AccountId, ConnId, Epoch, RoomId, UnixMs};
use chatroom::room::{Actor, Command, Create, Enter, Entry, Op, Origin, Outcome, Presence, Query, Room, Settings, Stamp};
use chatroom::wire::pb::{self, NotificationType, RoleChange};
use chatroom::wire::{Push, Response, store};
use prost::Message as _;

pub const START_MS: i64 = 1_800_000_000_000;

/// A room that "boss" has created, and its clock.
pub struct World {
    pub room: Room,
    pub settings: Arc<Settings>,
    pub time_ms: i64,
    pub random: u64,
    /// Everything that belongs in the log.
    pub log: Vec<Entry>,
    /// What the follow-ups of the last command came to.
    pub consequences: Vec<Outcome>,
    next_connection: u32,
}

impl World {
    pub fn new() -> World {
        World::with(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() })
    }

    pub fn with(settings: Settings) -> World {
        let mut world = World::nothing(settings);
        world.apply(&http("boss"), Op::Create(Box::new(create()))).expect("a room can be created");
        world
    }

    /// A room that does not exist yet.
    pub fn nothing(settings: Settings) -> World {
        World::numbered(RoomId::new(7).unwrap(), settings)
    }

    /// A room made by a client that does not exist yet.
    pub fn of_client(settings: Settings) -> World {
        World::numbered(RoomId::of_client(7 << 2), settings)
    }

    fn numbered(id: RoomId, settings: Settings) -> World {
        let settings = Arc::new(settings);
        World {
            room: Room::new(id, settings.clone()),
            settings,
            time_ms: START_MS,
            random: 0,
            log: Vec::new(),
            consequences: Vec::new(),
            next_connection: 1,
        }
    }

    pub fn apply(&mut self, actor: &Actor, op: Op) -> Result<Outcome, Status> {
        let outcome = self.place(Command { actor: actor.clone(), op })?;
        self.consequences.clear();
        let mut follow_ups: std::collections::VecDeque<_> = outcome.follow_ups.clone().into();
        while let Some(command) = follow_ups.pop_front() {
            let consequence = self.place(command).expect("a consequence is not refused");
            follow_ups.extend(consequence.follow_ups.clone());
            self.consequences.push(consequence);
        }
        Ok(outcome)
    }

    /// Lets the room do what it does by itself by now, as its owner does once a second; gives what that came to.
    pub fn tick(&mut self) -> Vec<Outcome> {
        let mut done = Vec::new();
        while let Some(command) = self.room.due(UnixMs(self.time_ms)) {
            done.push(self.apply(&command.actor, command.op).expect("what is due is not refused"));
        }
        done
    }

    fn place(&mut self, command: Command) -> Result<Outcome, Status> {
        let stamp = Stamp { time: UnixMs(self.time_ms), clock: UnixMs(self.time_ms), random: self.random };
        let entry = Entry { seq: self.room.next_seq(), epoch: Epoch(5), stamp, command };
        let outcome = self.room.apply(&entry)?;
        if outcome.durable {
            self.log.push(stored(&entry, &outcome));
        }
        Ok(outcome)
    }

    /// The room as the log alone gives it.
    pub fn replayed(&self) -> Room {
        let mut replayed = Room::new(self.room.id(), self.settings.clone());
        self.log.iter().for_each(|entry| replayed.replay(entry));
        replayed
    }

    /// Fails unless the log and the snapshot each give the lasting state.
    pub fn assert_lasting(&self) {
        let restored = Room::restore(self.room.id(), self.settings.clone(), &self.room.snapshot()).expect("our own snapshot");
        assert_eq!(restored.snapshot(), self.room.snapshot(), "the snapshot restores the state");
        assert_eq!(lasting(&self.replayed()), lasting(&self.room), "the log restores the state");
    }

    /// A new connection of the account, in the room from now on.
    pub fn enter(&mut self, account: &str) -> Actor {
        let actor = self.connection(account);
        self.apply(&actor, Op::Enter(Box::new(enter("")))).expect("the account may enter");
        actor
    }

    /// A new connection of the account, not in the room.
    pub fn connection(&mut self, account: &str) -> Actor {
        self.next_connection += 1;
        let connection = ConnId::new(0, self.next_connection, self.next_connection);
        Actor { connection: Some(connection), origin: Origin::Member, client_type: 16, ..http(account) }
    }

    pub fn code(&mut self, actor: &Actor, op: Op) -> Code {
        match self.apply(actor, op) {
            Ok(_) => Code::Ok,
            Err(status) => status.code,
        }
    }

    pub fn query(&self, actor: &Actor, query: &Query) -> Result<Response, Status> {
        self.room.query(UnixMs(self.time_ms), actor, query)
    }

    pub fn member(&self, asking: &Actor, account: &str) -> Option<pb::Member> {
        let accounts = vec![account.into()];
        match self.query(asking, &Query::Lookup(pb::MemberLookupRequest { room_id: 7, accounts })) {
            Ok(Response::MemberLookup(mut found)) => found.members.pop(),
            other => panic!("a look-up answers {other:?}"),
        }
    }

    pub fn info(&self) -> pb::RoomInfo {
        match self.query(&http("boss"), &Query::Info(pb::RoomInfoRequest { room_id: 7 })) {
            Ok(Response::RoomInfo(info)) => info.room.expect("the answer holds the room"),
            other => panic!("the room answers {other:?}"),
        }
    }

    pub fn set_role(&mut self, actor: &Actor, account: &str, change: RoleChange, set: bool) -> Result<Outcome, Status> {
        self.apply(actor, Op::SetRole(role(account, change, set)))
    }
}

/// Whatever a test did to a room: its log, read back as it is stored and replayed, gives the same room.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        assert_eq!(lasting(&self.replayed()), lasting(&self.room), "the log replayed gives the same room");
    }
}

/// The lasting state, without what presence leaves in it: presence takes places and times, but is not in the log.
pub fn lasting(room: &Room) -> store::Snapshot {
    let mut state = store::Snapshot::decode(&*room.snapshot()).expect("a room's own snapshot is readable");
    (state.last_seq, state.last_time_ms, state.last_clock_ms, state.epoch) = (0, 0, 0, 0);
    state.members.iter_mut().for_each(|member| member.enter_time_ms = 0);
    state
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

pub fn http(account: &str) -> Actor {
    Actor {
        account: AccountId::parse(account).unwrap(),
        connection: None,
        origin: Origin::Http,
        anonymous: false,
        globally_muted: false,
        names_nobody: false,
        client_type: 32,
        on_behalf: None,
    }
}

pub fn create() -> Create {
    Create {
        app_key: "app".into(),
        creator: AccountId::parse("boss").unwrap(),
        name: "hall".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    }
}

pub fn enter(nick: &str) -> Enter {
    let request = pb::RoomEnterRequest { room_id: 7, nick: nick.into(), ..Default::default() };
    Enter { app_key: "app".into(), ..Enter::from_request(request) }
}

pub fn role(account: &str, change: RoleChange, set: bool) -> pb::MemberSetRoleRequest {
    pb::MemberSetRoleRequest { room_id: 7, account: account.into(), change: change as i32, set, ..Default::default() }
}

pub fn text(id: &str, body: &str) -> pb::MessageSendRequest {
    pb::MessageSendRequest { room_id: 7, message_id: id.into(), body: body.to_owned().into(), ..Default::default() }
}

pub fn send(message: pb::MessageSendRequest) -> Op {
    Op::Send(Box::new(message))
}

pub fn message(outcome: &Outcome) -> &pb::Message {
    match &outcome.push {
        Some(Push::Message(message)) => message,
        other => panic!("a message was expected, not {other:?}"),
    }
}

pub fn notice(outcome: &Outcome) -> &pb::Notification {
    match &outcome.push {
        Some(Push::Notification(notice)) => notice,
        other => panic!("a notification was expected, not {other:?}"),
    }
}

pub fn kind(outcome: &Outcome) -> NotificationType {
    notice(outcome).r#type()
}

pub fn left(outcome: &Outcome) -> Vec<ConnId> {
    let left = |presence: &Presence| match presence {
        Presence::Left(connection) => Some(*connection),
        _ => None,
    };
    outcome.presence.iter().filter_map(left).collect()
}
