//! What has to be read out of the log for a connection: a room, a page of history, where a message stands, what was missed
//! (chatroom.md §c.3, §d.7). Only so much is read at a time: after a restart everybody comes at once.

use std::collections::VecDeque;

use bytes::BytesMut;
use prost::Message;

use super::{Effect, Front, Line, find, overloaded};
use crate::dispatch::{Answer, Asked, Asker, CatchUp, Find, Rebuilt};
use crate::error::{Code, Status};
use crate::id::{RoomId, Seq, UserId};
use crate::limits::{HISTORY_QUERIES_MAX, REPLAYS_AT_ONCE, REPLAYS_WAITING_MAX};
use crate::room::{HistoryScope, Query, Replay, Room};
use crate::user::User;
use crate::wire::packet::encode_history;
use crate::wire::{Response, pb, store};

/// A page of history to be read, which the room has found permitted.
pub struct HistoryRead {
    /// The asker.
    pub asker: Asker,
    /// Of which room.
    pub room: RoomId,
    /// The question.
    pub query: Query,
    /// How much of it may be read.
    pub scope: HistoryScope,
}

/// The reads of one worker.
#[derive(Default)]
pub(super) struct Reads {
    /// Pages of history, and messages that are looked for.
    queries: usize,
    /// Catch-ups under way.
    replays: usize,
    waiting: VecDeque<Box<CatchUp>>,
}

impl<L: Line> Front<L> {
    /// Has a page of history read.
    pub(super) fn read_history(&mut self, asker: Asker, room: RoomId, query: Query, scope: HistoryScope) {
        if self.reads.queries >= HISTORY_QUERIES_MAX {
            return self.answer_history(asker, Err(overloaded()));
        }
        self.reads.queries += 1;
        self.effects.push(Effect::History(Box::new(HistoryRead { asker, room, query, scope })));
    }

    /// Has the log asked where a message stands.
    pub(super) fn find_message(&mut self, find: Box<Find>) {
        if self.reads.queries >= HISTORY_QUERIES_MAX {
            return self.hub.answer(find.asker, Err(overloaded()));
        }
        self.reads.queries += 1;
        self.effects.push(Effect::Find(find));
    }

    /// Has what a connection missed read, now or when others are done.
    pub(super) fn catch_up(&mut self, waiting: Box<CatchUp>) {
        if self.reads.replays < REPLAYS_AT_ONCE {
            self.reads.replays += 1;
            self.effects.push(Effect::CatchUp(waiting));
        } else if self.reads.waiting.len() < REPLAYS_WAITING_MAX {
            self.reads.waiting.push_back(waiting);
        } else {
            self.hub.on_caught_up(*waiting, Err(overloaded()));
        }
    }

    /// A room was read: answers [`Effect::Load`].
    pub fn on_loaded(&mut self, room: RoomId, loaded: Result<impl Into<Rebuilt<Room>>, Status>) {
        self.hub.on_loaded(room, loaded);
    }

    /// A user was read: answers [`Effect::LoadUser`].
    pub fn on_user_loaded(&mut self, user: UserId, loaded: Result<impl Into<Rebuilt<User>>, Status>) {
        self.users.on_loaded(user, loaded);
    }

    /// The log has said where a message stands, if it has it: answers [`Effect::Find`].
    pub fn on_found(&mut self, find: Find, found: Result<Option<Seq>, Status>) {
        self.reads.queries -= 1;
        self.hub.on_found(find, found);
    }

    /// What a connection missed was read: answers [`Effect::CatchUp`].
    pub fn on_caught_up(&mut self, waiting: CatchUp, read: Result<Replay, Status>) {
        self.reads.replays -= 1;
        // Who has not read what waits already is told the gap instead of more on top of it.
        let bytes = read.as_ref().map_or(0, Replay::bytes);
        let connection = self.connection(waiting.asked.connection);
        let is_too_much = connection.is_some_and(|connection| connection.would_owe_too_much(bytes));
        let read = if is_too_much { Err(overloaded()) } else { read };
        self.hub.on_caught_up(waiting, read);
        if let Some(next) = self.reads.waiting.pop_front() {
            self.catch_up(next);
        }
    }

    /// A page of history was read: answers [`Effect::History`].
    pub fn on_history(&mut self, asker: Asker, page: Result<store::RawHistoryResponse, Status>) {
        self.reads.queries -= 1;
        self.answer_history(asker, page);
    }

    fn answer_history(&mut self, asker: Asker, page: Result<store::RawHistoryResponse, Status>) {
        if let Asker::Connection(asked) = &asker {
            self.release(asked.connection, asked.kind);
        }
        match (asker, page) {
            (Asker::Connection(asked), Ok(page)) => self.write_history(asked, &page),
            (Asker::Connection(asked), Err(status)) => self.refuse(asked.connection, asked.kind, asked.sequence, &status),
            (asker, page) => self.hub.answer(asker, page.and_then(|page| decoded(&page))),
        }
    }

    fn write_history(&mut self, asked: Asked, page: &store::RawHistoryResponse) {
        let (mut frame, begun) = (BytesMut::new(), self.stopwatch.read());
        encode_history(asked.kind, asked.sequence, page, &mut frame);
        self.note_made(asked.kind, frame.len(), begun);
        if frame.len() > self.common.session.frame_bytes_max {
            let status = Status::new(Code::OverQuota, "the page does not fit into a frame: ask for a smaller one");
            return self.refuse(asked.connection, asked.kind, asked.sequence, &status);
        }
        if let Some(connection) = find(&mut self.connections, asked.connection) {
            connection.session.answered(asked.sequence);
            connection.transmit(self.now, &frame);
        }
    }
}

/// A page of history for whoever wants to look into its items: the same bytes, read as what they are.
fn decoded(raw: &store::RawHistoryResponse) -> Answer {
    let response = pb::MessageHistoryResponse::decode(raw.encode_to_vec().as_slice());
    let response = response.map_err(|_| Status::new(Code::ServerError, "an item of the history cannot be read"))?;
    Ok(Response::MessageHistory(response))
}
