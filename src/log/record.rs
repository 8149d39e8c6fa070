//! A record in the form it is kept in: `store::Record`, the same for every implementation.
//!
//! The command of a message is not kept beside its push: the body of the push has all of it. Bodies are copied once, into the
//! buffer the store writes from.

use bytes::Bytes;
use prost::Message as _;

use super::LogError;
use crate::id::{Epoch, RoomId, Seq, UnixMs};
use crate::room::{Command, Entry, Link, Op, Origin, PushBody, Record, Stamp};
use crate::wire::{pb, store};

/// Bytes of a record's key: room and seq, big-endian, so that the order of keys is the order of entries.
pub(super) const KEY_BYTES: usize = 16;

/// The key of an entry.
pub(super) fn key(room: RoomId, seq: Seq) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&room.get().to_be_bytes());
    key[8..].copy_from_slice(&seq.0.to_be_bytes());
    key
}

/// The room and the place behind a key.
pub(super) fn read_key(key: &[u8]) -> Result<(RoomId, Seq), LogError> {
    let corrupt = || LogError::Corrupt("a key that is no entry's".into());
    let key: [u8; KEY_BYTES] = key.try_into().map_err(|_| corrupt())?;
    let (room, seq) = key.split_at(8);
    let number = |part: &[u8]| part.try_into().map(u64::from_be_bytes).map_err(|_| corrupt());
    let room = i64::try_from(number(room)?).map_err(|_| corrupt())?;
    Ok((RoomId::new(room).map_err(|_| corrupt())?, Seq(number(seq)?)))
}

/// Replaces what `out` holds by the kept form of a record.
///
/// Fails for presence, which never belongs in the log.
pub fn encode(record: &Record, out: &mut Vec<u8>) -> Result<(), LogError> {
    let entry = &record.entry;
    let mut kept = store::Record {
        seq: entry.seq.0,
        epoch: entry.epoch.0,
        time_ms: entry.stamp.time.0,
        random: entry.stamp.random,
        clock_ahead_ms: entry.stamp.clock.0.saturating_sub(entry.stamp.time.0),
        skip_history: !record.in_history,
        notify_target_tags: record.notify_target_tags.clone(),
        epoch_first_seq: record.link.epoch_first.map_or(0, |first| first.0),
        skipped: entry.seq.0.saturating_sub(1).saturating_sub(record.link.previous.0),
        ..Default::default()
    };
    if let Op::Send(request) = &entry.command.op {
        kept.sender = entry.command.actor.connection.map_or(0, |connection| connection.get());
        kept.to_accounts.clone_from(&request.to_accounts);
    }
    match &record.push {
        Some(PushBody::Message { message_type, body }) => {
            kept.message_type = *message_type;
            kept.message = body.clone();
        }
        Some(PushBody::Notification(body)) => kept.notification = body.clone(),
        None => {}
    }
    if kept.message.is_empty() || !matches!(entry.command.op, Op::Send(_)) {
        kept.command = Some(command(&entry.command)?);
    }
    out.clear();
    out.reserve(kept.encoded_len());
    kept.encode(out).map_err(|error| LogError::Store(error.to_string()))
}

/// Reads what [`encode`] gave. Bodies share the buffer.
pub fn decode(room: RoomId, bytes: Bytes) -> Result<Record, LogError> {
    unpack(room, open(bytes)?)
}

/// The kept form without its meaning: enough for a history query.
pub(super) fn open(bytes: Bytes) -> Result<store::Record, LogError> {
    store::Record::decode(bytes).map_err(|error| LogError::Corrupt(format!("a record: {error}")))
}

