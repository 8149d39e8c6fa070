//! The invariants, looked at with every frame that a client sends or receives and with every entry that a node writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::truth::{Truths, digest};
use crate::id::{RoomId, Seq};
use crate::room::Record;
use crate::wire::{Frame, PacketKind, Push, Response, pb};

/// Looks at everything, and keeps the first thing that is wrong.
#[derive(Default)]
pub(super) struct Watch {
    /// The broken promise, in words.
    pub violation: Option<String>,
    /// The logs.
    pub truths: Truths,
    views: BTreeMap<(usize, RoomId), View>,
    /// Requests without an answer, by connection and sequence.
    asked: BTreeMap<(u32, u32), u16>,
    /// Clients that have asked to come in and lost the connection before the answer: they may be in, nobody knows since when.
    tried: BTreeSet<(usize, RoomId)>,
    /// Who has come into which room, behind which number, and is not yet known to have been allowed to.
    came: Vec<(RoomId, String, u64)>,
    /// Positions that entries on their way name, by connection and sequence.
    named: BTreeMap<(u32, u32), Named>,
    /// Digests of what was told, by room, epoch and number.
    told: HashMap<(RoomId, u64, u64), u64>,
    /// Answers, items and entries that were looked at.
    pub looked_at: u64,
}

/// The places from which on a client asks to come in.
struct Named {
    client: usize,
    positions: Vec<pb::RoomPosition>,
}

/// Items a client has heard of a room.
#[derive(Default)]
struct View {
    /// Everything up to here that was for this client was heard or missed with a word; `None` before the first entry.
    complete: Option<u64>,
    /// Numbers that were heard, with their epochs.
    heard: BTreeMap<u64, u64>,
    /// Ranges that were said to be missing.
    gaps: Vec<(u64, u64)>,
    /// The connection over which it hears.
    link: u32,
    /// The last number over that connection.
    last: u64,
    /// Its epoch.
    last_epoch: u64,
    /// The last number before the last entry.
    entered: u64,
    /// The epoch of that entry.
    entered_epoch: u64,
    epoch: u64,
    /// The number up to which the client counts itself.
    at: (u64, u64),
    account: String,
}

impl View {
    /// Nothing is known of what the client has heard.
    fn forget(&mut self) {
        (self.complete, self.heard, self.gaps) = (None, BTreeMap::new(), Vec::new());
    }

    /// What was heard beyond this number is gone.
    fn roll_back(&mut self, log_seq: u64) {
        self.heard.retain(|seq, _| *seq <= log_seq);
        self.last = self.last.min(log_seq);
        self.complete = self.complete.map(|complete| complete.min(log_seq));
    }
}

