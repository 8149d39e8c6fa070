//! What clients, the HTTP API and misfortune do next, drawn at random.

use super::client::{Doing, Stand};
use super::world::World;
use crate::dispatch::owner_of;
use crate::id::{AccountId, RoomId, Time};
use crate::room::{Ask, Op};
use crate::wire::{Request, pb};

/// Names of the rooms that clients make.
const ALIASES: [&str; 2] = ["lobby", "den"];

impl World {
    /// Makes the rooms there are from the start.
    pub(super) fn furnish(&mut self) {
        for _ in 0..self.plan.rooms {
            self.make_hall();
        }
        self.pass(3_000_000);
    }

    /// One step: something is done, and some time passes.
    pub fn step(&mut self) {
        if !self.is_calm {
            self.go_wrong();
        }
        self.act();
        if self.numbers.is_multiple_of(16) {
            self.check_states();
        }
        let us = match self.random.u8(..) {
            0..150 => self.random.u64(0..20_000),
            150..230 => self.random.u64(0..500_000),
            230..254 => self.random.u64(0..4_000_000),
            _ => self.random.u64(0..35_000_000),
        };
        self.pass(us);
    }

    fn go_wrong(&mut self) {
        let chances = self.plan.chances;
        let mut happens = |chance: u32| chance > 0 && self.random.u32(0..1000) < chance;
        let (cut, half_open, slow) = (happens(chances.cut), happens(chances.half_open), happens(chances.slow_reader));
        let (kill, stop, disk) = (happens(chances.kill), happens(chances.stop), happens(chances.disk));
        let (calendar, stall) = (happens(chances.calendar), happens(chances.stall));
        let client = self.random.usize(0..self.clients.len());
        if cut && let Some(link) = self.clients[client].link() {
            self.note(|| format!("connection {link} of client {client} is cut"));
            self.cut(link);
        }
        if half_open && let Some(link) = self.clients[client].link() {
            let (up, down) = (self.random.bool(), self.random.bool());
            self.note(|| format!("connection {link} of client {client} swallows what is sent"));
            if let Some(Some(held)) = self.links.get_mut(link as usize) {
                held.up.is_dead |= up || !down;
                held.down.is_dead |= down;
            }
        }
        if slow {
            let until = Time(self.now.0 + self.random.u64(0..20_000_000));
            self.clients[client].stalled = until;
            self.clients[client].is_paused = true;
            self.clients[client].session.pause();
            self.note(|| format!("client {client} reads nothing for a while"));
        }
        if kill {
            self.kill();
        }
        if stop {
            self.stop();
        }
        if disk {
            self.note(|| String::from("the disk takes nothing"));
            self.disk.fail("the disk is full");
            let at = Time(self.now.0 + self.random.u64(1_000..10_000_000));
            self.plan_event(at, super::world::Event::Mend);
            self.wake_workers();
        }
        if calendar {
            // Never so far that a crash between makes the memory of message ids end early.
            self.calendar_ms = self.random.i64(-120_000..120_000);
            self.note(|| String::from("the calendar is set"));
        }
        if stall && let Some(node) = &mut self.node {
            let worker = self.random.usize(0..node.workers.len());
            let until = Time(self.now.0 + self.random.u64(1_000..2_000_000));
            node.workers[worker].stalled = until;
            let life = node.life;
            self.plan_event(until, super::world::Event::Look(life, worker));
        }
    }

    /// Both sides learn of the end of a connection, each in its time.
    fn cut(&mut self, link: u32) {
        let (one, other) = (self.after_a_way(), self.after_a_way());
        self.plan_event(one, super::world::Event::ClientHearsEnd(link));
        self.plan_event(other, super::world::Event::NodeHearsEnd(link));
        if let Some(Some(held)) = self.links.get_mut(link as usize) {
            (held.up.is_dead, held.down.is_dead) = (true, true);
        }
    }

