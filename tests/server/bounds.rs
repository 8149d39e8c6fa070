//! A limit as a table row: what it is called, its value, and what using so much of it comes to. Each is tried at its value and one
//! beyond, in a room of its own.
//!
//! A limit in characters is tried with characters of two bytes, so that one that counts bytes is found out; a limit in bytes
//! with characters of one.

use chatroom::error::Code;
use chatroom::wire::pb;
use chatroom::wire::{Request, Response};

use crate::support::ask::{self, Came};
use crate::support::peer::login;
use crate::support::{LocalNode, Peer};

/// A room and its creator, to try one limit in.
pub struct Stage<'a> {
    pub node: &'a LocalNode,
    pub room: i64,
    pub owner: Peer,
    pub number: usize,
}

impl<'a> Stage<'a> {
    pub fn new(node: &'a LocalNode, number: usize) -> Stage<'a> {
        let name = format!("owner{number}");
        node.create_account(&name);
        let room = node.create_room(&name);
        Stage { node, room, owner: node.join(&name, room), number }
    }

    pub fn named(&self, what: &str) -> String {
        format!("{what}{}", self.number)
    }

    /// Somebody else, who is in the room.
    pub fn guest(&self) -> (String, Peer) {
        let name = self.named("guest");
        let peer = self.node.join(&name, self.room);
        (name, peer)
    }

    pub fn send(&mut self, adjust: impl FnOnce(&mut pb::MessageSendRequest)) -> Came {
        let mut message = ask::text(self.room, "id", "words");
        adjust(&mut message);
        self.owner.came(ask::send(message))
    }

    pub fn update(&mut self, adjust: impl FnOnce(&mut pb::RoomUpdateRequest)) -> Came {
        let mut update = pb::RoomUpdateRequest { room_id: self.room, ..Default::default() };
        adjust(&mut update);
        self.owner.came(Request::RoomUpdate(Box::new(update)))
    }

    pub fn update_self(&mut self, adjust: impl FnOnce(&mut pb::MemberUpdateSelfRequest)) -> Came {
        let mut update = pb::MemberUpdateSelfRequest { room_id: self.room, ..Default::default() };
        adjust(&mut update);
        self.owner.came(Request::MemberUpdateSelf(Box::new(update)))
    }

    /// What a login that enters comes to.
    pub fn enter(&self, adjust: impl FnOnce(&mut pb::LoginRequest, &mut pb::RoomEnterRequest)) -> Came {
        let mut enter = pb::RoomEnterRequest { room_id: self.room, nick: "somebody".into(), ..Default::default() };
        let mut request = login(&self.named("newcomer"), None);
        adjust(&mut request, &mut enter);
        let (_, answer) = self.node.log_in(pb::LoginRequest { enter: Some(enter), ..request });
        ask::came(&Response::Login(Box::new(answer)))
    }
}

/// So many characters, of two bytes each.
pub fn chars(count: usize) -> String {
    "ä".repeat(count)
}

/// So many bytes of text.
pub fn bytes(count: usize) -> String {
    "a".repeat(count)
}

pub fn raw(text: String) -> bytes::Bytes {
    text.into_bytes().into()
}

/// A limit: what it is called, its value, and what using `n` of it comes to.
pub struct Limit {
    pub name: &'static str,
    pub value: usize,
    /// What one more than the limit comes to.
    pub beyond: Code,
    pub tried: fn(&mut Stage<'_>, usize) -> Came,
}

pub const fn limit(name: &'static str, value: usize, tried: fn(&mut Stage<'_>, usize) -> Came) -> Limit {
    Limit { name, value, beyond: Code::BadParameter, tried }
}

pub const fn quota(name: &'static str, value: usize, tried: fn(&mut Stage<'_>, usize) -> Came) -> Limit {
    Limit { name, value, beyond: Code::OverQuota, tried }
}

/// Tries each limit at its value and one beyond, and tells all that are wrong at once.
pub fn try_all(node: &LocalNode, limits: &[Limit]) {
    let mut wrong = Vec::new();
    for (number, limit) in limits.iter().enumerate() {
        let at = (limit.tried)(&mut Stage::new(node, 2 * number), limit.value);
        let beyond = (limit.tried)(&mut Stage::new(node, 2 * number + 1), limit.value + 1);
        if at != ask::OK || beyond.0 != limit.beyond.number() {
            wrong.push(format!("{}: {} comes to {at:?}, one more to {beyond:?}", limit.name, limit.value));
        }
    }
    println!("{} limits tried at their value and one beyond", limits.len());
    assert!(wrong.is_empty(), "{} limits are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
