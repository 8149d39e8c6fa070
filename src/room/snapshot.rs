//! The lasting state as bytes, and back.

use std::sync::Arc;

use prost::Message as _;

use super::attributes::{self, Map};
use super::queue::Element;
use super::roster::{Record, Role};
use super::settings::Settings;
use super::state::Room;
use super::stored::corrupt;
use crate::error::Status;
use crate::id::{AccountId, Epoch, RoomId, Seq, UnixMs};
use crate::wire::{pb, store};

impl Room {
    /// The lasting state, everything but who is here: a `store::Snapshot`, encoded. The same state gives the same bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        self.state().encode_to_vec()
    }

    /// The same, and of a room made by a client that everybody has left, since when: so that it ends in time after a restart.
    pub fn snapshot_with_end(&self) -> Vec<u8> {
        let left_since_ms = self.ends_at().map_or(0, |_| self.empty_since.0);
        store::Snapshot { left_since_ms, ..self.state() }.encode_to_vec()
    }

    fn state(&self) -> store::Snapshot {
        store::Snapshot {
            room_id: self.id.get(),
            last_seq: self.last_seq.0,
            epoch: self.epoch.0,
            last_time_ms: self.last_time.0,
            last_clock_ms: self.last_clock.0,
            app_key: self.app_key.to_string(),
            info: self.exists().then(|| pb::RoomInfo { queue_size_limit: self.queue.size_limit(), ..self.info.clone() }),
            members: self.roster.by_update().iter().filter_map(|(_, account)| self.fixed_member(account)).collect(),
            temp_mutes: self.roster.mutes().map(|(account, until)| temp_mute(account.as_str(), until)).collect(),
            tag_mutes: self.roster.tag_mutes.iter().map(|(tag, until)| temp_mute(tag, until)).collect(),
            queue: self.queue.iter().map(Element::to_pb).collect(),
            queue_places: self.queue.behind(0).map(|(place, _)| place).collect(),
            queue_next_place: self.queue.next_place(),
            left_since_ms: 0,
            closed: self.exists() && !self.info.valid,
            attributes: attributes::list(&self.attributes),
            member_attributes: self.member_attributes.after(None).map(member_attributes).collect(),
            born_seq: self.born.0,
            boundaries: self.boundaries.iter().map(boundary).collect(),
            logged_seq: self.logged_seq.0,
        }
    }

    fn fixed_member(&self, account: &AccountId) -> Option<store::FixedMember> {
        let record = self.roster.record(account)?;
        Some(store::FixedMember {
            account: account.as_str().into(),
            role: record.role as u32,
            level: record.level,
            blocklisted: record.blocklisted,
            muted: record.muted,
            nick: record.nick.to_string(),
            avatar: record.avatar.to_string(),
            ext: record.ext.to_string(),
            enter_time_ms: record.enter_time.0,
            update_time_ms: record.update_time.0,
        })
    }

    /// The room behind what [`Room::snapshot`] gave, without anybody in it; 500 if the bytes are none of ours.
    pub fn restore(id: RoomId, settings: Arc<Settings>, state: &[u8]) -> Result<Room, Status> {
        let account = |name: &str| AccountId::parse(name).map_err(|_| corrupt("a snapshot with a name that is no account"));
        let snapshot = store::Snapshot::decode(state).map_err(|_| corrupt("a snapshot that cannot be read"))?;
        if snapshot.room_id != id.get() {
            return Err(corrupt("a snapshot of another room"));
        }
        let mut room = Room::new(id, settings);
        room.last_seq = Seq(snapshot.last_seq);
        room.last_time = UnixMs(snapshot.last_time_ms);
        // A snapshot of before has one clock.
        room.last_clock = if snapshot.last_clock_ms == 0 { room.last_time } else { UnixMs(snapshot.last_clock_ms) };
        room.empty_since = room.last_clock;
        room.epoch = Epoch(snapshot.epoch);
        room.born = Seq(snapshot.born_seq);
        room.left_before = (snapshot.left_since_ms != 0).then_some(UnixMs(snapshot.left_since_ms));
        for boundary in snapshot.boundaries {
            room.boundaries.note(Epoch(boundary.epoch), Seq(boundary.first_seq));
        }
        if snapshot.last_seq != 0 {
            // A snapshot of an earlier program knows its last epoch and not where that began: positions of earlier ones are gone.
            room.boundaries.note(room.epoch, Seq(1));
        }
        room.logged_seq = Seq(if snapshot.logged_seq == 0 { snapshot.last_seq } else { snapshot.logged_seq });
        let Some(info) = snapshot.info else { return Ok(room) };
        room.app_key = snapshot.app_key.into();
        room.creator = Some(account(&info.creator)?);
        if info.queue_size_limit != room.queue.size_limit() {
            room.queue.set_size_limit(info.queue_size_limit);
        }
        room.info = pb::RoomInfo { valid: !snapshot.closed, queue_size_limit: 0, online_count: 0, ..info };
        for member in snapshot.members {
            let record = Record {
                role: match member.role {
                    0 => Role::Visitor,
                    1 => Role::Common,
                    2 => Role::Administrator,
                    3 => Role::Creator,
                    _ => return Err(corrupt("a snapshot with an unknown role")),
                },
                level: member.level,
                blocklisted: member.blocklisted,
                muted: member.muted,
                nick: member.nick.into(),
                avatar: member.avatar.into(),
                ext: member.ext.into(),
                enter_time: UnixMs(member.enter_time_ms),
                update_time: UnixMs(member.update_time_ms),
            };
            room.roster.put(&account(&member.account)?, record);
        }
        for mute in snapshot.temp_mutes {
            room.roster.mute_until(&account(&mute.name)?, UnixMs(mute.until_ms), UnixMs(i64::MIN));
        }
        for mute in snapshot.tag_mutes {
            room.roster.tag_mutes.set(&mute.name.into(), UnixMs(mute.until_ms), UnixMs(i64::MIN));
        }
        let mut places = snapshot.queue_places.into_iter();
        for element in snapshot.queue {
            room.queue.go_on_at(places.next().unwrap_or_default());
            let (key, owner) = (element.key.into(), account(&element.owner)?);
            room.queue.offer(Element { key, value: element.value, owner, transient: element.transient });
        }
        if snapshot.queue_next_place > room.queue.next_place() {
            room.queue.go_on_at(snapshot.queue_next_place);
        }
        for attribute in snapshot.attributes {
            let (key, attribute) = attributes::from_pb(attribute).map_err(|_| corrupt("an attribute without owner"))?;
            room.attributes.insert(key, attribute);
        }
        for member in snapshot.member_attributes {
            let map = member.attributes.into_iter().map(attributes::from_pb).collect::<Result<Map, Status>>();
            let map = map.map_err(|_| corrupt("a member's attribute without owner"))?;
            room.member_attributes.put(&account(&member.account)?, map);
        }
        Ok(room)
    }
}

fn member_attributes((account, map): (&AccountId, &Map)) -> pb::MemberAttributes {
    pb::MemberAttributes { account: account.as_str().into(), attributes: attributes::list(map), error_keys: Vec::new() }
}

fn boundary((epoch, first): (Epoch, Seq)) -> store::EpochBoundary {
    store::EpochBoundary { epoch: epoch.0, first_seq: first.0 }
}

fn temp_mute(name: &str, until: UnixMs) -> store::TempMute {
    store::TempMute { name: name.into(), until_ms: until.0 }
}
