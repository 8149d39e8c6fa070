//! What is measured of a room: a stage with so many members, and the operations that are played on it. Every case leaves the
//! room as it found it, so that it can be played for ever.

use std::hint::black_box;
use std::sync::Arc;

use chatroom::id::{AccountId, ConnId, Epoch, RoomId, UnixMs};
use chatroom::room::{Actor, Command, Create, Enter, Entry, Op, Origin, Query, Room, Settings, Stamp};
use chatroom::wire::pb;

const BEGIN_MS: i64 = 1_800_000_000_000;

/// One operation, there and back.
pub struct Case {
    pub name: &'static str,
    pub run: fn(&mut Stage),
}

/// A room, and who plays on it. Members come one a millisecond, so that lists have places to page from.
pub struct Stage {
    room: Room,
    members: u32,
    count: u64,
    time_ms: i64,
}

/// Rates are off: a bench asks faster than anybody may.
pub fn settings() -> Arc<Settings> {
    Arc::new(Settings { sends_per_second: 0, room_intake_per_second: 0, ..Settings::default() })
}

impl Stage {
    pub fn new(members: u32) -> Stage {
        let room = Room::new(RoomId::new(1).expect("1 is positive"), settings());
        let mut stage = Stage { room, members, count: 0, time_ms: BEGIN_MS };
        stage.apply(actor(0), Op::Create(Box::new(create())));
        for number in 0..members {
            stage.enter(number);
        }
        stage
    }

    /// A member that differs from run to run, all over the room: its memory is as cold as that of any member.
    fn anybody(&mut self) -> u32 {
        self.count += 1;
        // Not the creator, who cannot be muted. The multiplication goes through all of them before one comes again.
        1 + ((self.count * 0x9E37_79B1) % u64::from(self.members - 1)) as u32
    }

    fn entry(&self, actor: Actor, op: Op) -> Entry {
        let stamp = Stamp { time: UnixMs(self.time_ms), clock: UnixMs(self.time_ms), random: self.count };
        Entry { seq: self.room.next_seq(), epoch: Epoch(1), stamp, command: Command { actor, op } }
    }

    fn apply(&mut self, actor: Actor, op: Op) {
        let entry = self.entry(actor, op);
        let outcome = self.room.apply(&entry).expect("the command is in order");
        for command in black_box(outcome).follow_ups {
            self.apply(command.actor, command.op);
        }
    }

    /// Somebody comes, at a time of its own.
    fn enter(&mut self, member: u32) {
        self.time_ms += 1;
        self.apply(actor(member), enter());
    }

    fn ask(&mut self, query: &Query) {
        let asking = actor(0);
        black_box(self.room.query(UnixMs(self.time_ms), &asking, query).expect("the question is in order"));
    }
}

fn name(number: u32) -> String {
    format!("member-{number:08}")
}

fn actor(number: u32) -> Actor {
    Actor {
        account: AccountId::parse(&name(number)).expect("the name is well-formed"),
        connection: Some(ConnId::new(0, number, number & 0x00FF_FFFF)),
        origin: Origin::Member,
        anonymous: false,
        globally_muted: false,
        names_nobody: false,
        client_type: 16,
        on_behalf: None,
    }
}

fn create() -> Create {
    Create {
        app_key: "app".into(),
        creator: actor(0).account,
        name: "bench".into(),
        announcement: None,
        broadcast_url: String::new(),
        ext: String::new(),
        queue_level: 0,
        moderation_id: String::new(),
        silent_in_out: false,
    }
}

fn enter() -> Op {
    let request = pb::RoomEnterRequest { room_id: 1, ..Default::default() };
    Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
}

fn set_role(member: u32, change: pb::RoleChange, set: bool) -> Op {
    let account = name(member);
    Op::SetRole(pb::MemberSetRoleRequest { room_id: 1, account, change: change as i32, set, ..Default::default() })
}

fn temp_mute(member: u32, seconds: u32) -> Op {
    Op::TempMute(pb::MemberTempMuteRequest { room_id: 1, account: name(member), seconds, ..Default::default() })
}

fn tags(tags: &[&str]) -> Op {
    let tags = tags.iter().map(|tag| tag.to_string()).collect();
    Op::UpdateTags(Box::new(pb::MemberUpdateTagsRequest { room_id: 1, tags, set_tags: true, ..Default::default() }))
}

fn message(count: u64) -> Op {
    Op::Send(Box::new(pb::MessageSendRequest {
        room_id: 1,
        message_id: format!("0b5a1c9e-{count:027}"),
        body: vec![b'x'; 100].into(),
        ..Default::default()
    }))
}

fn offer(count: u64) -> Op {
    Op::QueueOffer(Box::new(pb::QueueOfferRequest {
        room_id: 1,
        key: format!("seat {}", count % 1000),
        value: vec![b'v'; 64].into(),
        ..Default::default()
    }))
}

fn page(stage: &Stage, query: pb::MemberQuery, time_ms: i64) -> Query {
    debug_assert!(stage.members > 1);
    Query::Members(pb::MemberListRequest { room_id: 1, query: query as i32, time_ms, limit: 20, ..Default::default() })
}

