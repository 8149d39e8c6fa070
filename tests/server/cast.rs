//! A room with a cast that watches what it is told: the creator on two devices, an administrator, a visitor on two devices, an
//! anonymous visitor, and an outsider in another room.
//!
//! After each cause a marker, who is an administrator of both rooms and does nothing else, sends a message; what a peer has heard
//! before that mark is all it hears of the cause.

use chatroom::wire::pb::{self, NotificationType, QueueEvent, RoleChange};
use chatroom::wire::{Push, Request};

use crate::support::ask;
use crate::support::peer::login;
use crate::support::{Peer, Server};

/// Who watches; each is a connection of the account before the slash.
pub const CAST: [&str; 6] = ["owner/1", "owner/2", "chief/1", "guest/1", "guest/2", "ghost/1"];

/// A room, its members, and somebody who is not one of them.
pub struct Stage {
    pub server: Server,
    pub room: i64,
    pub elsewhere: i64,
    pub members: Vec<(&'static str, Peer)>,
    pub outsider: Peer,
    pub marker: Peer,
    marks: u32,
}

pub fn account_of(member: &str) -> &str {
    member.split('/').next().unwrap_or(member)
}

pub fn nick_of(account: &str) -> String {
    format!("Nick of {account}")
}

/// A login of one of the cast.
pub fn login_of(member: &str, room: i64) -> pb::LoginRequest {
    let account = account_of(member);
    let anonymous = account == "ghost";
    let token = if anonymous { String::new() } else { login(account, None).token };
    let enter = pb::RoomEnterRequest { room_id: room, nick: nick_of(account), ..Default::default() };
    pb::LoginRequest { device_id: member.into(), anonymous, token, enter: Some(enter), ..login(account, None) }
}

pub fn join(server: &Server, member: &str, room: i64) -> Peer {
    join_with(server, login_of(member, room))
}

pub fn join_with(server: &Server, request: pb::LoginRequest) -> Peer {
    let (peer, answer) = Peer::log_in(server, request);
    assert_eq!(answer.code, 0, "{answer:?}");
    peer
}

impl Stage {
    /// A room that does not tell who comes and goes, with the whole cast in it.
    pub fn new() -> Stage {
        Stage::with(false)
    }

    /// The same; with `in_out` it does tell.
    pub fn with(in_out: bool) -> Stage {
        Stage::tagged(in_out, &[])
    }

    /// The same, with members of the cast that carry tags.
    pub fn tagged(in_out: bool, tags: &[(&str, &[&str])]) -> Stage {
        let server = Server::start_unlimited();
        let admin = server.admin();
        admin.create_user("owner");
        let room = match in_out {
            true => admin.create_room("owner", "the room"),
            false => admin.create_quiet_room("owner", "the room"),
        };
        let elsewhere = admin.create_quiet_room("owner", "another");
        let mut owner = join(&server, "owner/1", room);
        owner.done(ask::enter(elsewhere));
        let marker = {
            let mut marker = join(&server, "marker/1", room);
            for place in [room, elsewhere] {
                owner.done(ask::set_role(place, "marker", RoleChange::Administrator, true));
            }
            marker.done(ask::enter(elsewhere));
            marker
        };
        owner.done(ask::exit(elsewhere));
        let mut members = vec![("owner/1", owner)];
        let tags_of = |member: &str| tags.iter().find(|(tagged, _)| *tagged == member).map_or(&[][..], |(_, tags)| tags);
        members.extend(CAST[1..].iter().map(|member| {
            let mut request = login_of(member, room);
            if let Some(enter) = &mut request.enter {
                enter.tags = tags_of(member).iter().map(|tag| (*tag).to_owned()).collect();
            }
            (*member, join_with(&server, request))
        }));
        members[0].1.done(ask::set_role(room, "chief", RoleChange::Administrator, true));
        let outsider = join(&server, "outsider/1", elsewhere);
        let mut stage = Stage { server, room, elsewhere, members, outsider, marker, marks: 0 };
        stage.heard();
        stage
    }

    pub fn member(&mut self, name: &str) -> &mut Peer {
        let found = self.members.iter_mut().find(|(member, _)| *member == name);
        &mut found.unwrap_or_else(|| panic!("{name} is not of the cast")).1
    }

    pub fn owner(&mut self) -> &mut Peer {
        self.member("owner/1")
    }

