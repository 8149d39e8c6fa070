//! Who is here: accounts, each with its connections. Never in the log and never in a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::audience::Selection;
use super::settings::Kind;
use super::space::{Place, Space};
use super::tags::Tags;
use crate::id::{AccountId, ByAccount, ConnId, DeviceId, Seq, UnixMs};
use crate::subject::{Lazy, vacant};
use crate::wire::pb;

/// One connection of an account in the room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Connection {
    pub id: ConnId,
    pub enter_time: UnixMs,
    /// It hears what comes after this place of the room.
    pub after: Seq,
    pub device: DeviceId,
    /// Number of the client type.
    pub client_type: u16,
    /// The application's own client type; 0: none.
    pub custom_type: u32,
    /// Lost, and kept for the grace.
    pub detached: bool,
}

impl Connection {
    /// What kind of client it is, for the multi-client policy.
    pub fn kind(&self) -> Kind {
        Kind { client: self.client_type, custom: self.custom_type }
    }
}

/// What an account shows here while it is here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Profile {
    pub nick: Box<str>,
    pub avatar: Box<str>,
    pub ext: Box<str>,
}

/// An account with at least one connection in the room, or a robot. Kept small: a room may hold a million of them.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// When the earliest of its connections entered. A robot keeps the time it came at, whatever its connections do.
    pub enter_time: UnixMs,
    /// In the order they entered; never empty unless the person is a robot.
    pub connections: SmallVec<[Connection; 1]>,
    /// Absent while everything in it would be empty.
    pub profile: Option<Box<Profile>>,
    pub anonymous: bool,
    /// Has a record among the fixed members, and so no place in the list of visitors.
    pub fixed: bool,
    /// The HTTP API put it here; it stays until its time is over, with or without connections.
    pub robot: bool,
}

impl Person {
    /// True if this connection is one of the person's.
    pub fn has(&self, connection: ConnId) -> bool {
        self.connections.iter().any(|own| own.id == connection)
    }

    /// When the latest of its connections entered, or the robot came.
    pub fn last_enter_time(&self) -> UnixMs {
        self.connections.iter().map(|own| own.enter_time).fold(self.enter_time, UnixMs::max)
    }
}

/// Tags and place that a connection names when it enters.
pub(super) struct Bearing {
    pub tags: Vec<Arc<str>>,
    pub target: Option<Box<str>>,
    pub location: Option<pb::Location>,
}

/// Everybody in the room.
#[derive(Default)]
pub(super) struct People {
    // The box keeps the places small that a table has for nobody yet.
    by_account: ByAccount<Box<Person>>,
    /// Those who are not fixed members, by the time they entered: the order of the lists of visitors.
    visitors: BTreeSet<(UnixMs, AccountId)>,
    robots: Lazy<Robots>,
    connections: usize,
    /// When the last of all entered.
    last_enter: UnixMs,
    tags: Lazy<Tags>,
    space: Lazy<Space>,
}

/// Until when each robot stays.
#[derive(Default)]
struct Robots {
    until: ByAccount<UnixMs>,
    by_end: BTreeSet<(UnixMs, AccountId)>,
}

impl Robots {
    /// Ends a stay, and says until when it would have lasted.
    fn remove(&mut self, account: &AccountId) -> Option<UnixMs> {
        let until = self.until.remove(account)?;
        self.by_end.remove(&(until, account.clone()));
        Some(until)
    }

    /// Has an account stay until then.
    fn set(&mut self, account: &AccountId, until: UnixMs) {
        self.remove(account);
        self.until.insert(account.clone(), until);
        self.by_end.insert((until, account.clone()));
    }
}

vacant!(Robots, Tags, Space);

impl People {
    /// The time at which somebody enters now. No two who are here share one (rest-api.md §4.15): of those who enter in the same
    /// millisecond each counts one more than the one before, so that lists can be paged by time.
    pub fn arrive(&mut self, now: UnixMs) -> UnixMs {
        let free = if self.by_account.is_empty() { now } else { UnixMs(self.last_enter.0.saturating_add(1)) };
        self.last_enter = now.max(free);
        self.last_enter
    }

    /// Accounts here.
    pub fn len(&self) -> usize {
        self.by_account.len()
    }

    /// Connections here.
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// The person behind an account, if it is here.
    pub fn person(&self, account: &AccountId) -> Option<&Person> {
        self.by_account.get(account).map(|person| &**person)
    }

    /// True if this connection of this account is here.
    pub fn has(&self, account: &AccountId, connection: ConnId) -> bool {
        self.person(account).is_some_and(|person| person.has(connection))
    }

    /// Those who are not fixed members, by the time they entered.
    pub fn visitors(&self) -> &BTreeSet<(UnixMs, AccountId)> {
        &self.visitors
    }