impl Watch {
    /// Notes that something is wrong.
    pub fn fail(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    /// Entries are on their way to the disk.
    pub fn on_append(&mut self, records: &[Record]) {
        for record in records {
            self.looked_at += 1;
            let truth = self.truths.entry(record.room).or_default();
            if let Err(wrong) = truth.append(record) {
                return self.fail(wrong);
            }
            let (epoch, seq) = (record.entry.epoch.0, record.entry.seq.0);
            let is_known = |came: &&(RoomId, String, u64)| came.0 == record.room && came.2 < seq;
            let kept_out = self.came.iter().filter(is_known).find(|came| truth.is_blocked(&came.1, came.2));
            if let Some((room, account, _)) = kept_out {
                return self.violation = Some(format!("{account} has come into room {room}, out of which it is kept"));
            }
            self.came.retain(|came| !is_known(&came));
            let written = truth.entries.get(&seq).and_then(|entry| entry.push);
            if let (Some(told), Some(written)) = (self.told.get(&(record.room, epoch, seq)), written)
                && *told != written
            {
                return self.fail(format!("item {seq} of room {} was told otherwise than the log has it", record.room));
            }
        }
        for record in records {
            for (client, room) in self.viewers(record.room) {
                self.check_complete(client, room, None);
            }
        }
    }

    fn viewers(&self, room: RoomId) -> Vec<(usize, RoomId)> {
        self.views.keys().filter(|(_, of)| *of == room).copied().collect()
    }

    /// A batch is on the platter.
    pub fn on_sync(&mut self, batch: &[(RoomId, Seq)]) {
        for (room, seq) in batch {
            if let Some(truth) = self.truths.get_mut(room) {
                truth.sync(seq.0);
            }
        }
    }

    /// A batch was not taken.
    pub fn on_refused(&mut self, batch: &[(RoomId, Seq)]) {
        self.lose(|room, seq| batch.contains(&(room, Seq(seq))));
    }

    /// Everything that is not on the platter is lost.
    pub fn on_loss(&mut self) {
        self.lose(|_, _| true);
    }

    fn lose(&mut self, is_lost: impl Fn(RoomId, u64) -> bool) {
        self.came.clear();
        for (room, truth) in &mut self.truths {
            let last = truth.lose(|seq| is_lost(*room, seq));
            for ((_, of), view) in &mut self.views {
                if of == room {
                    view.complete = view.complete.map(|complete| complete.min(last));
                }
            }
        }
    }

    /// A client sends a request.
    pub fn on_request(&mut self, link: u32, kind: u16, sequence: u32) {
        if self.asked.insert((link, sequence), kind).is_some() {
            self.fail(format!("connection {link} asks twice under sequence {sequence}"));
        }
    }

    /// A client asks to come in, from these places on.
    pub fn on_entry(&mut self, client: usize, link: u32, sequence: u32, positions: Vec<pb::RoomPosition>) {
        self.named.insert((link, sequence), Named { client, positions });
    }

    /// A client does not know any more which rooms it is in.
    pub fn on_unsure(&mut self, client: usize) {
        self.views.iter_mut().filter(|((of, _), _)| *of == client).for_each(|(_, view)| view.forget());
    }

    /// A connection is gone for its client.
    pub fn on_link_lost(&mut self, link: u32) {
        if let Some((_, named)) = self.named.iter().find(|((of, _), _)| *of == link) {
            self.tried.extend(self.truths.keys().map(|room| (named.client, *room)));
        }
        self.named.retain(|(of, _), _| *of != link);
        self.asked.retain(|(of, _), _| *of != link);
    }

    /// Requests without an answer.
    pub fn unanswered(&self) -> Vec<(u32, u32, u16)> {
        // A ping may be on its way at any time.
        let asked = self.asked.iter().filter(|(_, kind)| **kind != PacketKind::Ping as u16);
        asked.map(|((link, sequence), kind)| (*link, *sequence, *kind)).collect()
    }

    /// A client receives a frame.
    pub fn on_frame(&mut self, client: usize, account: &str, link: u32, frame: &Frame) {
        self.looked_at += 1;
        let (kind, sequence) = (frame.header.kind, frame.header.sequence);
        if frame.is_response() {
            if self.asked.remove(&(link, sequence)) != Some(kind) {
                return self.fail(format!(
                    "connection {link} gets an answer of kind {kind:#06x} to {sequence} that is none, or one too many"
                ));
            }
            let named = self.named.remove(&(link, sequence)).map(|named| named.positions);
            return self.on_response(client, account, link, (kind, named), frame);
        }
        if sequence != 0 {
            return;
        }
        match Push::decode(kind, frame.body.clone()) {
            Ok(Push::Message(message)) if message.resent => {}
            Ok(Push::Message(message)) => {
                let place = (message.room_id, message.epoch, message.seq);
                self.on_item(client, account, link, place, digest(&frame.body));
            }
            Ok(Push::Notification(notice)) => {
                let place = (notice.room_id, notice.epoch, notice.seq);
                self.on_item(client, account, link, place, digest(&frame.body));
            }
            Ok(Push::Gap(gap)) => {
                if let Some(view) = self.view(client, gap.room_id) {
                    // Notifications within it may still come.
                    view.gaps.push((gap.first_seq, gap.last_seq));
                }
            }
            Ok(Push::RoomEpoch(told)) => {
                if let Some(view) = self.view(client, told.room_id) {
                    // Who enters after the new epoch has begun may be told of it all the same.
                    let is_rising = told.epoch > view.epoch || told.epoch == view.entered_epoch;
                    view.epoch = told.epoch;
                    view.roll_back(told.log_seq);
                    if !is_rising {
                        self.fail(format!(
                            "client {client} is told of epoch {} of room {}, which is not newer",
                            told.epoch, told.room_id
                        ));
                    }
                }
            }
            _ => {}
        }
    }

    fn view(&mut self, client: usize, room: i64) -> Option<&mut View> {
        self.views.get_mut(&(client, RoomId::new(room).ok()?))
    }

    fn on_response(
        &mut self,
        client: usize,
        account: &str,
        link: u32,
        (kind, named): (u16, Option<Vec<pb::RoomPosition>>),
        frame: &Frame,
    ) {
        let is_of = |of: PacketKind| kind == of as u16;
        let enters = [PacketKind::Login, PacketKind::RoomEnter, PacketKind::RoomCreate, PacketKind::RoomSwitch];
        if enters.into_iter().any(is_of) {
            let response = match Response::decode(kind, frame.body.clone()) {
                Ok(Response::Login(login)) if login.code == 0 => login.enter.map(Box::new),
                Ok(Response::RoomEnter(enter) | Response::RoomCreate(enter) | Response::RoomSwitch(enter)) => Some(enter),
                _ => None,
            };
            // Who switches to the room it is in stays there.
            let is_news = |response: &pb::RoomEnterResponse| response.code == 0 && response.epoch > 0;
            if let Some(response) = response.filter(|response| is_news(response)) {
                self.on_entered(client, account, link, (&response, named.unwrap_or_default()));
            }
        } else if is_of(PacketKind::MessageHistory)
            && let Ok(Response::MessageHistory(page)) = Response::decode(kind, frame.body.clone())
        {
            self.on_history(&page);
        }
    }

    /// A client is in a room.
    fn on_entered(
        &mut self,
        client: usize,
        account: &str,
        link: u32,
        (response, named): (&pb::RoomEnterResponse, Vec<pb::RoomPosition>),
    ) {
        let Some(room) = response.room.as_ref().and_then(|room| RoomId::new(room.room_id).ok()) else { return };
        let view = self.views.entry((client, room)).or_default();
        account.clone_into(&mut view.account);
        let may_be_in = self.tried.remove(&(client, room));
        let mut wrong = None;
        if response.epoch < view.epoch {
            wrong =
                Some(format!("client {client} enters room {room} in epoch {}, and has seen {}", response.epoch, view.epoch));
        }
        if let Some(truth) = self.truths.get(&room).filter(|_| response.resumed && !may_be_in)
            && let Some(exile) = truth.exile(account, view.entered, response.last_seq.saturating_add(1))
        {
            wrong = Some(format!("{account} resumes in room {room}, out of which entry {exile} has put it"));
        }
        // What lets it in again may be on its way to the disk: that is known once the log has something behind its entry.
        self.came.push((room, account.to_owned(), response.last_seq));
        let is_newer = response.epoch > view.epoch;
        view.epoch = view.epoch.max(response.epoch);
        match response.log_seq {
            Some(log_seq) => view.roll_back(log_seq),
            None if is_newer => view.heard.clear(),
            None => {}
        }
        // What it names as heard must not come again; whatever else it has heard may.
        let named = named.iter().find(|position| position.room_id == room.get()).map_or(0, |position| position.last_seq);
        if view.link != link {
            view.heard.retain(|seq, _| *seq <= named);
        }
        view.last = 0;
        (view.link, view.entered, view.entered_epoch) = (link, response.last_seq, response.epoch);
        if let Some(wrong) = wrong {
            self.fail(wrong);
        }
    }

    /// An item of a room comes, for the first time as far as the server says.
    fn on_item(&mut self, client: usize, account: &str, link: u32, (room, epoch, seq): (i64, u64, u64), told: u64) {
        let Ok(room) = RoomId::new(room) else { return };
        let Some(view) = self.views.get_mut(&(client, room)) else {
            return self.fail(format!("client {client} hears item {seq} of room {room}, which it has not entered"));
        };
        let mut wrong = None;
        // A room that was lost and made anew begins at 1 again, in an epoch of its own.
        if seq <= view.last && view.link == link && epoch <= view.last_epoch {
            let last = view.last;
            wrong = Some(format!("client {client} hears item {seq} of room {room} after item {last}"));
        }
        if view.heard.insert(seq, epoch) == Some(epoch) {
            wrong = Some(format!("client {client} hears item {seq} of room {room} twice"));
        }
        (view.last, view.last_epoch) = (seq, epoch);
        if let Some(exile) = self.truths.get(&room).and_then(|truth| truth.exile(account, view.entered, seq)) {
            wrong = Some(format!("{account} was put out of room {room} by entry {exile}, and hears item {seq}"));
        }
        if *self.told.entry((room, epoch, seq)).or_insert(told) != told {
            wrong = Some(format!("item {seq} of room {room} in epoch {epoch} means two things"));
        }
        if let Some(entry) = self.truths.get(&room).and_then(|truth| truth.entries.get(&seq))
            && entry.epoch == epoch
            && entry.push != Some(told)
        {
            wrong = Some(format!("item {seq} of room {room} is told otherwise than the log has it"));
        }
        if let Some(wrong) = wrong {
            self.fail(wrong);
        }
    }

    /// A page of history, newest first or oldest first: whatever lies between its ends is in it, once.
    fn on_history(&mut self, page: &pb::MessageHistoryResponse) {
        let mut found: Vec<(RoomId, u64, u64, u64)> = Vec::new();
        for item in &page.items {
            let place = match &item.item {
                Some(pb::history_item::Item::Message(message)) => {
                    (message.room_id, message.epoch, message.seq, digest(&prost::Message::encode_to_vec(message)))
                }
                Some(pb::history_item::Item::Notification(notice)) => {
                    (notice.room_id, notice.epoch, notice.seq, digest(&prost::Message::encode_to_vec(notice)))
                }
                None => continue,
            };
            let Ok(room) = RoomId::new(place.0) else { continue };
            found.push((room, place.1, place.2, place.3));
        }
        found.sort_unstable_by_key(|found| found.2);
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return };
        let (room, first, last) = (first.0, first.2, last.2);
        if found.windows(2).any(|pair| pair[0].2 == pair[1].2) {
            return self.fail(format!("a page of the history of room {room} holds an item twice"));
        }
        let Some(truth) = self.truths.get(&room) else {
            return self.fail(format!("room {room} has a history and no log"));
        };
        // What was read before a crash and comes after it may be gone.
        let missing = truth.entries.range(first..=last).find(|(seq, entry)| {
            let is_wanted = entry.in_history && entry.is_public && entry.is_durable && entry.recalled_by.is_none();
            is_wanted && found.binary_search_by_key(*seq, |found| found.2).is_err()
        });
        if let Some((seq, _)) = missing {
            return self.fail(format!("a page of the history of room {room} from {first} to {last} lacks item {seq}"));
        }
        let wrong = found.iter().find(|(_, epoch, seq, said)| {
            truth.entries.get(seq).is_none_or(|entry| entry.epoch != *epoch || entry.push != Some(*said))
        });
        if let Some((_, _, seq, _)) = wrong {
            self.fail(format!("item {seq} of room {room} stands in the history otherwise than in the log"));
        }
    }

