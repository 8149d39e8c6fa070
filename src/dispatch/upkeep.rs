//! What the owner of rooms does unasked, once a second: graces that are over, settings that have changed, what is due in a
//! room, what the vanished have left behind, rooms that nobody needs in memory.

use std::collections::HashSet;

use super::hub::Hub;
use super::mail::Asker;
use super::owner::{Live, Owned};
use crate::id::{RoomId, UnixMs};
use crate::limits::{DUE_COMMANDS_MAX, DUE_ROOMS_MAX, EXPRESSIONS_KEPT_TICKS, ROOM_IDLE_MS};
use crate::subject::{Actor, Command, Operation, Origin, Subject};

impl<S: Subject> Hub<S> {
    pub(super) fn end_graces(&mut self) {
        let mut waiting = Vec::new();
        while let Some((deadline, room, connection)) = self.grace.pop_front_if(|(deadline, _, _)| *deadline <= self.now) {
            let live = match self.rooms.get(&room) {
                Some(Owned::Live(live)) => live,
                // It is being read again, with the same people in it.
                Some(Owned::Loading(_)) => {
                    waiting.push((deadline, room, connection));
                    continue;
                }
                None => continue,
            };
            let Some(actor) = live.detached.get(&connection) else { continue };
            let command = Command { actor: Actor { origin: Origin::Server, ..actor.clone() }, op: S::Op::of_gone(true) };
            self.command(room, Asker::Nobody, command, None);
        }
        waiting.into_iter().rev().for_each(|grace| self.grace.push_front(grace));
    }

    /// Puts changed settings in force: what a room decides from now on goes by them.
    pub(super) fn refresh_rules(&mut self) {
        let version = self.config.rules.version();
        if std::mem::replace(&mut self.rules_version, version) == version {
            return;
        }
        for owned in self.rooms.values_mut() {
            if let Owned::Live(live) = owned {
                live.subject.set_settings(self.config.rules.settings(live.subject.app_key()));
            }
        }
    }

    /// Lets rooms do what they do by themselves when its time has come. A room that is not in memory does it when it is loaded.
    pub(super) fn do_what_is_due(&mut self) {
        let due = |live: &Live<S>| live.subject.deadline().filter(|at| *at <= live.clock(self.steady));
        let due = self.rooms.iter().filter_map(|(id, owned)| match owned {
            Owned::Live(live) => Some((due(live)?, *id)),
            Owned::Loading(_) => None,
        });
        let mut due: Vec<(UnixMs, RoomId)> = due.collect();
        // Those that have waited longest; the others follow a second later.
        due.sort_unstable();
        due.into_iter().take(DUE_ROOMS_MAX).for_each(|(_, id)| self.do_due(id));
    }

    pub(super) fn do_due(&mut self, id: RoomId) {
        for _ in 0..DUE_COMMANDS_MAX {
            let Some(Owned::Live(live)) = self.rooms.get(&id) else { return };
            let Some(command) = live.subject.due(live.clock(self.steady)) else { return };
            let refused = self.counters.refused;
            self.command(id, Asker::Nobody, command, None);
            if self.is_broken || self.counters.refused > refused {
                return;
            }
        }
    }

    /// Takes out what those left behind who vanished with the node and have not come back.
    pub(super) fn tidy_vacated(&mut self) {
        while let Some((_, id)) = self.vacated.pop_front_if(|(deadline, _)| *deadline <= self.now) {
            let Some(Owned::Live(live)) = self.rooms.get(&id) else { continue };
            for command in live.subject.left_behind() {
                self.command(id, Asker::Nobody, command, None);
            }
        }
    }

    /// Everybody who was in a room as the node went down has vanished. They have the grace of a lost connection to come back; for
    /// a room made by a client it counts from the start of the node, since before that nobody could.
    pub(super) fn tidy_after_load(&mut self, id: RoomId) {
        let Some(Owned::Live(live)) = self.rooms.get_mut(&id) else { return };
        if !live.subject.exists() {
            return;
        }
        let grace_ms = self.config.detach_grace_ms;
        if !live.subject.left_behind().is_empty() {
            self.vacated.push_back((self.now.plus_ms(grace_ms), id));
        }
        if !id.is_of_client() {
            return;
        }
        if let Some(since) = self.endings.left_since(id) {
            let since = UnixMs(since.0.saturating_add(live.ahead_ms));
            return live.subject.vacated(since, true);
        }
        let up_ms = self.now.ms_since(self.started.unwrap_or(self.now));
        let left_ms = i64::try_from(grace_ms).unwrap_or(i64::MAX).saturating_sub(i64::try_from(up_ms).unwrap_or(i64::MAX));
        let since = live.clock(self.steady).0.saturating_add(left_ms);
        live.subject.vacated(UnixMs(since), false);
        self.note_left(id);
    }

    /// Lets rooms drop what they have compiled and nobody uses.
    pub(super) fn forget_unused_expressions(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(EXPRESSIONS_KEPT_TICKS) {
            return;
        }
        for owned in self.rooms.values() {
            if let Owned::Live(live) = owned {
                live.subject.tidy();
            }
        }
    }

    pub(super) fn evict_idle_rooms(&mut self) {
        // Rooms with entries that the log does not have yet.
        let in_flight = self.in_flight.iter().flat_map(|writes| &writes.rooms);
        let waiting: HashSet<RoomId> = in_flight.chain(&self.writes.rooms).copied().collect();
        let (now, writes, feeds, broadcasts) = (self.now, &mut self.writes, &mut self.feeds, &mut self.broadcasts);
        let is_behind = self.in_flight.is_some() || self.is_broken;
        let ahead = &self.ahead;
        self.rooms.retain(|id, owned| {
            let Owned::Live(live) = owned else { return true };
            // Anybody may ask for rooms by names nobody has used; they must not stay. One that waits for its end is read again then.
            let idle_ms = if live.subject.exists() { ROOM_IDLE_MS } else { 0 };
            let is_in_use = !live.is_deserted() || !live.subject.is_empty_of_people();
            if is_in_use || now.ms_since(live.used) < idle_ms || ahead.contains(id) || waiting.contains(id) {
                return true;
            }
            if live.is_worth_saving() {
                if !is_behind {
                    writes.snapshots.push((*id, live.last_seq(), live.take_snapshot(true)));
                }
                return true;
            }
            feeds.remove(id);
            broadcasts.forget(*id);
            false
        });
    }
}