    /// Adds a connection. True: the account was not here before.
    pub fn add(&mut self, account: &AccountId, connection: Connection, anonymous: bool, fixed: bool) -> bool {
        self.connections += 1;
        if let Some(space) = self.space.present() {
            space.arrived(connection.id);
        }
        if let Some(person) = self.by_account.get_mut(account) {
            person.connections.push(connection);
            return false;
        }
        let enter_time = connection.enter_time;
        let person = Person { enter_time, connections: smallvec![connection], profile: None, anonymous, fixed, robot: false };
        if !fixed {
            self.visitors.insert((enter_time, account.clone()));
        }
        self.by_account.insert(account.clone(), Box::new(person));
        true
    }

    /// Removes a connection. Gives the person if that was its last one.
    pub fn remove(&mut self, account: &AccountId, connection: ConnId) -> Option<Box<Person>> {
        let person = self.by_account.get_mut(account)?;
        let place = person.connections.iter().position(|own| own.id == connection)?;
        self.connections = self.connections.saturating_sub(1);
        if person.connections.len() == 1 && !person.robot {
            self.forget_bearing(connection);
            return self.forget(account);
        }
        person.connections.remove(place);
        let earliest = person.connections.iter().map(|own| own.enter_time).min().filter(|_| !person.robot);
        self.forget_bearing(connection);
        if let Some(earliest) = earliest {
            self.set_enter_time(account, earliest);
        }
        None
    }

    /// Removes an account with all its connections.
    pub fn remove_all(&mut self, account: &AccountId) -> Option<Box<Person>> {
        let person = self.forget(account)?;
        self.connections = self.connections.saturating_sub(person.connections.len());
        for own in &person.connections {
            self.forget_bearing(own.id);
        }
        Some(person)
    }

    /// Removes everybody, in the order of accounts.
    pub fn clear(&mut self) -> Vec<(AccountId, Box<Person>)> {
        self.connections = 0;
        self.visitors = BTreeSet::new();
        (self.robots, self.tags, self.space) = Default::default();
        let mut everybody: Vec<_> = std::mem::take(&mut self.by_account).into_iter().collect();
        everybody.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        everybody
    }

    /// Puts one connection in the place of another of the same account, from this place of the room on. False: there is none such.
    pub fn replace(&mut self, account: &AccountId, old: ConnId, new: ConnId, after: Seq) -> bool {
        let Some(own) = self.connection_mut(account, old) else { return false };
        own.id = new;
        own.after = after;
        own.detached = false;
        if let Some(tags) = self.tags.present() {
            tags.replace(old, new);
        }
        if let Some(space) = self.space.present() {
            space.replace(old, new, self.connections);
        }
        true
    }

    /// Marks a connection as lost. False: it is not here.
    pub fn detach(&mut self, account: &AccountId, connection: ConnId) -> bool {
        self.connection_mut(account, connection).map(|own| own.detached = true).is_some()
    }

    /// Changes what an account shows here.
    pub fn set_profile(&mut self, account: &AccountId, profile: Profile) {
        if let Some(person) = self.by_account.get_mut(account) {
            person.profile = (profile != Profile::default()).then(|| Box::new(profile));
        }
    }

    /// Says whether an account has become a fixed member or ceased to be one.
    pub fn set_fixed(&mut self, account: &AccountId, fixed: bool) {
        let Some(person) = self.by_account.get_mut(account) else { return };
        if person.fixed != fixed {
            person.fixed = fixed;
            let place = (person.enter_time, account.clone());
            if fixed {
                self.visitors.remove(&place)
            } else {
                self.visitors.insert(place)
            };
        }
    }

