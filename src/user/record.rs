//! Entries and states of users as the log keeps them, and back.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::command::Op;
use super::state::{Command, Entry, Settings, User};
use crate::error::{Code, Status};
use crate::id::{AccountId, Epoch, RoomId, Seq, UnixMs, UserId};
use crate::subject::{Actor, Link, Stamp};
use crate::wire::store::{self, user_record::Op as Stored};

/// An entry on its way to the log, or back.
#[derive(Clone, PartialEq, Debug)]
pub struct Record {
    /// The user.
    pub user: UserId,
    /// The entry.
    pub entry: Entry,
    /// Its place in the log.
    pub link: Link,
}

impl Record {
    /// The kept form: everything but user, place, the place before, epoch and time, which are facts of every entry. Fails for presence.
    pub fn into_kept(self) -> Result<store::UserRecord, Status> {
        let Record { entry, link, .. } = self;
        let op = to_store!(() &entry.command.op => {
            Op::Gone => return Err(corrupt("presence, which never belongs in it")),
            Op::NoteRoom { room, is_open } => Stored::NoteRoom(store::UserNoteRoom { room_id: room.get(), is_open: *is_open }),
            Op::Begin(begin) => Stored::Begin((**begin).clone()),
        });
        Ok(store::UserRecord {
            random: entry.stamp.random,
            clock_ahead_ms: entry.stamp.clock.0.saturating_sub(entry.stamp.time.0),
            epoch_first_seq: link.epoch_first.map_or(0, |first| first.0),
            account: entry.command.actor.account.to_string(),
            op: Some(op),
        })
    }

    /// The record behind its kept form and its facts.
    pub fn read(user: UserId, (previous, seq): (Seq, Seq), epoch: Epoch, time: UnixMs, kept: Bytes) -> Result<Record, Status> {
        let kept = store::UserRecord::decode(kept).map_err(|_| corrupt("a record that cannot be read"))?;
        let account = AccountId::parse(&kept.account).map_err(|_| corrupt("a name that is no account"))?;
        let op = from_store!(() kept.op.ok_or_else(|| corrupt("a record without a command"))? => {
            Stored::NoteRoom(note) => {
                let room = RoomId::new(note.room_id).map_err(|_| corrupt("a room without a number"))?;
                Op::NoteRoom { room, is_open: note.is_open }
            }
            Stored::Begin(begin) => Op::Begin(Box::new(begin)),
        });
        let clock = UnixMs(time.0.saturating_add(kept.clock_ahead_ms));
        let command = Command { actor: Actor::server(account), op };
        let entry = Entry { seq, epoch, stamp: Stamp { time, clock, random: kept.random }, command };
        let epoch_first = (kept.epoch_first_seq != 0).then_some(Seq(kept.epoch_first_seq));
        Ok(Record { user, entry, link: Link { previous, epoch_first } })
    }
}

impl User {
    /// The lasting state as bytes. The same state gives the same bytes.
    pub fn to_kept(&self) -> Vec<u8> {
        let boundary = |(epoch, first): (Epoch, Seq)| store::EpochBoundary { epoch: epoch.0, first_seq: first.0 };
        let state = store::UserSnapshot {
            number: self.id.number(),
            last_seq: self.last_seq.0,
            logged_seq: self.logged_seq.0,
            epoch: self.epoch.0,
            last_time_ms: self.last_time.0,
            last_clock_ms: self.last_clock.0,
            boundaries: self.boundaries.iter().map(boundary).collect(),
            rooms: self.rooms().map(RoomId::get).collect(),
            begun: self.begun.as_deref().cloned(),
        };
        state.encode_to_vec()
    }

    /// The user behind what [`User::to_kept`] gave; 500 if the bytes are none of ours.
    pub fn restore(id: UserId, settings: Arc<Settings>, state: &[u8]) -> Result<User, Status> {
        let kept = store::UserSnapshot::decode(state).map_err(|_| corrupt("a snapshot that cannot be read"))?;
        if kept.number != id.number() {
            return Err(corrupt("a snapshot of another user"));
        }
        let rooms = kept.rooms.into_iter().map(RoomId::new).collect::<Result<_, _>>();
        let mut user = User {
            last_seq: Seq(kept.last_seq),
            logged_seq: Seq(kept.logged_seq),
            epoch: Epoch(kept.epoch),
            last_time: UnixMs(kept.last_time_ms),
            last_clock: UnixMs(kept.last_clock_ms),
            rooms: rooms.map_err(|_| corrupt("a room without a number"))?,
            begun: kept.begun.map(Box::new),
            ..User::new(id, settings)
        };
        for boundary in kept.boundaries {
            user.boundaries.note(Epoch(boundary.epoch), Seq(boundary.first_seq));
        }
        Ok(user)
    }
}

fn corrupt(found: &str) -> Status {
    Status::new(Code::ServerError, format!("the log of a user holds {found}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subject as _;
    use crate::wire::pb::UserProfile;

    fn id() -> UserId {
        UserId::new(7, 3).unwrap()
    }

    fn begin(nick: &str) -> Command {
        let account = AccountId::parse("alice").unwrap();
        let profile = UserProfile { account: "alice".into(), nick: nick.into(), ..Default::default() };
        let begin = store::UserBegin { app_key: "app".into(), profile: Some(profile), ..Default::default() };
        Command { actor: Actor::server(account), op: Op::Begin(Box::new(begin)) }
    }

    fn entry(user: &User, command: Command) -> Entry {
        let stamp = Stamp { time: UnixMs(50), clock: UnixMs(60), random: 1 };
        Entry { seq: user.next_seq(), epoch: Epoch(2), stamp, command }
    }

    #[test]
    fn a_user_begins_once_and_out_of_its_log_and_its_snapshot_as_it_did() {
        let mut user = User::new(id(), Arc::default());
        let first = entry(&user, begin("Alice"));
        let link = user.apply(&first).unwrap().link;
        assert!(!user.apply(&entry(&user, begin("Another"))).unwrap().durable, "it has begun");
        assert_eq!(user.app_key(), "app");

        let kept = Record { user: id(), entry: first, link }.into_kept().unwrap().encode_to_vec();
        let read = Record::read(id(), (link.previous, Seq(1)), Epoch(2), UnixMs(50), kept.into()).unwrap();
        let mut replayed = User::new(id(), Arc::default());
        replayed.replay(&read.entry, &read.link);
        assert_eq!(replayed, user);
        assert_eq!(User::restore(id(), Arc::default(), &user.to_kept()).unwrap(), user);
    }

    #[test]
    fn only_the_server_says_that_a_user_begins() {
        let mut user = User::new(id(), Arc::default());
        let command = Command { actor: Actor::http(AccountId::parse("alice").unwrap()), ..begin("Alice") };
        assert_eq!(user.apply(&entry(&user, command)).unwrap_err().code, Code::Forbidden);
    }
}
