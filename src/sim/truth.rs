//! The rooms' logs, as the world saw it written: what everybody is told is measured against that.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::id::{RoomId, Seq};
use crate::room::{Op, Record};
use crate::subject::{Origin, PushBody};
use crate::wire::pb;

/// A number that stands for the bytes of a push.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// One entry.
pub(super) struct Entry {
    /// Its epoch.
    pub epoch: u64,
    /// The digest of its push, if it has one.
    pub push: Option<u64>,
    /// The account that wanted it.
    pub by: String,
    /// Everybody in the room is told.
    pub is_public: bool,
    /// The history shows it.
    pub in_history: bool,
    /// The later entry that has recalled it.
    pub recalled_by: Option<u64>,
    /// Its time.
    time: i64,
    /// It is on the platter.
    pub is_durable: bool,
}

/// Effect of an entry on a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    /// Nothing that is watched.
    None,
    /// It is put out.
    Kick(String),
    /// It may not come in from here on, or may again.
    Block(String, bool),
    /// It may not speak from here on, or may again.
    Mute(String, bool),
    /// The room ends, or its members have to leave.
    End,
}

/// The log of one room.
#[derive(Default)]
pub(super) struct Truth {
    /// By number.
    pub entries: BTreeMap<u64, Entry>,
    ids: HashMap<(String, String), u64>,
    /// The entry the room began with.
    born: u64,
    /// The last epoch of which an entry was lost.
    torn: Option<u64>,
    /// Members that are muted, as of the newest entry that says so, with its number.
    pub mutes: BTreeMap<String, Vec<(u64, bool)>>,
    /// Members that were put out or kept out, with the number of the entry.
    pub exiles: BTreeMap<String, Vec<(u64, Deed)>>,
    /// Numbers of entries by the token of the operation that made them.
    tokens: BTreeMap<u64, u64>,
}

impl Truth {
    /// An entry is on its way to the disk. `Err`: what is wrong with it.
    pub fn append(&mut self, record: &Record) -> Result<(), String> {
        let (seq, entry) = (record.entry.seq.0, &record.entry);
        let room = record.room;
        let last = self.entries.last_key_value().map_or(0, |(seq, _)| *seq);
        if seq <= last {
            return Err(format!("entry {seq} of room {room} comes after entry {last}: seq has to rise"));
        }
        if record.link.previous != Seq(last) {
            let previous = record.link.previous.0;
            return Err(format!("entry {seq} of room {room} says that {previous} comes before it, and the log has {last}"));
        }
        if self.entries.last_key_value().is_some_and(|(_, last)| entry.stamp.time.0 < last.time) {
            return Err(format!("the time of entry {seq} of room {room} lies before that of the entry before it"));
        }
        if let Some((_, last)) = self.entries.last_key_value()
            && entry.epoch.0 < last.epoch
        {
            return Err(format!(
                "epochs fall: entry {seq} of room {room} has {}, the one before {}",
                entry.epoch.0, last.epoch
            ));
        }
        if self.torn.is_some_and(|torn| entry.epoch.0 <= torn) {
            let epoch = entry.epoch.0;
            return Err(format!("entry {seq} of room {room} goes on in epoch {epoch}, of which an entry was lost"));
        }
        let op = &entry.command.op;
        let push = record.push.as_ref().map(|push| match push {
            PushBody::Message { body, .. } | PushBody::Notification(body) => digest(body),
        });
        let mut is_public = push.is_some() && record.notify_target_tags.is_empty();
        if let Op::Send(send) = op {
            is_public &= send.to_accounts.is_empty();
            let from = entry.command.actor.account.to_string();
            if entry.command.actor.origin == Origin::Member
                && let Some((muted, true)) = self.mutes.get(&from).and_then(|mutes| mutes.last())
            {
                return Err(format!("{from} is muted in room {room} since entry {muted}, and speaks in entry {seq}"));
            }
            let key = (from, send.message_id.clone());
            if let Some(before) = self.ids.insert(key.clone(), seq).filter(|before| *before > self.born) {
                return Err(format!("message {} of {} in room {room} is entry {before}, and entry {seq} again", key.1, key.0));
            }
        }
        if let Op::Recall(recall) = op
            && let Some(seq) = recall.seq
            && let Some(recalled) = self.entries.get_mut(&seq.0)
        {
            recalled.recalled_by = Some(entry.seq.0);
        }
        if matches!(op, Op::Open(_)) {
            // The room begins anew: what stands before is another's.
            self.entries.values_mut().for_each(|entry| entry.is_public = false);
            self.born = seq;
            (self.mutes, self.exiles) = Default::default();
        }
        let deed = deed(op);
        match &deed {
            Deed::Mute(account, on) => self.mutes.entry(account.clone()).or_default().push((seq, *on)),
            Deed::Kick(account) | Deed::Block(account, _) => {
                self.exiles.entry(account.clone()).or_default().push((seq, deed.clone()));
            }
            Deed::None | Deed::End => {}
        }
        self.tokens.extend(token_of(op).map(|token| (token, seq)));
        let entry = Entry {
            epoch: entry.epoch.0,
            push,
            by: entry.command.actor.account.to_string(),
            is_public,
            in_history: record.in_history && push.is_some(),
            recalled_by: None,
            time: entry.stamp.time.0,
            is_durable: false,
        };
        self.entries.insert(seq, entry);
        Ok(())
    }

