//! What the owner of subjects does unasked, once a second: graces that are over, settings that have changed, what is due in a
//! subject, what the vanished have left behind, subjects that nobody needs in memory.

use std::collections::BTreeSet;

use super::hub::Hub;
use super::live::{Live, Owned};
use super::mail::Asker;
use crate::id::UnixMs;
use crate::limits::{DUE_COMMANDS_MAX, DUE_ROOMS_MAX, EXPRESSIONS_KEPT_TICKS, ROOM_IDLE_MS};
use crate::subject::{Actor, Command, Operation, Origin, Subject};

impl<S: Subject> Hub<S> {
    pub(super) fn end_graces(&mut self) {
        let mut waiting = Vec::new();
        while let Some((deadline, subject, connection)) =
            self.owner.grace.pop_front_if(|(deadline, _, _)| *deadline <= self.clock.now)
        {
            let live = match self.owner.subjects.get(&subject) {
                Some(Owned::Live(live)) => live,
                // It is being read again, with the same people in it.
                Some(Owned::Loading(_)) => {
                    waiting.push((deadline, subject, connection));
                    continue;
                }
                None => continue,
            };
            let Some(actor) = live.lost.detached.get(&connection) else { continue };
            let command = Command { actor: Actor { origin: Origin::Server, ..actor.clone() }, op: S::Op::of_gone(true) };
            self.command(subject, Asker::Nobody, command, None);
        }
        waiting.into_iter().rev().for_each(|grace| self.owner.grace.push_front(grace));
    }

    /// Puts changed settings in force: what a subject decides from now on goes by them.
    pub(super) fn refresh_rules(&mut self) {
        let version = self.config.rules.version();
        if std::mem::replace(&mut self.owner.rules_version, version) == version {
            return;
        }
        for owned in self.owner.subjects.values_mut() {
            if let Owned::Live(live) = owned {
                live.subject.set_settings(self.config.rules.settings(live.subject.app_key()));
            }
        }
    }

    /// Lets subjects do what they do by themselves when its time has come. A subject that is not in memory does it when it is loaded.
    pub(super) fn do_what_is_due(&mut self) {
        let due = |live: &Live<S>| live.subject.deadline().filter(|at| *at <= live.clock(self.clock.steady));
        let due = self.owner.subjects.iter().filter_map(|(id, owned)| match owned {
            Owned::Live(live) => Some((due(live)?, *id)),
            Owned::Loading(_) => None,
        });
        let mut due: Vec<(UnixMs, S::Key)> = due.collect();
        // Those that have waited longest; the others follow a second later.
        due.sort_unstable();
        due.into_iter().take(DUE_ROOMS_MAX).for_each(|(_, id)| self.do_due(id));
    }

    pub(super) fn do_due(&mut self, id: S::Key) {
        for _ in 0..DUE_COMMANDS_MAX {
            let Some(Owned::Live(live)) = self.owner.subjects.get(&id) else { return };
            let Some(command) = live.subject.due(live.clock(self.clock.steady)) else { return };
            let refused = self.counters.refused;
            self.command(id, Asker::Nobody, command, None);
            if self.commit.is_broken || self.counters.refused > refused {
                return;
            }
        }
    }

    /// Takes out what those left behind who vanished with the node and have not come back.
    pub(super) fn tidy_vacated(&mut self) {
        while let Some((_, id)) = self.owner.vacated.pop_front_if(|(deadline, _)| *deadline <= self.clock.now) {
            self.tidy(id);
        }
    }

    /// Takes out what a subject has and should not.
    pub(super) fn tidy(&mut self, id: S::Key) {
        let Some(Owned::Live(live)) = self.owner.subjects.get(&id) else { return };
        for command in live.subject.left_behind() {
            self.command(id, Asker::Nobody, command, None);
        }
    }

    /// Everybody who was in a subject as the node went down has vanished. They have the grace of a lost connection to come back; for
    /// a room made by a client it counts from the start of the node, since before that nobody could.
    pub(super) fn tidy_after_load(&mut self, id: S::Key) {
        let Some(Owned::Live(live)) = self.owner.subjects.get_mut(&id) else { return };
        if !live.subject.exists() {
            return;
        }
        let grace_ms = self.config.detach_grace_ms;
        if !live.subject.left_behind().is_empty() {
            self.owner.vacated.push_back((self.clock.now.plus_ms(grace_ms), id));
        }
        if !live.subject.is_passing() {
            return;
        }
        if let Some(since) = self.owner.endings.left_since(id) {
            let since = UnixMs(since.0.saturating_add(live.ahead_ms));
            return live.subject.vacated(since, true);
        }
        let up_ms = self.clock.now.ms_since(self.clock.started.unwrap_or(self.clock.now));
        let left_ms = i64::try_from(grace_ms).unwrap_or(i64::MAX).saturating_sub(i64::try_from(up_ms).unwrap_or(i64::MAX));
        let since = live.clock(self.clock.steady).0.saturating_add(left_ms);
        live.subject.vacated(UnixMs(since), false);
        self.note_left(id);
    }

    /// Lets subjects drop what they have compiled and nobody uses.
    pub(super) fn forget_unused_expressions(&mut self) {
        self.owner.ticks = self.owner.ticks.wrapping_add(1);
        if !self.owner.ticks.is_multiple_of(EXPRESSIONS_KEPT_TICKS) {
            return;
        }
        for owned in self.owner.subjects.values() {
            if let Owned::Live(live) = owned {
                live.subject.tidy();
            }
        }
    }

    pub(super) fn evict_idle_rooms(&mut self) {
        // Those with entries that the log does not have yet.
        let in_flight = self.commit.in_flight.iter().flat_map(|writes| &writes.rooms);
        let waiting: BTreeSet<S::Key> = in_flight.chain(&self.commit.writes.rooms).copied().collect();
        let (now, writes, desk, broadcasts) =
            (self.clock.now, &mut self.commit.writes, &mut self.desk, &mut self.owner.broadcasts);
        let is_behind = self.commit.in_flight.is_some() || self.commit.is_broken;
        let ahead = &self.owner.ahead;
        self.owner.subjects.retain(|id, owned| {
            let Owned::Live(live) = owned else { return true };
            // Anybody may ask for subjects by names nobody has used; they must not stay. One that waits for its end is read again then.
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
            desk.forget((*id).into());
            broadcasts.forget(*id);
            false
        });
    }
}