    fn act(&mut self) {
        let client = self.random.usize(0..self.clients.len());
        if self.clients[client].stand == Stand::Off {
            if self.random.u8(..) < 128 {
                self.enter_with_login(client);
                self.connect(client);
            }
            return;
        }
        let Some(room) = self.some_room(client) else { return self.enter(client) };
        let room_id = room.get();
        let target = self.plan.accounts[self.random.usize(1..self.plan.accounts.len())].to_string();
        let token = self.next_number();
        let mark = format!("#{token}");
        let change = Doing::Change { room: room_id, token };
        match self.random.u8(0..100) {
            0..40 => self.send(client, room),
            40..50 => self.enter(client),
            50..53 => self.request(client, Request::RoomExit(pb::RoomExitRequest { room_id }), Doing::Other),
            53..57 => {
                let (limit, reverse) = (self.random.u32(1..=100), self.random.bool());
                let request = pb::MessageHistoryRequest { room_id, limit, reverse, ..Default::default() };
                self.request(client, Request::MessageHistory(request), Doing::Other);
            }
            57..60 => self.recall(client, room, mark, change),
            60..64 => {
                let seconds = if self.random.bool() { 86_400 * 20 } else { 0 };
                let request =
                    pb::MemberTempMuteRequest { room_id, account: target, seconds, notify_ext: mark, ..Default::default() };
                self.manage(client, room, Op::TempMute(request.clone()), Request::MemberTempMute(request), change);
            }
            64..67 => {
                let request = pb::MemberKickRequest { room_id, account: target, notify_ext: mark };
                self.manage(client, room, Op::Kick(request.clone()), Request::MemberKick(request), change);
            }
            67..71 => {
                let role =
                    [pb::RoleChange::Administrator, pb::RoleChange::Common, pb::RoleChange::Blocklist, pb::RoleChange::Mute];
                let role = role[self.random.usize(0..4)];
                // Kept out for a while only, so that somebody is left.
                let set = self.random.u8(..) < if role == pb::RoleChange::Blocklist { 90 } else { 140 };
                let request = pb::MemberSetRoleRequest {
                    room_id,
                    account: target,
                    change: role.into(),
                    set,
                    notify_ext: mark,
                    ..Default::default()
                };
                self.manage(client, room, Op::SetRole(request.clone()), Request::MemberSetRole(request), Doing::Other);
            }
            71..77 => {
                let key = format!("key {}", self.random.u8(0..5));
                let request = pb::QueueOfferRequest {
                    room_id,
                    key,
                    value: mark.into(),
                    transient: self.random.bool(),
                    ..Default::default()
                };
                self.request(client, Request::QueueOffer(Box::new(request)), change);
            }
            77..80 => {
                let request = pb::QueuePollRequest { room_id, ..Default::default() };
                self.request(client, Request::QueuePoll(request), Doing::Other);
            }
            80..84 => {
                let attributes = [(format!("key {}", self.random.u8(0..5)), mark)].into();
                let request = pb::AttributesSetRequest { room_id, attributes, force: self.random.bool(), ..Default::default() };
                self.request(client, Request::AttributesSet(request), change);
            }
            84..86 => {
                let request = pb::MemberListRequest { room_id, ..Default::default() };
                self.request(client, Request::MemberList(request), Doing::Other);
            }
            86..89 => {
                let alias = ALIASES[self.random.usize(0..ALIASES.len())].to_owned();
                let request = pb::RoomCreateRequest { alias, enter_existing: true, ..Default::default() };
                self.request(client, Request::RoomCreate(Box::new(request)), Doing::Other);
            }
            89..90 => self.request(client, Request::RoomLeaveAll(pb::RoomLeaveAllRequest::default()), Doing::Other),
            90..91 => {
                let alias = ALIASES[self.random.usize(0..ALIASES.len())].to_owned();
                let to = Some(pb::RoomCreateRequest { alias, enter_existing: true, ..Default::default() });
                let request = pb::RoomSwitchRequest { from_room_id: room_id, to, create_missing: true };
                self.request(client, Request::RoomSwitch(Box::new(request)), Doing::Other);
            }
            91..92 => self.log_out(client),
            92..94 => {
                let request = pb::RoomMuteRequest { room_id, mute: self.random.u8(..) < 90, ..Default::default() };
                self.manage(client, room, Op::MuteRoom(request.clone()), Request::RoomMute(request), Doing::Other);
            }
            94..96 => self.say_over_http(room),
            96..97 if self.rooms.len() < 5 => self.make_hall(),
            98..100 => self.trade(),
            97..98 => {
                let mut out = Vec::new();
                let now = self.now;
                self.clients[client].session.probe(now, &mut out);
                self.carry_out(client, out);
            }
            _ => {}
        }
    }