    /// What each member has heard by now. The outsider must have heard nothing.
    pub fn heard(&mut self) -> Vec<(&'static str, Vec<Push>)> {
        self.marks += 1;
        let mark = format!("mark {}", self.marks);
        for room in [self.room, self.elsewhere] {
            self.marker.done(ask::send(pb::MessageSendRequest { skip_history: true, ..ask::text(room, &mark, "mark") }));
        }
        assert_eq!(until(&mut self.outsider, &mark), [], "the outsider hears of another room");
        self.members.iter_mut().map(|(name, peer)| (*name, until(peer, &mark))).collect()
    }

    /// Exactly these members have heard exactly this notification, and nobody anything else.
    pub fn expect(&mut self, receivers: &[&str], mut expected: pb::Notification) {
        let mut place = None;
        for (name, heard) in self.heard() {
            let heard: Vec<_> = heard.into_iter().map(notification).collect();
            if !receivers.contains(&name) {
                assert_eq!(heard, [], "{name} must hear nothing of {:?}", expected.r#type());
                continue;
            }
            let [heard] = &heard[..] else { panic!("{name} must hear one {:?}, not {heard:?}", expected.r#type()) };
            // One item of the room's order: the same place for everybody.
            assert!(heard.seq > 0 && heard.time_ms > 0, "{heard:?}");
            assert_eq!(*place.get_or_insert((heard.seq, heard.time_ms, heard.epoch)), (heard.seq, heard.time_ms, heard.epoch));
            (expected.seq, expected.time_ms, expected.epoch) = (heard.seq, heard.time_ms, heard.epoch);
            assert_eq!(*heard, expected, "as {name} hears it");
        }
        assert!(place.is_some(), "somebody hears {:?}", expected.r#type());
    }

    /// The whole cast has heard exactly this notification.
    pub fn expect_all(&mut self, expected: pb::Notification) {
        self.expect(&CAST, expected);
    }

    /// Nobody hears anything.
    pub fn expect_silence(&mut self) {
        for (name, heard) in self.heard() {
            assert_eq!(heard, [], "{name} hears something");
        }
    }

    /// A notification of what the owner has done, without particulars.
    pub fn by_owner(&self, kind: NotificationType, ext: &str) -> pb::Notification {
        self.by("owner", kind, ext)
    }

    pub fn by(&self, operator: &str, kind: NotificationType, ext: &str) -> pb::Notification {
        pb::Notification {
            room_id: self.room,
            r#type: kind as i32,
            operator: operator.into(),
            operator_nick: nick_of(operator),
            ext: ext.into(),
            ..Default::default()
        }
    }

    /// The same, done to somebody.
    pub fn to(&self, target: &str, notice: pb::Notification) -> pb::Notification {
        pb::Notification { targets: vec![target.into()], target_nicks: vec![nick_of(target)], ..notice }
    }
}

/// Everything a peer hears up to the message with this id.
pub fn until(peer: &mut Peer, message_id: &str) -> Vec<Push> {
    let mut heard = Vec::new();
    loop {
        match peer.push() {
            Push::Message(message) if message.message_id == message_id => return heard,
            push => heard.push(push),
        }
    }
}

/// The notification that a push is. What chatroom.md §g does not ask for is left out: the role a restriction leaves, and who has left.
pub fn notification(push: Push) -> pb::Notification {
    let Push::Notification(notice) = push else { panic!("not a notification: {push:?}") };
    let mut notice = *notice;
    match notice.r#type() {
        NotificationType::AdministratorAdd | NotificationType::CommonAdd | NotificationType::MemberEnter => {}
        _ => (notice.role_changed, notice.entered) = (None, None),
    }
    notice
}

pub fn queue(event: QueueEvent, elements: &[(&str, &str)]) -> Option<pb::QueueChanged> {
    let change = |(key, value): &(&str, &str)| pb::QueueElementChange {
        key: (*key).into(),
        value: (*value).to_owned().into_bytes().into(),
    };
    Some(pb::QueueChanged { event: event as i32, elements: elements.iter().map(change).collect() })
}

pub fn set_role(room: i64, account: &str, change: RoleChange, set: bool, level: u32) -> Request {
    let (account, notify_ext) = (account.into(), "why".into());
    Request::MemberSetRole(pb::MemberSetRoleRequest { room_id: room, account, change: change as i32, set, level, notify_ext })
}
