//! The rooms of one application in one hour or day that is not over: their figures, and which of them lead.
//!
//! Figures only grow, so the leaders are kept as they change: a room that is not among them can only become one when its own
//! figures change. No question ever looks at all rooms.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::distinct::Distinct;
use crate::id::RoomId;
use crate::limits::TOP_ROOMS_MAX;

/// What happened in a room within an hour or a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RoomFigures {
    /// Which room.
    pub room: RoomId,
    /// Accounts that sent or entered, each once.
    pub active: u32,
    /// Connections that entered.
    pub enters: u32,
    /// Messages that were sent.
    pub messages: u32,
}

/// By what rooms are ranked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TopOrder {
    /// By accounts that sent or entered.
    Active,
    /// By connections that entered.
    Enters,
    /// By messages.
    Messages,
}

impl TopOrder {
    const ALL: [TopOrder; 3] = [TopOrder::Active, TopOrder::Enters, TopOrder::Messages];

    pub(super) fn of(self, figures: &RoomFigures) -> u32 {
        match self {
            TopOrder::Active => figures.active,
            TopOrder::Enters => figures.enters,
            TopOrder::Messages => figures.messages,
        }
    }
}

/// The most first; of equal ones the room with the smaller number first.
pub(super) fn rank(rooms: &mut [RoomFigures], order: TopOrder) {
    rooms.sort_unstable_by_key(|figures| (Reverse(order.of(figures)), figures.room));
}

/// A room within an hour or a day.
pub(super) struct Counted {
    pub figures: RoomFigures,
    pub accounts: Distinct,
    /// Rows of accounts that the store has of it.
    pub rows: u16,
}

/// What happened in a room since it was last added.
pub(super) struct Addition<'a> {
    pub room: RoomId,
    pub enters: u32,
    pub messages: u32,
    /// What stands for the accounts that sent or entered.
    pub accounts: &'a [u64],
}

/// The rooms of one application in one hour or day.
#[derive(Default)]
pub(super) struct Rooms {
    rooms: HashMap<RoomId, Counted>,
    /// The leaders in each order, the last of them first.
    top: [BTreeSet<(u32, Reverse<RoomId>)>; 3],
    /// What has changed since it was last written down: rooms, with the accounts that are new.
    changed: BTreeMap<RoomId, Vec<u64>>,
}

/// By how much something held has grown or shrunk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Held {
    pub rooms: usize,
    pub accounts: usize,
}

impl Rooms {
    /// Adds what happened in a room, of whose accounts at most `exact_max` are kept. Without `may_grow` a new room is not taken.
    /// What is held more than before.
    pub fn add(&mut self, addition: &Addition<'_>, exact_max: usize, may_grow: bool) -> Held {
        let room = addition.room;
        let is_new = !self.rooms.contains_key(&room);
        if is_new && !may_grow {
            return Held::default();
        }
        let counted = self.rooms.entry(room).or_insert_with(|| Counted {
            figures: RoomFigures { room, active: 0, enters: 0, messages: 0 },
            accounts: Distinct::default(),
            rows: 0,
        });
        let (before, kept) = (counted.figures, counted.accounts.kept());
        let fresh = self.changed.entry(room).or_default();
        fresh.extend(addition.accounts.iter().filter(|hash| counted.accounts.insert(**hash, exact_max)));
        let figures = &mut counted.figures;
        // An estimate may fall a little when it takes over from counting, or when a sample is made smaller.
        figures.active = figures.active.max(counted.accounts.estimate());
        figures.enters = figures.enters.saturating_add(addition.enters);
        figures.messages = figures.messages.saturating_add(addition.messages);
        let (after, accounts) = (*figures, counted.accounts.kept() - kept);
        self.promote((!is_new).then_some(before), after);
        Held { rooms: usize::from(is_new), accounts }
    }

    /// Takes a room over as it was written down.
    pub fn restore(&mut self, counted: Counted) -> Held {
        let (figures, accounts) = (counted.figures, counted.accounts.kept());
        if self.rooms.insert(figures.room, counted).is_some() {
            return Held::default();
        }
        self.promote(None, figures);
        Held { rooms: 1, accounts }
    }

