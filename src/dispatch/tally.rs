//! What happens in the rooms of one worker, counted as it happens: messages, enters, and the accounts behind them (as
//! rest-api.md §4.14 asks). Taken away once a second or so; what becomes of the figures is for others to say.

use std::hash::Hash;

use super::hub::Hub;
use crate::id::{AccountSet, ByNumber, UnixMs};
use crate::limits::{TALLIED_ACCOUNTS_MAX, TALLY_QUARTER_MS};
use crate::subject::{Entry, Key, Outcome, Subject};

/// What happened in one room within a quarter of an hour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RoomTally {
    /// Whose room.
    pub app_key: Box<str>,
    /// Messages that were sent.
    pub messages: u32,
    /// Connections that entered; one that came back within its grace did not.
    pub enters: u32,
    /// Who sent or entered.
    pub accounts: AccountSet,
}

/// What happened within one quarter of an hour. The days and hours of every time zone are made of whole quarters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tallies<K: Eq + Hash> {
    /// When it began.
    pub quarter: UnixMs,
    /// The rooms in which something happened.
    pub rooms: ByNumber<K, RoomTally>,
}

/// What has happened since it was last taken away.
pub(super) struct Tally<K: Eq + Hash> {
    quarter: i64,
    rooms: ByNumber<K, RoomTally>,
    /// Accounts in all of them.
    accounts: usize,
    /// Quarters that are over.
    over: Vec<Tallies<K>>,
}

impl<K: Eq + Hash> Default for Tally<K> {
    fn default() -> Tally<K> {
        Tally { quarter: 0, rooms: ByNumber::default(), accounts: 0, over: Vec::new() }
    }
}

impl<K: Key> Tally<K> {
    /// Counts what an entry came to.
    pub(super) fn count<S: Subject<Key = K>>(
        &mut self,
        now: UnixMs,
        room: &S,
        entry: &Entry<S::Op>,
        outcome: &Outcome<S::Op, S::Told>,
    ) {
        let (is_message, enters) = room.tally(entry, outcome);
        if !is_message && enters == 0 {
            return;
        }
        let account = &entry.command.actor.account;
        let quarter = now.0.div_euclid(TALLY_QUARTER_MS);
        if quarter != self.quarter {
            self.end_quarter();
            self.quarter = quarter;
        }
        if self.rooms.len() >= TALLIED_ACCOUNTS_MAX && !self.rooms.contains_key(&room.id()) {
            return;
        }
        let fresh = || RoomTally { app_key: room.app_key().into(), ..RoomTally::default() };
        let counts = self.rooms.entry(room.id()).or_insert_with(fresh);
        counts.messages = counts.messages.saturating_add(u32::from(is_message));
        counts.enters = counts.enters.saturating_add(enters);
        if !counts.accounts.contains(account) && self.accounts < TALLIED_ACCOUNTS_MAX {
            counts.accounts.insert(account.clone());
            self.accounts += 1;
        }
    }

    fn end_quarter(&mut self) {
        if self.rooms.is_empty() {
            return;
        }
        // As it is: a worker with many rooms must not go through them once more.
        let rooms = std::mem::take(&mut self.rooms);
        self.over.push(Tallies { quarter: UnixMs(self.quarter * TALLY_QUARTER_MS), rooms });
    }
}

impl<S: Subject> Hub<S> {
    /// What has happened in the rooms since this was last asked, by quarters of an hour.
    pub fn take_tallies(&mut self) -> Vec<Tallies<S::Key>> {
        self.owner.tally.end_quarter();
        self.owner.tally.accounts = 0;
        std::mem::take(&mut self.owner.tally.over)
    }
}
