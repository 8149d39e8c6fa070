//! The end of a world: nothing goes wrong any more, and what is left has to fit together.

use std::collections::BTreeSet;

use prost::Message as _;

use super::client::{Client, Doing, Stand};
use super::world::World;
use crate::dispatch::owner_of;
use crate::id::RoomId;
use crate::room::{Ask, Query, Room};
use crate::wire::{Response, pb, store};

/// How long everything that is on its way may take to come to rest, in microseconds.
const REST_US: u64 = 120_000_000;

impl World {
    /// Lets everything come to rest, and looks whether everybody has what it was promised.
    pub fn end(&mut self) {
        self.note(|| String::from("nothing goes wrong any more"));
        self.is_calm = true;
        self.disk.mend();
        for client in &mut self.clients {
            client.stalled = self.now;
        }
        for client in 0..self.clients.len() {
            self.connect(client);
        }
        self.pass(REST_US);
        if self.watch.violation.is_some() {
            return;
        }
        if self.node.is_none() {
            return self.watch.fail(String::from("the node does not come back"));
        }
        if let Some((link, sequence, kind)) = self.watch.unanswered().first() {
            return self.watch.fail(format!("request {sequence} of kind {kind:#06x} over connection {link} is never answered"));
        }
        if let Some((number, doing)) = self.http.first_key_value() {
            return self.watch.fail(format!("question {number} over HTTP is never answered: {doing:?}"));
        }
        let waiting = self.clients.iter().position(|client| !client.doing.is_empty());
        if let Some(client) = waiting {
            let doing = &self.clients[client].doing;
            return self.watch.fail(format!("client {client} still waits for {doing:?}"));
        }
        let away = self.clients.iter().position(|client| matches!(client.stand, Stand::Waiting(_) | Stand::Connecting(..)));
        if let Some(client) = away {
            return self.watch.fail(format!("client {client} does not come in any more"));
        }
        self.check_states();
        self.check_presence();
        self.check_creators();
        self.check_accounts();
        self.check_histories();
    }

    /// What a room is in memory is what it would be if it were read again.
    pub(super) fn check_states(&mut self) {
        let unix = self.unix();
        let Some(node) = &self.node else { return };
        let mut wrong = None;
        for room in self.watch.truths.keys() {
            let owner = owner_of(*room, node.workers.len());
            let Some(here) = node.workers[owner].front.hub().settled(*room) else { continue };
            match self.reader.load(*room, unix) {
                Ok(read) => {
                    let (here, read) = (lasting(here), lasting(&read.subject));
                    if here != read {
                        let (read, here) = (format!("{read:?}"), format!("{here:?}"));
                        let (read, here) = difference(&read, &here);
                        wrong = Some(format!("room {room} is read again as …{read}…, and was …{here}…"));
                    }
                }
                Err(status) => wrong = Some(format!("room {room} cannot be read again: {status}")),
            }
        }
        if let Some(wrong) = wrong {
            self.watch.fail(wrong);
        }
    }

    /// Rooms hold those who think that they are in them.
    fn check_presence(&mut self) {
        let Some(node) = &self.node else { return };
        let unsure: BTreeSet<String> =
            self.clients.iter().filter(|client| client.is_unsure).map(|client| client.account.to_string()).collect();
        let mut wrong = None;
        for room in self.watch.truths.keys() {
            let owner = owner_of(*room, node.workers.len());
            let Some(here) = node.workers[owner].front.hub().settled(*room) else { continue };
            let here: BTreeSet<String> = here.everybody().iter().map(|(account, _)| account.to_string()).collect();
            let is_in = |client: &&Client| {
                let positions = client.session.positions();
                client.link().is_some() && positions.iter().any(|position| position.room_id == room.get())
            };
            let own: BTreeSet<String> = self.clients.iter().filter(is_in).map(|client| client.account.to_string()).collect();
            if let Some(blocked) = here.iter().find(|account| self.watch.truths[room].is_blocked(account, u64::MAX)) {
                wrong = Some(format!("room {room} holds {blocked}, whom it keeps out"));
            }
            let (here, own): (Vec<_>, Vec<_>) = (here.difference(&unsure).collect(), own.difference(&unsure).collect());
            if here != own {
                wrong = Some(format!("room {room} holds {here:?}, and those who think that they are in it are {own:?}"));
            }
        }
        if let Some(wrong) = wrong {
            self.watch.fail(wrong);
        }
    }

    /// The history of every room made over HTTP has all that its log has, once.
    fn check_histories(&mut self) {
        let rooms: Vec<RoomId> = self.watch.truths.keys().copied().filter(|room| !room.is_of_client()).collect();
        for room in rooms {
            let (mut seen, mut last_seq) = (Vec::new(), 0);
            let end = self.watch.truths.get(&room).map_or(0, |truth| truth.last());
            loop {
                let request = pb::MessageHistoryRequest { room_id: room.get(), reverse: true, last_seq, ..Default::default() };
                let number = self.numbers + 1;
                self.ask_over_http(room, Ask::Query(Query::History(request)), Doing::Other);
                self.pass(20_000_000);
                let Some(Response::MessageHistory(page)) = self.answers.remove(&number) else { break };
                seen.extend(page.items.iter().filter_map(seq_of));
                if !page.has_more || page.reached_seq <= last_seq {
                    seen.retain(|seq| *seq <= end);
                    self.check_history(room, end, &seen);
                    break;
                }
                last_seq = page.reached_seq;
            }
        }
    }

    fn check_history(&mut self, room: RoomId, end: u64, seen: &[u64]) {
        let Some(truth) = self.watch.truths.get(&room) else { return };
        let wanted = truth
            .entries
            .range(..=end)
            .filter(|(_, entry)| entry.in_history && entry.is_durable && entry.recalled_by.is_none());
        let wanted: Vec<u64> = wanted.map(|(seq, _)| *seq).collect();
        if wanted != seen {
            let lost: Vec<_> = wanted.iter().filter(|seq| !seen.contains(seq)).collect();
            let added: Vec<_> = seen.iter().filter(|seq| !wanted.contains(seq)).collect();
            self.watch.fail(format!("the history of room {room} lacks {lost:?} of its log and has {added:?} beside it"));
        }
    }
}

fn seq_of(item: &pb::HistoryItem) -> Option<u64> {
    match item.item.as_ref()? {
        pb::history_item::Item::Message(message) => Some(message.seq),
        pb::history_item::Item::Notification(notice) => Some(notice.seq),
    }
}

/// What lasts of a room, without the numbers and times that presence moves.
fn lasting(room: &Room) -> store::Snapshot {
    let mut state = store::Snapshot::decode(&*room.snapshot()).unwrap_or_default();
    (state.last_seq, state.epoch, state.last_time_ms, state.last_clock_ms) = (0, 0, 0, 0);
    (state.left_since_ms, state.boundaries) = (0, Vec::new());
    state.members.iter_mut().for_each(|member| member.enter_time_ms = 0);
    state
}

/// Where two texts part, with some of what stands around.
fn difference<'a>(one: &'a str, other: &'a str) -> (&'a str, &'a str) {
    let at = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &'a str| text.get(at.saturating_sub(120)..(at + 120).min(text.len())).unwrap_or(text);
    (around(one), around(other))
}
