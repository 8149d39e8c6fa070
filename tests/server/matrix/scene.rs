//! One cell's room: its creator, a bystander, and a caller in the state a column stands for.

use std::sync::atomic::{AtomicUsize, Ordering};

use chatroom::room::{Actor, Origin};
use chatroom::wire::pb::{self, KickReason, RoleChange};
use chatroom::wire::{Push, Request, Response};

use super::spec::Column;
use crate::support::ask::{self, Came};
use crate::support::local::account;
use crate::support::{LocalNode, Peer};

/// The tag that is muted in column Tg.
pub const MUTED_TAG: &str = "loud";

/// Numbers the scenes, so that no account and no message id is in two of them.
static SCENES: AtomicUsize = AtomicUsize::new(0);

/// A room and whom a case needs in it.
pub struct Scene<'a> {
    pub node: &'a LocalNode,
    pub room: i64,
    pub creator: Peer,
    /// A visitor who does nothing; hears what there is to hear.
    pub bystander: Peer,
    /// The caller's connection; `None` for the creator, who has one already, and for robots, who have none.
    caller: Option<Peer>,
    /// What the caller is called.
    pub name: String,
    /// Others who have to be there.
    pub guests: Vec<Peer>,
    /// When the last message that [`Scene::say`] sent was accepted.
    pub said_ms: i64,
    column: Column,
    number: usize,
}