/// In the order in which the table prints them.
pub const CASES: &[Case] = &[
    Case {
        name: "send",
        run: |stage| {
            let sender = stage.anybody();
            stage.time_ms += 1;
            stage.apply(actor(sender), message(stage.count));
        },
    },
    Case {
        name: "leave and enter again",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(member), Op::Exit);
            stage.enter(member);
        },
    },
    Case {
        name: "kick and enter again",
        run: |stage| {
            let member = stage.anybody();
            let kick = pb::MemberKickRequest { room_id: 1, account: name(member), ..Default::default() };
            stage.apply(actor(0), Op::Kick(kick));
            stage.enter(member);
        },
    },
    Case {
        name: "mute and unmute",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(0), set_role(member, pb::RoleChange::Mute, true));
            stage.apply(actor(0), set_role(member, pb::RoleChange::Mute, false));
        },
    },
    Case {
        name: "mute for a while and lift",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(0), temp_mute(member, 60));
            stage.apply(actor(0), temp_mute(member, 0));
        },
    },
    Case {
        name: "mute and unmute the room",
        run: |stage| {
            for mute in [true, false] {
                let request = pb::RoomMuteRequest { room_id: 1, mute, ..Default::default() };
                stage.apply(actor(0), Op::MuteRoom(request));
            }
        },
    },
    Case {
        name: "become ordinary and visitor",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(0), set_role(member, pb::RoleChange::Common, true));
            stage.apply(actor(0), set_role(member, pb::RoleChange::Common, false));
        },
    },
    Case {
        name: "change the own profile",
        run: |stage| {
            let member = stage.anybody();
            let nick = Some(format!("nick {}", stage.count % 10));
            let request = pb::MemberUpdateSelfRequest { room_id: 1, nick, ..Default::default() };
            stage.apply(actor(member), Op::UpdateSelf(Box::new(request)));
        },
    },
    Case {
        name: "take a tag, be told by it, drop it",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(member), tags(&["one"]));
            let told = pb::MessageSendRequest {
                notify_target_tags: Some("{\"tag\":\"one\"}".into()),
                message_id: format!("to one {}", stage.count),
                body: "hello".into(),
                ..Default::default()
            };
            stage.apply(actor(0), Op::Send(Box::new(told)));
            stage.apply(actor(member), tags(&[]));
        },
    },
    Case {
        name: "stand somewhere and nowhere again",
        run: |stage| {
            let member = stage.anybody();
            for (x, enabled) in [(stage.count as f64, true), (0.0, false)] {
                let location = Some(pb::Location { x: Some(x), enabled: Some(enabled), ..Default::default() });
                stage.apply(actor(member), Op::UpdateLocation(pb::MemberUpdateLocationRequest { room_id: 1, location }));
            }
        },
    },
    Case {
        name: "queue: offer",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(member), offer(stage.count));
        },
    },
    Case {
        name: "queue: offer and poll",
        run: |stage| {
            let member = stage.anybody();
            stage.apply(actor(member), offer(stage.count));
            let key = format!("seat {}", stage.count % 1000);
            stage.apply(actor(member), Op::QueuePoll(pb::QueuePollRequest { room_id: 1, key }));
        },
    },
    Case { name: "members: first page, newest", run: |stage| stage.ask(&page(stage, pb::MemberQuery::VisitorsNewest, 0)) },
    Case {
        name: "members: a page in between",
        run: |stage| {
            let anchor = BEGIN_MS + i64::from(stage.anybody());
            stage.ask(&page(stage, pb::MemberQuery::VisitorsOldest, anchor));
        },
    },
    Case {
        name: "members: look 20 up",
        run: |stage| {
            let accounts = (0..20).map(|_| name(stage.anybody())).collect();
            stage.ask(&Query::Lookup(pb::MemberLookupRequest { room_id: 1, accounts }));
        },
    },
];

/// A log of so many entries as a busy room writes it, nine messages to one of everything else, and the state it comes to.
pub fn log_of(entries: usize) -> (Vec<Entry>, Vec<u8>) {
    let mut stage = Stage::new(2);
    let created = Stage { room: Room::new(RoomId::new(1).expect("1 is positive"), settings()), ..Stage::new(2) };
    let mut log = vec![created.entry(actor(0), Op::Create(Box::new(create())))];
    log[0].stamp.time = UnixMs(BEGIN_MS);
    while log.len() < entries {
        stage.count += 1;
        stage.time_ms += 1;
        let count = stage.count;
        // Everybody is muted once and unmuted once, then it begins anew.
        let change = count / 40 - u64::from(count >= 40);
        let target = 2 + (change % 500) as u32;
        let (who, op) = match count % 40 {
            0 => (0, set_role(target, pb::RoleChange::Mute, (change / 500).is_multiple_of(2))),
            10 => (1, offer(count)),
            20 => (0, temp_mute(1, 1 + (count % 600) as u32)),
            21 => (0, temp_mute(1, 0)),
            30 => (0, save_nick(count)),
            _ => (1, message(count)),
        };
        let entry = stage.entry(actor(who), op);
        if stage.room.apply(&entry).expect("the command is in order").durable {
            log.push(entry);
        }
    }
    (log, stage.room.snapshot())
}

fn save_nick(count: u64) -> Op {
    let nick = Some(format!("nick {count}"));
    Op::UpdateSelf(Box::new(pb::MemberUpdateSelfRequest { room_id: 1, nick, save: true, ..Default::default() }))
}