    fn promote(&mut self, before: Option<RoomFigures>, after: RoomFigures) {
        for (order, top) in TopOrder::ALL.into_iter().zip(&mut self.top) {
            let (was, is) = (before.map(|before| order.of(&before)), order.of(&after));
            if was == Some(is) {
                continue;
            }
            let was_leading = was.is_some_and(|was| top.remove(&(was, Reverse(after.room))));
            let place = (is, Reverse(after.room));
            if was_leading || top.len() < TOP_ROOMS_MAX as usize || top.first().is_some_and(|last| *last < place) {
                top.insert(place);
                if top.len() > TOP_ROOMS_MAX as usize {
                    top.pop_first();
                }
            }
        }
    }

    /// The first `count` rooms in an order.
    pub fn top(&self, order: TopOrder, count: usize) -> Vec<RoomFigures> {
        let top = self.top[order as usize].iter().rev().take(count);
        top.filter_map(|(_, Reverse(room))| Some(self.rooms.get(room)?.figures)).collect()
    }

    /// The rooms that lead in any order, by their numbers: all that will be asked for when the hour or day is over.
    pub fn leaders(&self) -> Vec<RoomFigures> {
        let leading: BTreeSet<RoomId> = self.top.iter().flatten().map(|(_, Reverse(room))| *room).collect();
        leading.iter().filter_map(|room| Some(self.rooms.get(room)?.figures)).collect()
    }

    /// Keeps at most this many accounts of each room; how many go.
    pub fn trim(&mut self, max: usize) -> usize {
        let mut gone = 0;
        for counted in self.rooms.values_mut() {
            let kept = counted.accounts.kept();
            counted.accounts.trim(max);
            gone += kept - counted.accounts.kept();
        }
        gone
    }

    /// The next room that is to be written down, and its accounts that are new.
    pub fn pop_changed(&mut self) -> Option<(&mut Counted, Vec<u64>)> {
        let (room, fresh) = self.changed.pop_first()?;
        self.rooms.get_mut(&room).map(|counted| (counted, fresh))
    }

    /// True if a room is among them.
    pub fn has(&self, room: RoomId) -> bool {
        self.rooms.contains_key(&room)
    }

    /// What is held.
    pub fn held(&self) -> Held {
        Held { rooms: self.rooms.len(), accounts: self.rooms.values().map(|counted| counted.accounts.kept()).sum() }
    }

    /// Every room with the number of its rows of accounts.
    pub fn rows(&self) -> impl Iterator<Item = (RoomId, u16)> {
        self.rooms.iter().map(|(room, counted)| (*room, counted.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leaders_are_those_a_look_at_all_rooms_would_find() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut rooms = Rooms::default();
        for step in 0..20_000_u64 {
            // Few rooms get much, many get little, and many are equal.
            let most = random.u32(0..2000);
            let room = RoomId::new(1 + i64::from(random.u32(0..=most))).unwrap();
            let (enters, messages) = (random.u32(0..3), random.u32(0..5));
            let accounts = [random.u64(..), step % 7];
            rooms.add(&Addition { room, enters, messages, accounts: &accounts }, 8, true);
        }
        let mut all: Vec<RoomFigures> = rooms.rooms.values().map(|counted| counted.figures).collect();
        assert!(all.len() > 2 * TOP_ROOMS_MAX as usize);
        for order in TopOrder::ALL {
            rank(&mut all, order);
            assert_eq!(rooms.top(order, 500), all[..500], "{order:?}");
            assert_eq!(rooms.top(order, 3), all[..3]);
            let mut leaders = rooms.leaders();
            rank(&mut leaders, order);
            assert_eq!(leaders[..500], all[..500], "{order:?}");
        }
        assert!(rooms.leaders().len() <= 1500);
    }

    #[test]
    fn nobody_counts_twice_and_a_full_house_takes_no_new_room() {
        let mut rooms = Rooms::default();
        let [one, two] = [1, 2].map(|number| RoomId::new(number).unwrap());
        let addition = |room, accounts| Addition { room, enters: 1, messages: 2, accounts };
        assert_eq!(rooms.add(&addition(one, &[5, 6]), 10, true), Held { rooms: 1, accounts: 2 });
        assert_eq!(rooms.add(&addition(one, &[6, 7]), 10, false), Held { rooms: 0, accounts: 1 });
        assert_eq!(rooms.add(&addition(two, &[1]), 10, false), Held::default());
        assert_eq!(rooms.top(TopOrder::Active, 10), [RoomFigures { room: one, active: 3, enters: 2, messages: 4 }]);
        assert_eq!((rooms.held(), rooms.trim(2)), (Held { rooms: 1, accounts: 3 }, 1));
    }
}