impl<'a> Scene<'a> {
    /// A room with its creator and a bystander.
    pub fn new(node: &'a LocalNode, column: Column, queue_level: u32) -> Scene<'a> {
        let number = SCENES.fetch_add(1, Ordering::Relaxed);
        let creator = format!("creator{number}");
        node.create_account(&creator);
        let room = node.create_room_with(&creator, |create| create.queue_level = queue_level);
        let name = if column == Column::Cr { creator.clone() } else { format!("caller{number}") };
        Scene {
            node,
            room,
            bystander: node.join(&format!("bystander{number}"), room),
            creator: node.join(&creator, room),
            caller: None,
            name,
            guests: Vec::new(),
            said_ms: 0,
            column,
            number,
        }
    }

    /// A name nobody else has, for somebody who has to be there.
    pub fn named(&self, what: &str) -> String {
        format!("{what}{}", self.number)
    }

    /// Brings the caller to where it stands before a modifier applies; `base` is Cm or Vi for the columns of modifiers.
    pub fn bring_caller(&mut self, base: Column) {
        let enter = |room, tags: &[&str]| pb::RoomEnterRequest {
            room_id: room,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Default::default()
        };
        self.caller = match self.column {
            Column::Cr => None,
            Column::An => Some(self.node.join_anonymously(&self.name, self.room)),
            Column::Out => Some(self.node.log_in_only(&self.name)),
            Column::Ro => {
                self.node.create_account(&self.name);
                self.node.add_robots(self.room, &[&self.name]);
                None
            }
            Column::Tg => Some(self.node.join_with(&self.name, enter(self.room, &[MUTED_TAG]))),
            // A second room keeps the connection when the caller is put out of the first.
            Column::Bl => {
                let mut peer = self.node.join(&self.name, self.room);
                let creator = self.named("creator");
                let elsewhere = self.node.create_room(&creator);
                peer.done(ask::enter(elsewhere));
                Some(peer)
            }
            _ => Some(self.node.join(&self.name, self.room)),
        };
        let role = match (self.column, base) {
            (Column::Ad, _) => Some(RoleChange::Administrator),
            (Column::Cm, _) | (_, Column::Cm) => Some(RoleChange::Common),
            _ => None,
        };
        if let Some(role) = role {
            let name = self.name.clone();
            self.grant(&name, role);
        }
    }

    /// Applies the column's modifier to the caller.
    pub fn apply_modifier(&mut self) {
        let (room, name) = (self.room, self.name.clone());
        let request = match self.column {
            Column::Mu => ask::set_role(room, &name, RoleChange::Mute, true),
            Column::Tm => ask::temp_mute(room, &name, 600),
            Column::Tg => ask::tag_temp_mute(room, MUTED_TAG, 600),
            Column::Rm => ask::mute_room(room, true),
            Column::Bl => ask::set_role(room, &name, RoleChange::Blocklist, true),
            _ => return,
        };
        self.creator.done(request);
        if self.column == Column::Bl {
            self.expect_kicked(KickReason::Blocklisted);
        }
    }

    /// Has the creator give somebody a role or restriction.
    pub fn grant(&mut self, name: &str, role: RoleChange) {
        self.node.create_account(name);
        let request = ask::set_role(self.room, name, role, true);
        self.creator.done(request);
    }

    /// The caller's connection.
    pub fn caller(&mut self) -> &mut Peer {
        self.caller.as_mut().unwrap_or(&mut self.creator)
    }

    /// Whether the caller has a connection.
    pub fn has_connection(&self) -> bool {
        self.column != Column::Ro
    }

    /// The caller, when the HTTP API acts in its name.
    pub fn over_http(&self) -> Actor {
        Actor::http(account(&self.name))
    }

    /// What a robot would be as a member: an account without a connection.
    pub fn without_connection(&self) -> Actor {
        Actor { origin: Origin::Member, client_type: 0, ..self.over_http() }
    }

    /// What a request comes to when the caller makes it, the way it can.
    pub fn ask(&mut self, request: Request) -> Came {
        if self.has_connection() { self.caller().came(request) } else { self.node.came_of(self.over_http(), request) }
    }

    /// Has the caller send a message that must be accepted; one who is outside comes in for it.
    pub fn say(&mut self, message_id: &str) {
        let (room, message) = (self.room, ask::text(self.room, message_id, "words"));
        self.said_ms = if self.column == Column::Out {
            self.caller().done(ask::enter(room));
            let said_ms = sent_ms(&self.caller().done(ask::send(message)));
            self.caller().done(ask::exit(room));
            said_ms
        } else if self.has_connection() {
            sent_ms(&self.caller().done(ask::send(message)))
        } else {
            let op = chatroom::room::Op::Send(Box::new(message));
            sent_ms(&self.node.apply(self.room, &self.name, op).expect("a robot may send"))
        };
    }

    /// Has a guest who is not there yet enter and send a message that must be accepted.
    pub fn have_said(&mut self, name: &str, role: Option<RoleChange>, message_id: &str) {
        let mut guest = self.node.join(name, self.room);
        if let Some(role) = role {
            self.grant(name, role);
        }
        self.said_ms = sent_ms(&guest.done(ask::send(ask::text(self.room, message_id, "words"))));
        self.guests.push(guest);
    }

    /// Has somebody enter who is only there.
    pub fn invite(&mut self, name: &str) {
        let guest = self.node.join(name, self.room);
        self.guests.push(guest);
    }

    /// Waits for the caller to be put out for this reason.
    pub fn expect_kicked(&mut self, reason: KickReason) {
        let room = self.room;
        expect_kicked(self.caller(), room, reason);
    }

    /// What the bystander has heard by now. The creator's next message is the mark up to which it listens.
    pub fn heard_by_bystander(&mut self) -> Vec<Push> {
        let mark = format!("mark{}", self.number);
        let (room, creator) = (self.room, &mut self.creator);
        if creator.came(ask::send(ask::text(room, &mark, "mark"))).0 != 200 {
            return Vec::new();
        }
        hear_until(&mut self.bystander, &mark)
    }
}

/// Everything a peer hears up to the message with this id, without it.
pub fn hear_until(peer: &mut Peer, message_id: &str) -> Vec<Push> {
    let mut heard = Vec::new();
    loop {
        match peer.push() {
            Push::Message(message) if message.message_id == message_id => return heard,
            push => heard.push(push),
        }
    }
}

/// Waits until a peer is put out of a room and checks why.
pub fn expect_kicked(peer: &mut Peer, room: i64, reason: KickReason) {
    loop {
        if let Push::Kicked(kicked) = peer.push() {
            assert_eq!((kicked.room_id, kicked.reason), (room, reason as i32), "{kicked:?}");
            return;
        }
    }
}

fn sent_ms(response: &Response) -> i64 {
    match response {
        Response::MessageSend(sent) => sent.time_ms,
        other => panic!("a send was answered with {other:?}"),
    }
}