/// The kept form of a message without what was said: who sent it when and under which id stays, for the sender may send it again.
/// `None`: there is nothing to take out.
pub(super) fn without_content(bytes: Bytes) -> Result<Option<Vec<u8>>, LogError> {
    let mut kept = open(bytes)?;
    if kept.message.is_empty() || kept.recalled {
        return Ok(None);
    }
    let message =
        pb::Message::decode(kept.message).map_err(|error| LogError::Corrupt(format!("the body of a message: {error}")))?;
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

/// The record behind its kept form.
pub(super) fn unpack(room: RoomId, kept: store::Record) -> Result<Record, LogError> {
    let command = match kept.command {
        Some(command) => Command::from_store(command).map_err(|status| LogError::Corrupt(status.desc.into_owned()))?,
        None if kept.message.is_empty() => return Err(LogError::Corrupt("a record without command or message".into())),
        None => {
            let message = pb::Message::decode(kept.message.clone())
                .map_err(|error| LogError::Corrupt(format!("the body of a message: {error}")))?;
            Command::send_from_message(&message)
        }
    };
    let push = if !kept.message.is_empty() {
        Some(PushBody::Message { message_type: kept.message_type, body: kept.message })
    } else if !kept.notification.is_empty() {
        Some(PushBody::Notification(kept.notification))
    } else {
        None
    };
    let clock = UnixMs(kept.time_ms.saturating_add(kept.clock_ahead_ms));
    let stamp = Stamp { time: UnixMs(kept.time_ms), clock, random: kept.random };
    let entry = Entry { seq: Seq(kept.seq), epoch: Epoch(kept.epoch), stamp, command };
    let link = Link {
        previous: Seq(kept.seq.saturating_sub(1).saturating_sub(kept.skipped)),
        epoch_first: (kept.epoch_first_seq != 0).then_some(Seq(kept.epoch_first_seq)),
    };
    Ok(Record { room, entry, push, notify_target_tags: kept.notify_target_tags, in_history: !kept.skip_history, link })
}

/// The command in its kept form. Only a message without a push, which no room makes today, brings its request along.
fn command(command: &Command) -> Result<store::Command, LogError> {
    if let Some(kept) = command.to_store() {
        return Ok(kept);
    }
    let Op::Send(request) = &command.op else {
        return Err(LogError::Store("presence never belongs in the log".into()));
    };
    let actor = &command.actor;
    let actor = store::Actor {
        account: actor.account.as_str().into(),
        connection: actor.connection.map_or(0, |connection| connection.get()),
        origin: match actor.origin {
            Origin::Member => 0,
            Origin::Http => 1,
            Origin::Server => 2,
        },
        anonymous: actor.anonymous,
        client_type: actor.client_type,
    };
    Ok(store::Command { actor: Some(actor), op: Some(store::command::Op::Send(*request.clone())) })
}

/// Entry point of the fuzzer: whatever the bytes, reading them never panics, and what was read once keeps its form.
#[doc(hidden)]
pub fn fuzz_record(data: &[u8]) {
    let Ok(room) = RoomId::new(1) else { return };
    let Ok(record) = decode(room, Bytes::copy_from_slice(data)) else { return };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    // An operation that is not kept cannot come out of the kept form.
    encode(&record, &mut first).expect("what was read can be written");
    let again = decode(room, Bytes::from(first.clone())).expect("what was written can be read");
    encode(&again, &mut second).expect("what was read can be written");
    assert_eq!(first, second, "the kept form of a record is stable");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;
    use crate::room::Actor;

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
        let mut out = b"left over".to_vec();
        encode(record, &mut out).unwrap();
        out.into()
    }

    #[test]
    fn commands_and_notifications_come_back_as_they_were() {
        let close = Op::Close(pb::RoomCloseRequest { room_id: 1, ..Default::default() });
        for push in [None, Some(PushBody::Notification(Bytes::from_static(b"body")))] {
            let record = record(close.clone(), push);
            assert_eq!(decode(record.room, encoded(&record)).unwrap(), record);
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
        assert_eq!(decode(record.room, bytes).unwrap(), record);
    }

    #[test]
    fn a_message_without_push_keeps_its_request() {
        let request = pb::MessageSendRequest { room_id: 1, message_id: "m1".into(), ..Default::default() };
        let record = record(Op::Send(Box::new(request)), None);
        assert_eq!(decode(record.room, encoded(&record)).unwrap(), record);
    }

    #[test]
    fn presence_is_refused() {
        assert!(encode(&record(Op::Exit, None), &mut Vec::new()).is_err());
    }

    #[test]
    fn keys_sort_like_entries_and_come_back() {
        let (one, two) = (RoomId::new(1).unwrap(), RoomId::new(256).unwrap());
        assert!(key(one, Seq(u64::MAX)) < key(two, Seq(0)) && key(one, Seq(255)) < key(one, Seq(256)));
        assert_eq!(read_key(&key(two, Seq(9))).unwrap(), (two, Seq(9)));
        assert!(read_key(b"short").is_err() && read_key(&[0xFF; 16]).is_err() && read_key(&[0; 16]).is_err());
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