    /// Every account here with its connections, in the order of accounts.
    pub fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)> {
        let connections = |person: &Person| person.connections.iter().map(|own| own.id).collect();
        let mut everybody: Vec<_> =
            self.by_account.iter().map(|(account, person)| (account.clone(), connections(person))).collect();
        everybody.sort_unstable();
        everybody
    }

    /// Says anew which accounts are fixed members.
    pub fn settle_fixed(&mut self, is_fixed: impl Fn(&AccountId) -> bool) {
        let changed = self.by_account.iter().filter(|(account, person)| person.fixed != is_fixed(account));
        let changed: Vec<AccountId> = changed.map(|(account, _)| account.clone()).collect();
        for account in changed {
            self.set_fixed(&account, is_fixed(&account));
        }
    }

    /// Every connection here, in no order.
    pub fn everyone(&self) -> impl Iterator<Item = ConnId> {
        self.by_account.values().flat_map(|person| &person.connections).map(|own| own.id)
    }

    /// Who carries which tags.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Writes down what a connection says about tags, in place of what it said before.
    pub fn set_tags(&mut self, account: &AccountId, connection: ConnId, tags: &[Arc<str>], target: Option<Box<str>>) {
        let Some(person) = self.by_account.get(account) else { return };
        let Some(own) = person.connections.iter().find(|own| own.id == connection) else { return };
        if !tags.is_empty() || target.is_some() {
            self.tags.set(connection, (account, own.enter_time), tags, target);
        } else if let Some(known) = self.tags.present() {
            known.remove(connection);
        }
    }

    /// Where connections stand.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Puts a connection at a place.
    pub fn set_place(&mut self, connection: ConnId, place: Place) {
        self.space.set(connection, place, self.connections);
    }

    /// Who hears what is said at a place.
    pub fn reached(&mut self, at: pb::Point) -> Selection {
        let everyone = self.by_account.values().flat_map(|person| &person.connections).map(|own| own.id);
        match self.space.present() {
            Some(space) => space.select(at, everyone, self.connections),
            None => Selection::everyone(),
        }
    }

    /// Forgets what a connection has said of its tags and its place.
    fn forget_bearing(&mut self, connection: ConnId) {
        if let Some(tags) = self.tags.present() {
            tags.remove(connection);
        }
        if let Some(space) = self.space.present() {
            space.left(connection, self.connections);
        }
    }

    fn connection_mut(&mut self, account: &AccountId, connection: ConnId) -> Option<&mut Connection> {
        self.by_account.get_mut(account)?.connections.iter_mut().find(|own| own.id == connection)
    }

    fn forget(&mut self, account: &AccountId) -> Option<Box<Person>> {
        let (account, person) = self.by_account.remove_entry(account)?;
        if let Some(robots) = self.robots.present() {
            robots.remove(&account);
        }
        if !person.fixed {
            self.visitors.remove(&(person.enter_time, account));
        }
        Some(person)
    }

    /// Robots here.
    pub fn robots(&self) -> usize {
        self.robots.until.len()
    }

    /// True if the account is a robot here.
    pub fn is_robot(&self, account: &AccountId) -> bool {
        !self.robots.until.is_empty() && self.robots.until.contains_key(account)
    }

    /// Until when the account stays, if it is a robot here.
    pub fn robot_until(&self, account: &AccountId) -> Option<UnixMs> {
        self.robots.until.get(account).copied()
    }

    /// The robots in the order their time is over.
    pub fn robots_by_end(&self) -> &BTreeSet<(UnixMs, AccountId)> {
        &self.robots.by_end
    }

    /// Puts a robot in its place, from now on until then; one that is there stays until then. True: the account was not here
    /// before.
    pub fn seat_robot(&mut self, account: &AccountId, now: UnixMs, until: UnixMs, fixed: bool) -> bool {
        let is_new = match self.by_account.get_mut(account) {
            Some(person) => {
                person.robot = true;
                false
            }
            None => {
                let enter_time = self.arrive(now);
                let person =
                    Person { enter_time, connections: SmallVec::new(), profile: None, anonymous: false, fixed, robot: true };
                if !fixed {
                    self.visitors.insert((enter_time, account.clone()));
                }
                self.by_account.insert(account.clone(), Box::new(person));
                true
            }
        };
        self.robots.set(account, until);
        is_new
    }

    /// Ends a robot's stay. Gives the person unless it stays because of its connections.
    pub fn unseat_robot(&mut self, account: &AccountId) -> Option<Box<Person>> {
        self.robots.present()?.remove(account)?;
        let person = self.by_account.get_mut(account)?;
        person.robot = false;
        let Some(earliest) = person.connections.iter().map(|own| own.enter_time).min() else { return self.forget(account) };
        self.set_enter_time(account, earliest);
        None
    }

    fn set_enter_time(&mut self, account: &AccountId, time: UnixMs) {
        let Some(person) = self.by_account.get_mut(account).filter(|person| person.enter_time != time) else { return };
        if !person.fixed {
            self.visitors.remove(&(person.enter_time, account.clone()));
            self.visitors.insert((time, account.clone()));
        }
        person.enter_time = time;
    }

    /// Panics unless counts and lists fit the people.
    pub fn assert_consistent(&self, is_fixed: impl Fn(&AccountId) -> bool) {
        self.space.assert_consistent(self.everyone());
        self.tags.assert_consistent(|account, connection, time| {
            self.person(account)
                .is_some_and(|person| person.connections.iter().any(|own| own.id == connection && own.enter_time == time))
        });
        assert_eq!(self.connections, self.by_account.values().map(|person| person.connections.len()).sum::<usize>());
        assert_eq!(self.visitors.len(), self.by_account.values().filter(|person| !person.fixed).count());
        for (account, person) in &self.by_account {
            let earliest = person.connections.iter().map(|own| own.enter_time).min();
            let has_its_time = person.robot || earliest == Some(person.enter_time);
            assert!(has_its_time, "{account} is a robot, or has entered with its earliest connection");
            assert_eq!(person.robot, self.is_robot(account), "{account} stays for a time if it is a robot");
            assert_eq!(person.fixed, is_fixed(account), "{account} knows whether it is a fixed member");
            assert_eq!(!person.fixed, self.visitors.contains(&(person.enter_time, account.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_with_one_connection_is_small() {
        assert!(size_of::<Person>() <= 72);
    }
}