    /// Entries are on the platter.
    pub fn sync(&mut self, seq: u64) {
        if let Some(entry) = self.entries.get_mut(&seq) {
            entry.is_durable = true;
        }
    }

    /// What is not on the platter is lost, and the log goes on behind what is. Gives the last number that is left.
    pub fn lose(&mut self, is_lost: impl Fn(u64) -> bool) -> u64 {
        let lost = self.entries.iter().filter(|(seq, entry)| !entry.is_durable && is_lost(**seq)).map(|(seq, _)| *seq);
        let lost: BTreeSet<u64> = lost.collect();
        if !lost.is_empty() {
            let epochs = lost.iter().filter_map(|seq| self.entries.get(seq)).map(|entry| entry.epoch);
            self.torn = self.torn.max(epochs.max());
            self.entries.retain(|seq, _| !lost.contains(seq));
            self.ids.retain(|_, seq| !lost.contains(seq));
            let is_back = |entry: &&mut Entry| entry.recalled_by.is_some_and(|by| lost.contains(&by));
            self.entries.values_mut().filter(is_back).for_each(|entry| entry.recalled_by = None);
            self.tokens.retain(|_, seq| !lost.contains(seq));
            self.mutes.values_mut().for_each(|mutes| mutes.retain(|(seq, _)| !lost.contains(seq)));
            self.exiles.values_mut().for_each(|exiles| exiles.retain(|(seq, _)| !lost.contains(seq)));
        }
        self.last()
    }

    /// The number of the last entry.
    pub fn last(&self) -> u64 {
        self.entries.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    /// True if the operation with this token is on the platter.
    pub fn has_token(&self, token: u64) -> bool {
        self.tokens.get(&token).and_then(|seq| self.entries.get(seq)).is_some_and(|entry| entry.is_durable)
    }

    /// True if this message is on the platter, and where.
    pub fn place_of(&self, from: &str, id: &str) -> Option<(u64, bool)> {
        let seq = *self.ids.get(&(from.to_owned(), id.to_owned()))?;
        Some((seq, self.entries.get(&seq)?.is_durable))
    }

    /// True if this account is kept out at this place of the log.
    pub fn is_blocked(&self, account: &str, seq: u64) -> bool {
        let exiles = self.exiles.get(account).map_or(&[][..], |exiles| exiles);
        let last = exiles.iter().rfind(|(at, deed)| *at <= seq && matches!(deed, Deed::Block(..)));
        matches!(last, Some((_, Deed::Block(_, true))))
    }

    /// The first entry between two places, the first exclusive, that puts this account out.
    pub fn exile(&self, account: &str, after: u64, before: u64) -> Option<u64> {
        let is_out = |deed: &Deed| matches!(deed, Deed::Kick(_) | Deed::Block(_, true));
        let exiles = self.exiles.get(account)?;
        exiles.iter().find(|(at, deed)| *at > after && *at < before && is_out(deed)).map(|(at, _)| *at)
    }
}

fn deed(op: &Op) -> Deed {
    match op {
        Op::Kick(kick) => Deed::Kick(kick.account.clone()),
        Op::SetRole(role) => match role.change() {
            pb::RoleChange::Blocklist => Deed::Block(role.account.clone(), role.set),
            _ => Deed::None,
        },
        Op::TempMute(mute) => Deed::Mute(mute.account.clone(), mute.seconds > 0),
        Op::Close(_) | Op::Destroy => Deed::End,
        _ => Deed::None,
    }
}

/// The token in one of the texts of an operation.
fn token_of(op: &Op) -> Option<u64> {
    let text = match op {
        Op::Kick(request) => &request.notify_ext,
        Op::SetRole(request) => &request.notify_ext,
        Op::TempMute(request) => &request.notify_ext,
        Op::Recall(recall) => &recall.request.notify_ext,
        Op::QueueOffer(offer) => return read_token(std::str::from_utf8(&offer.value).ok()?),
        Op::SetAttributes(set) => set.attributes.values().next()?,
        _ => return None,
    };
    read_token(text)
}

fn read_token(text: &str) -> Option<u64> {
    text.strip_prefix('#')?.parse().ok()
}

/// Logs by room.
pub(super) type Truths = BTreeMap<RoomId, Truth>;
