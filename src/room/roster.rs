//! What a room knows whether anybody is here or not: fixed members, and temporary mutes of accounts and tags.

use super::mutes::Mutes;
use super::role::Standpoint;
use crate::id::{AccountId, ByAccount, UnixMs};
use crate::subject::{Lazy, vacant};

/// A role that survives leaving.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Role {
    /// None; the record stands for a restriction.
    #[default]
    Visitor,
    Common,
    Administrator,
    Creator,
}

/// A fixed member's record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Record {
    pub role: Role,
    pub level: Option<u32>,
    pub blocklisted: bool,
    pub muted: bool,
    pub nick: Box<str>,
    pub avatar: Box<str>,
    pub ext: Box<str>,
    /// When the account entered last; not restored exactly, for presence is not in the log.
    pub enter_time: UnixMs,
    /// When the record changed last: the key of the lists of fixed members.
    pub update_time: UnixMs,
}

impl Standpoint {
    /// Words of a record about its account.
    pub(super) fn of(record: Option<&Record>) -> Standpoint {
        let Some(record) = record else { return Standpoint::Visitor };
        match (record.role, record.blocklisted, record.muted) {
            (Role::Creator, ..) => Standpoint::Creator,
            (Role::Administrator, ..) => Standpoint::Administrator,
            (_, true, true) => Standpoint::BlocklistedAndMuted,
            (_, true, false) => Standpoint::Blocklisted,
            (_, false, true) => Standpoint::Muted,
            (Role::Common, ..) => Standpoint::Common,
            (Role::Visitor, ..) => Standpoint::Visitor,
        }
    }
}

/// The fixed members, and who is muted until when.
#[derive(Default)]
pub(super) struct Roster {
    // The box keeps the places small that a table has for nobody yet.
    records: ByAccount<Box<Record>>,
    /// Ascending. Changes are rare, and nearly every room has a creator and nobody else here.
    by_update: Vec<(UnixMs, AccountId)>,
    mutes: Lazy<Mutes<AccountId>>,
    /// Tags whose carriers are muted.
    pub tag_mutes: Lazy<Mutes<Box<str>>>,
}

vacant!(Mutes<AccountId>, Mutes<Box<str>>);

impl Roster {
    /// Fixed members.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// An account's record.
    pub fn record(&self, account: &AccountId) -> Option<&Record> {
        self.records.get(account).map(|record| &**record)
    }

    /// The accounts that are kept out.
    pub fn blocklisted(&self) -> impl Iterator<Item = &AccountId> {
        self.records.iter().filter(|(_, record)| record.blocklisted).map(|(account, _)| account)
    }

    /// Fixed members by the time their record changed.
    pub fn by_update(&self) -> &[(UnixMs, AccountId)] {
        &self.by_update
    }

    /// Writes a record down. No two have changed at the same time (rest-api.md §4.15): a later equal one counts one millisecond more,
    /// so that lists can be paged by time.
    pub fn put(&mut self, account: &AccountId, mut record: Record) {
        self.remove(account);
        if let Some((last, _)) = self.by_update.last() {
            record.update_time = record.update_time.max(UnixMs(last.0.saturating_add(1)));
        }
        if self.by_update.len() == self.by_update.capacity() {
            // A quarter more instead of four at once: a creator alone needs one place.
            self.by_update.reserve_exact(self.by_update.len() / 4 + 1);
        }
        self.by_update.push((record.update_time, account.clone()));
        self.records.insert(account.clone(), Box::new(record));
    }

    /// Gives an account a standpoint; one without any distinction has no record.
    pub fn set_standpoint(&mut self, account: &AccountId, standpoint: Standpoint, level: Option<u32>, now: UnixMs) {
        let (role, blocklisted, muted) = match standpoint {
            Standpoint::Visitor => return self.remove(account),
            Standpoint::Common => (Role::Common, false, false),
            Standpoint::Administrator => (Role::Administrator, false, false),
            Standpoint::Creator => (Role::Creator, false, false),
            Standpoint::Blocklisted => (Role::Visitor, true, false),
            Standpoint::Muted => (Role::Visitor, false, true),
            Standpoint::BlocklistedAndMuted => (Role::Visitor, true, true),
        };
        let old = self.record(account).cloned().unwrap_or_default();
        self.put(account, Record { role, level, blocklisted, muted, update_time: now, ..old });
    }

    /// Notes when a fixed member has entered.
    pub fn set_enter_time(&mut self, account: &AccountId, time: UnixMs) {
        if let Some(record) = self.records.get_mut(account) {
            record.enter_time = time;
        }
    }

    /// Until when the account is muted, if it still is.
    pub fn muted_until(&self, account: &AccountId, now: UnixMs) -> Option<UnixMs> {
        if self.mutes.is_empty() { None } else { self.mutes.until(account, now) }
    }

    /// True if one more account may be muted for a time.
    pub fn has_room_for_mute(&self, account: &AccountId, now: UnixMs) -> bool {
        self.mutes.has_room_for(account, now)
    }

    /// Mutes an account until then; a time that has come lifts the mute. Forgets the mutes that are over.
    pub fn mute_until(&mut self, account: &AccountId, until: UnixMs, now: UnixMs) {
        self.mutes.set(account, until, now);
    }

    /// Every temporary mute, in the order they end.
    pub fn mutes(&self) -> impl Iterator<Item = (&AccountId, UnixMs)> {
        self.mutes.iter()
    }

    fn remove(&mut self, account: &AccountId) {
        if let Some(record) = self.records.remove(account)
            && let Ok(index) = self.by_update.binary_search_by_key(&record.update_time, |(time, _)| *time)
        {
            self.by_update.remove(index);
        }
    }
}
