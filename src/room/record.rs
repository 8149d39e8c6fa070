//! Entries in the form the log keeps, as bytes and back, and the facts it needs beside them (architecture.md §6).
//!
//! The command of a message is not kept beside its push: the body of the push has all of it. Bodies are copied once, into the
//! buffer the log writes from.

use bytes::{Bytes, BytesMut};
use prost::Message as _;

use super::command::Op;
use super::entry::{Command, Entry, Record};
use super::stored::corrupt;
use crate::error::Status;
use crate::id::{AccountId, Epoch, RoomId, Seq, UnixMs};
use crate::limits::ENTRY_BYTES;
use crate::subject::{Link, PushBody, Stamp};
use crate::wire::{pb, store};

/// A beginning or an end that the log has to remember.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opens {
    /// A room with a number the node gave it.
    Number,
    /// A room made by a client begins.
    Begin,
    /// A room made by a client ends.
    End,
}

impl Record {
    /// The message it recalls: its place, and its time.
    pub fn redacts(&self) -> Option<(Seq, UnixMs)> {
        match &self.entry.command.op {
            Op::Recall(recall) => recall.seq.map(|seq| (seq, UnixMs(recall.request.time_ms))),
            _ => None,
        }
    }

    /// The beginning or the end that it is, if it is one.
    pub fn opens(&self) -> Option<Opens> {
        match &self.entry.command.op {
            Op::Create(_) => Some(Opens::Number),
            Op::Open(_) if self.room.is_of_client() => Some(Opens::Begin),
            Op::Destroy if self.room.is_of_client() => Some(Opens::End),
            _ => None,
        }
    }

    /// The kept form: everything but room, place, the place before, epoch and time, which are facts of every entry.
    ///
    /// Fails for presence, which never belongs in the log.
    pub fn into_kept(self) -> Result<store::Record, Status> {
        let Record { entry, push, notify_target_tags, in_history, link, .. } = self;
        let mut kept = store::Record {
            random: entry.stamp.random,
            clock_ahead_ms: entry.stamp.clock.0.saturating_sub(entry.stamp.time.0),
            skip_history: !in_history,
            notify_target_tags,
            epoch_first_seq: link.epoch_first.map_or(0, |first| first.0),
            ..Default::default()
        };
        match push {
            Some(PushBody::Message { message_type, body }) => {
                kept.message_type = message_type;
                kept.message = body;
            }
            Some(PushBody::Notification(body)) => kept.notification = body,
            None => {}
        }
        let mut command = entry.command;
        if let Op::Send(request) = &mut command.op {
            kept.sender = command.actor.connection.map_or(0, |connection| connection.get());
            kept.to_accounts = request.to_accounts.clone();
        }
        if kept.message.is_empty() || !matches!(command.op, Op::Send(_)) {
            // Only a message without a push, which no room makes, brings its request along.
            let stored = command.with_request();
            kept.command = Some(stored.ok_or_else(|| corrupt("presence, which never belongs in it"))?);
        }
        Ok(kept)
    }

    /// The record behind its kept form and its facts. Bodies share the buffer.
    pub fn read(room: RoomId, (previous, seq): (Seq, Seq), epoch: Epoch, time: UnixMs, kept: Bytes) -> Result<Record, Status> {
        let kept = open(kept)?;
        let command = match kept.command {
            Some(command) => Command::from_store(command)?,
            None if kept.message.is_empty() => return Err(corrupt("a record without command or message")),
            None => Command::send_from_message(&message(kept.message.clone())?),
        };
        let push = if !kept.message.is_empty() {
            Some(PushBody::Message { message_type: kept.message_type, body: kept.message })
        } else if !kept.notification.is_empty() {
            Some(PushBody::Notification(kept.notification))
        } else {
            None
        };
        let clock = UnixMs(time.0.saturating_add(kept.clock_ahead_ms));
        let entry = Entry { seq, epoch, stamp: Stamp { time, clock, random: kept.random }, command };
        let epoch_first = (kept.epoch_first_seq != 0).then_some(Seq(kept.epoch_first_seq));
        let link = Link { previous, epoch_first };
        Ok(Record { room, entry, push, notify_target_tags: kept.notify_target_tags, in_history: !kept.skip_history, link })
    }

    /// About how many bytes the log has of it.
    pub fn weight(&self) -> usize {
        let body = match &self.push {
            Some(PushBody::Message { body, .. } | PushBody::Notification(body)) => body.len(),
            None => 0,
        };
        body + ENTRY_BYTES
    }

    /// Of an entry that a snapshot covers: all a room still wants of it, if it wants anything. A send leaves its id; what was said
    /// stays only where it is of high priority, for there may be very many.
    pub fn for_dedup(mut self) -> Option<Record> {
        let Op::Send(request) = &mut self.entry.command.op else { return None };
        if !request.high_priority {
            self.push = None;
            (request.body, request.attach, request.ext) = Default::default();
        }
        Some(self)
    }
}

/// A message, by what its members know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindQuery {
    /// Its room.
    pub room: RoomId,
    /// Its time, exactly.
    pub time: UnixMs,
    /// The id its sender gave it.
    pub message_id: String,
    /// Its sender.
    pub from: AccountId,
}

impl FindQuery {
    /// True of the kept form of the message, unless it was recalled.
    pub fn is_met_by(&self, kept: Bytes) -> Result<bool, Status> {
        let kept = open(kept)?;
        if kept.message.is_empty() || kept.recalled {
            return Ok(false);
        }
        let message = message(kept.message)?;
        Ok(message.message_id == self.message_id && message.from == self.from.as_str())
    }
}

