//! A store that failed and is open again: what is in memory ahead of the disk goes, and everybody who is connected learns the new
//! epoch (chatroom.md §d.7, im.md §0.2).

use super::commit::Held;
use super::downlink::{Class, Downlink};
use super::feed::Item;
use super::hub::{Effect, Hub};
use super::mail::{Mail, Request};
use super::owner::{Live, Owned, broken};
use crate::error::Status;
use crate::id::{Epoch, RoomId, Seq};
use crate::room::{Audience, Room};
use crate::wire::{Push, pb};

impl Hub {
    /// The store is open again, under a new epoch. Every room in memory is read again; until [`Hub::on_loaded`] brings its state,
    /// what is asked of it waits. Connections keep their places. Those of a room that has lost a message or a lasting notification
    /// are told of a gap, all are told of the epoch, and those of a room that the disk does not have are sent away.
    ///
    /// Whatever [`Effect::Load`] was carried out before must have been answered, or must fail.
    pub fn on_store_reopened(&mut self, epoch: Epoch) {
        self.on_committed(false);
        self.config.epoch = epoch;
        self.is_broken = false;
        let dropped = std::mem::take(&mut self.writes);
        for held in dropped.held {
            match held {
                Held::Answer(asker, _) => self.answer(asker, Err(broken())),
                Held::Find(find) => self.answer(find.asker, Err(broken())),
                Held::CatchUp(waiting) => self.read_missed(waiting),
                Held::Left(mail) => self.tell_left(mail),
            }
        }
        for (room, connection, heard) in dropped.joins {
            let mail = match heard {
                Some(_) => Mail::Joined { room, connection, replay: Vec::new(), held: None },
                None => Mail::Left { room, connection, kicked: None },
            };
            self.send(connection.worker(), mail);
        }
        let mut rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        rooms.sort_unstable();
        for id in rooms {
            match self.rooms.remove(&id) {
                Some(Owned::Live(live)) => self.reload(id, live, Vec::new()),
                Some(Owned::Reloading(live, waiting)) => self.reload(id, live, waiting),
                Some(loading) => drop(self.rooms.insert(id, loading)),
                None => {}
            }
        }
    }

    fn reload(&mut self, id: RoomId, live: Box<Live>, waiting: Vec<Request>) {
        self.rooms.insert(id, Owned::Reloading(live, waiting));
        self.effects.push(Effect::Load(id));
    }

    /// What the disk has of a room that is in memory.
    pub(super) fn on_reloaded(&mut self, id: RoomId, mut live: Box<Live>, waiting: Vec<Request>, loaded: Result<Room, Status>) {
        let mut room = match loaded {
            Ok(room) => room,
            Err(status) => {
                // The next opening of the store asks again.
                self.is_broken = true;
                self.rooms.insert(id, Owned::Reloading(live, Vec::new()));
                return waiting.into_iter().for_each(|request| self.answer(request.asker, Err(status.clone())));
            }
        };
        room.set_settings(self.config.rules.settings(room.app_key()));
        let (had, has) = (live.last_seq(), Seq(room.next_seq().0.saturating_sub(1)));
        let is_lost = live.room.logged_seq() > room.logged_seq();
        let is_gone = live.room.exists() && !room.exists();
        if is_gone {
            self.send_away(id, &mut live);
        } else {
            room.adopt(&mut live.room);
        }
        live.room = room;
        live.saved = live.last_seq();
        live.entries_since_snapshot = 0;
        let downlink = Downlink::new(live.room.settings());
        let leaves_things = !live.room.left_behind().is_empty();
        self.rooms.insert(id, Owned::Live(live));
        if leaves_things {
            self.vacated.push_back((self.now.plus_ms(self.config.detach_grace_ms), id));
        }
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.distrust(had);
        }
        let gap = pb::Gap { room_id: id.get(), first_seq: has.next().0, last_seq: had.0 };
        let told = pb::RoomEpoch { room_id: id.get(), epoch: self.config.epoch.0, log_seq: has.0 };
        let told = is_lost.then_some(Push::Gap(gap)).into_iter().chain([Push::RoomEpoch(told)]);
        for push in told {
            let frame = self.encode(&push);
            let item = Item { frame, seq: has, audience: Audience::All, class: Class::Kept, downlink, at: self.now };
            self.publish(id, item);
        }
        self.do_due(id);
        waiting.into_iter().for_each(|request| self.ask(request));
    }

    /// Sends everybody out of a room that the disk never had. They may come back, and will be told that there is none.
    fn send_away(&mut self, id: RoomId, live: &mut Live) {
        for (account, connection) in live.room.everybody() {
            self.config.accounts.release(live.room.app_key(), &account, id);
            if !live.unfollow(connection) {
                continue;
            }
            let kicked = pb::Kicked {
                reason: pb::KickReason::Silent as i32,
                message: "the room was lost with the store".into(),
                may_reconnect: true,
                room_id: id.get(),
                ..pb::Kicked::default()
            };
            self.send(connection.worker(), Mail::Left { room: id, connection, kicked: Some(Box::new(kicked)) });
        }
    }
}