    /// A room the client is in, if there is one.
    fn some_room(&mut self, client: usize) -> Option<RoomId> {
        let positions = self.clients[client].session.positions();
        let position = positions.get(self.random.usize(0..positions.len().max(1)))?;
        RoomId::new(position.room_id).ok()
    }

    /// A room that clients enter.
    fn make_hall(&mut self) {
        if let Some(room) = self.create_room(self.plan.accounts[0].clone())
            && !self.rooms.contains(&room)
        {
            self.rooms.push(room);
        }
    }

    fn any_room(&mut self) -> Option<RoomId> {
        let count = self.rooms.len().max(1);
        self.rooms.get(self.random.usize(0..count)).copied()
    }

    fn enter_with_login(&mut self, client: usize) {
        let room = if self.random.bool() { self.any_room() } else { None };
        let enter = room.map(|room| pb::RoomEnterRequest { room_id: room.get(), ..Default::default() });
        self.clients[client].template.enter = enter;
    }

    fn enter(&mut self, client: usize) {
        if let Some(room) = self.any_room() {
            let request = pb::RoomEnterRequest { room_id: room.get(), ..Default::default() };
            self.request(client, Request::RoomEnter(Box::new(request)), Doing::Other);
        }
    }

    fn send(&mut self, client: usize, room: RoomId) {
        let number = self.next_number();
        let (room_id, id) = (room.get(), format!("m{number}"));
        let body = vec![b'x'; if self.random.u8(..) < 40 { self.random.usize(500..4_000) } else { self.random.usize(1..60) }];
        let request = pb::MessageSendRequest {
            room_id,
            message_id: id.clone(),
            body: body.into(),
            high_priority: self.random.u8(..) < 25,
            skip_history: self.random.u8(..) < 12,
            ..Default::default()
        };
        self.request(client, Request::MessageSend(Box::new(request)), Doing::Send { room: room_id, id });
    }

    fn recall(&mut self, client: usize, room: RoomId, notify_ext: String, change: Doing) {
        let known = &self.clients[client].sent;
        let Some((_, message_id, time_ms, from)) = known.iter().rfind(|(of, ..)| *of == room.get()).cloned() else { return };
        let request = pb::MessageRecallRequest { room_id: room.get(), message_id, time_ms, from, notify_ext };
        self.request(client, Request::MessageRecall(Box::new(request)), change);
    }

    /// A manager does something, or the HTTP API.
    fn manage(&mut self, client: usize, room: RoomId, op: Op, request: Request, doing: Doing) {
        if self.random.u8(..) < 100 {
            return self.ask_over_http(room, Ask::Command(op), doing);
        }
        let owner = self.plan.accounts[0].clone();
        let manager = self.clients.iter().position(|client| client.account == owner).filter(|_| self.random.u8(..) < 200);
        self.request(manager.unwrap_or(client), request, doing);
    }

    fn say_over_http(&mut self, room: RoomId) {
        let number = self.next_number();
        let (room_id, message_id) = (room.get(), format!("h{number}"));
        let request = pb::MessageSendRequest { room_id, message_id, body: "news".into(), ..Default::default() };
        self.ask_over_http(room, Ask::Command(Op::Send(Box::new(request))), Doing::Other);
    }

    /// Asks a room something as the HTTP API does, on behalf of whoever makes the rooms.
    pub(super) fn ask_over_http(&mut self, room: RoomId, ask: Ask, doing: Doing) {
        let account = self.plan.accounts[0].clone();
        self.ask_over_http_as(account, room, ask, doing);
    }

    /// The same on behalf of an account.
    pub(super) fn ask_over_http_as(&mut self, account: AccountId, room: RoomId, ask: Ask, doing: Doing) {
        let number = self.next_number();
        let Some(node) = &mut self.node else { return };
        if node.common.pressure(owner_of(room, node.workers.len())).is_full() {
            return;
        }
        self.http.insert(number, doing);
        node.ask(number, room, account, ask);
    }
}