    /// The answer to an entry says that items are missing.
    pub fn on_told_gap(&mut self, client: usize, response: &pb::RoomEnterResponse) {
        let Some(room) = response.room.as_ref().map(|room| room.room_id) else { return };
        if response.gap
            && let Some(view) = self.view(client, room)
        {
            match response.gap_first {
                0 => view.gaps.push((0, response.last_seq)),
                first => view.gaps.push((first, response.gap_last)),
            }
        }
    }

    /// A message was acknowledged.
    pub fn on_sent(&mut self, account: &str, room: i64, id: &str, sent: &pb::MessageSendResponse) {
        if sent.abandoned {
            return;
        }
        let truth = RoomId::new(room).ok().and_then(|room| self.truths.get(&room));
        let place = truth.and_then(|truth| truth.place_of(account, id));
        if place != Some((sent.seq, true)) {
            self.fail(format!(
                "message {id} of {account} in room {room} is acknowledged as {}, and the log has {place:?}",
                sent.seq
            ));
        }
    }

    /// A change was acknowledged.
    pub fn on_changed(&mut self, room: i64, token: u64, _response: &Response) {
        let truth = RoomId::new(room).ok().and_then(|room| self.truths.get(&room));
        if !truth.is_some_and(|truth| truth.has_token(token)) {
            self.fail(format!("change {token} of room {room} is acknowledged, and the log does not have it"));
        }
    }