/// The kept form, without its meaning.
pub(super) fn open(kept: Bytes) -> Result<store::Record, Status> {
    store::Record::decode(kept).map_err(|_| corrupt("a record that cannot be read"))
}

pub(super) fn message(body: Bytes) -> Result<pb::Message, Status> {
    pb::Message::decode(body).map_err(|_| corrupt("the body of a message that cannot be read"))
}

/// The kept form of a message without what was said: who sent it when and under which id stays, for the sender may send it again.
/// `None`: there is nothing to take out.
pub fn without_content(kept: Bytes) -> Result<Option<Vec<u8>>, Status> {
    let mut kept = open(kept)?;
    if kept.message.is_empty() || kept.recalled {
        return Ok(None);
    }
    let message = message(kept.message)?;
    let message = pb::Message {
        room_id: message.room_id,
        seq: message.seq,
        time_ms: message.time_ms,
        epoch: message.epoch,
        message_id: message.message_id,
        from: message.from,
        from_client_type: message.from_client_type,
        r#type: message.r#type,
        skip_history: message.skip_history,
        ..Default::default()
    };
    kept.message = message.encode_to_vec().into();
    kept.command = None;
    kept.to_accounts = Vec::new();
    kept.notify_target_tags = String::new();
    kept.recalled = true;
    Ok(Some(kept.encode_to_vec()))
}

/// Entry point of the fuzzer: whatever the bytes, reading them never panics, and what was read once keeps its form.
#[doc(hidden)]
pub fn fuzz_record(data: &[u8]) {
    let Ok(room) = RoomId::new(1) else { return };
    let read = |bytes: Bytes| Record::read(room, (Seq(1), Seq(3)), Epoch(2), UnixMs(5), bytes);
    let _ = without_content(Bytes::copy_from_slice(data));
    let Ok(record) = read(Bytes::copy_from_slice(data)) else { return };
    let write = |record: Record| {
        let mut out = BytesMut::new();
        // An operation that is not kept cannot come out of the kept form.
        record.into_kept().expect("what was read can be written").encode(&mut out).expect("the buffer grows");
        out.freeze()
    };
    let first = write(record);
    let second = write(read(first.clone()).expect("what was written can be read"));
    assert_eq!(first, second, "the kept form of a record is stable");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Actor;
    use crate::subject::Origin;

    fn record(op: Op, push: Option<PushBody>) -> Record {
        let actor = Actor {
            account: AccountId::parse("alice").unwrap(),
            connection: None,
            origin: Origin::Member,
            anonymous: false,
            globally_muted: false,
            names_nobody: false,
            client_type: 16,
            on_behalf: None,
        };
        let stamp = Stamp { time: UnixMs(1_700_000_000_123), clock: UnixMs(1_700_000_003_456), random: 7 };
        let entry = Entry { seq: Seq(3), epoch: Epoch(2), stamp, command: Command { actor, op } };
        let notify_target_tags = "{\"tag\":\"a\"}".into();
        let link = Link { previous: Seq(1), epoch_first: Some(Seq(2)) };
        Record { room: RoomId::new(1).unwrap(), entry, push, notify_target_tags, in_history: true, link }
    }

    fn encoded(record: &Record) -> Bytes {
        record.clone().into_kept().unwrap().encode_to_vec().into()
    }

    fn decoded(record: &Record, kept: Bytes) -> Record {
        let entry = &record.entry;
        Record::read(record.room, (record.link.previous, entry.seq), entry.epoch, entry.stamp.time, kept).unwrap()
    }

    #[test]
    fn commands_and_notifications_come_back_as_they_were() {
        let close = Op::Close(pb::RoomCloseRequest { room_id: 1, ..Default::default() });
        for push in [None, Some(PushBody::Notification(Bytes::from_static(b"body")))] {
            let record = record(close.clone(), push);
            assert_eq!(decoded(&record, encoded(&record)), record);
        }
    }

    #[test]
    fn a_message_is_kept_once_and_its_command_rebuilt() {
        let message = pb::Message {
            room_id: 1,
            seq: 3,
            message_id: "m1".into(),
            from: "alice".into(),
            from_client_type: 16,
            body: vec![b'x'; 500].into(),
            ..Default::default()
        };
        let push = PushBody::Message { message_type: 0, body: message.encode_to_vec().into() };
        let request =
            pb::MessageSendRequest { room_id: 1, message_id: "m1".into(), body: message.body.clone(), ..Default::default() };
        let record = record(Op::Send(Box::new(request)), Some(push));
        let bytes = encoded(&record);
        assert!(bytes.len() < message.encoded_len() + 60, "{} bytes", bytes.len());
        assert_eq!(decoded(&record, bytes), record);
    }

    #[test]
    fn a_message_without_push_keeps_its_request() {
        let request = pb::MessageSendRequest { room_id: 1, message_id: "m1".into(), ..Default::default() };
        let record = record(Op::Send(Box::new(request)), None);
        assert_eq!(decoded(&record, encoded(&record)), record);
    }

    #[test]
    fn presence_is_refused() {
        assert!(record(Op::Exit, None).into_kept().is_err());
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        let message = PushBody::Message {
            message_type: 0,
            body: pb::Message { from: "a".into(), ..Default::default() }.encode_to_vec().into(),
        };
        let good = encoded(&record(Op::Reopen, Some(message)));
        fuzz_record(&good);
        for cut in 0..good.len() {
            fuzz_record(&good[..cut]);
            for flip in [0x01, 0x10, 0x80, 0xFF] {
                let mut bad = good.to_vec();
                bad[cut] ^= flip;
                fuzz_record(&bad);
            }
        }
    }
}