    /// A client counts itself in these rooms, up to these places; of all others it knows nothing any more.
    pub fn on_positions(&mut self, client: usize, positions: &[pb::RoomPosition]) {
        let is_known = |room: RoomId| positions.iter().any(|position| position.room_id == room.get());
        self.views.iter_mut().filter(|((of, room), _)| *of == client && !is_known(*room)).for_each(|(_, view)| {
            view.forget();
        });
        for position in positions {
            if let Ok(room) = RoomId::new(position.room_id) {
                self.check_complete(client, room, Some((position.epoch, position.last_seq)));
            }
        }
    }

    /// True if a client has heard everything up to where it stands, or was told what it has not.
    fn check_complete(&mut self, client: usize, room: RoomId, position: Option<(u64, u64)>) {
        let (Some(view), Some(truth)) = (self.views.get_mut(&(client, room)), self.truths.get(&room)) else { return };
        if let Some((epoch, seq)) = position {
            view.at = (epoch, seq);
            if view.complete.is_none() {
                view.complete = Some(seq);
            }
        }
        let Some(complete) = view.complete else { return };
        let (epoch, seq) = view.at;
        if seq <= complete {
            view.complete = Some(seq);
            return;
        }
        let mut reached = complete;
        for (at, entry) in truth.entries.range(complete + 1..=seq) {
            if entry.epoch > epoch {
                break;
            }
            reached = *at;
            let is_gap = view.gaps.iter().any(|(first, last)| (*first..=*last).contains(at));
            let is_own = entry.by == view.account;
            if entry.is_public && entry.recalled_by.is_none() && !is_gap && !is_own && !view.heard.contains_key(at) {
                let what = format!(
                    "client {client} counts itself up to {seq} in room {room}, has not heard item {at}, and was told of no gap"
                );
                return self.fail(what);
            }
        }
        view.complete = Some(reached);
    }
}
