//! The room's queue: elements in order, each found by its key (chatroom.md §f.1, §f.3). Knows no rule about who may do what.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bytes::Bytes;

use crate::id::{AccountId, ByAccount};
use crate::limits;
use crate::wire::pb;

/// One element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Element {
    pub key: Box<str>,
    /// Copied out of the frame it came in, which would otherwise stay in memory with it.
    pub value: Bytes,
    pub owner: AccountId,
    pub transient: bool,
}

impl Element {
    /// As members see it.
    pub fn to_pb(&self) -> pb::QueueElement {
        pb::QueueElement {
            key: self.key.to_string(),
            value: self.value.clone(),
            owner: self.owner.as_str().into(),
            transient: self.transient,
        }
    }
}

/// The elements, in the order their keys came.
pub(super) struct Queue {
    elements: BTreeMap<u64, Element>,
    places: HashMap<Box<str>, u64>,
    /// How many transient elements an owner has; owners without any are absent.
    transient: ByAccount<u32>,
    /// Places begin at 1 and are never given again: a list that is read in pages goes on behind one.
    next_place: u64,
    size_limit: u32,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            elements: BTreeMap::new(),
            places: HashMap::new(),
            transient: ByAccount::default(),
            next_place: 1,
            size_limit: limits::QUEUE_SIZE_MAX,
        }
    }
}

impl Queue {
    /// Elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// How many elements new keys may fill it up to.
    pub fn size_limit(&self) -> u32 {
        self.size_limit
    }

    /// Changes that; what is there stays.
    pub fn set_size_limit(&mut self, size_limit: u32) {
        self.size_limit = size_limit;
    }

    /// All elements in order.
    pub fn iter(&self) -> impl Iterator<Item = &Element> {
        self.elements.values()
    }

    /// The elements behind a place in order, each with its own.
    pub fn behind(&self, place: u64) -> impl Iterator<Item = (u64, &Element)> {
        self.elements.range((Bound::Excluded(place), Bound::Unbounded)).map(|(place, element)| (*place, element))
    }

    /// The place of the next new element.
    pub fn next_place(&self) -> u64 {
        self.next_place
    }

    /// Puts the next new element there, or where it would have stood if that is further on.
    pub fn go_on_at(&mut self, place: u64) {
        self.next_place = self.next_place.max(place);
    }

    /// The element under a key.
    pub fn element(&self, key: &str) -> Option<&Element> {
        self.elements.get(self.places.get(key)?)
    }

    /// The element at the head.
    pub fn head(&self) -> Option<&Element> {
        self.elements.values().next()
    }

    /// True if a key is there already, or there is room for it. Elements are bounded one by one, so their number bounds the bytes
    /// of all, see [`limits::QUEUE_BYTES_MAX`].
    pub fn has_room_for(&self, key: &str) -> bool {
        self.places.contains_key(key) || self.len() < self.size_limit as usize
    }

    /// True if the account has an element that goes with it.
    pub fn has_transient_of(&self, owner: &AccountId) -> bool {
        self.transient.contains_key(owner)
    }

    /// The owners of transient elements, in no order.
    pub fn transient_owners(&self) -> impl Iterator<Item = &AccountId> {
        self.transient.keys()
    }

    /// Appends an element, or puts it in the place of the one with its key.
    pub fn offer(&mut self, element: Element) {
        self.count(&element, 1);
        if let Some(place) = self.places.get(&element.key) {
            if let Some(old) = self.elements.insert(*place, element) {
                self.count(&old, -1);
            }
            return;
        }
        self.places.insert(element.key.clone(), self.next_place);
        self.elements.insert(self.next_place, element);
        self.next_place += 1;
    }

    /// Removes the element under a key, or the head if the key is empty.
    pub fn poll(&mut self, key: &str) -> Option<Element> {
        let element =
            if key.is_empty() { self.elements.pop_first()?.1 } else { self.elements.remove(self.places.get(key)?)? };
        self.places.remove(&element.key);
        self.count(&element, -1);
        Some(element)
    }

    /// Removes the transient elements of an owner, so many of them at most.
    pub fn clear_owner(&mut self, owner: &AccountId, count_max: usize) -> Vec<Element> {
        if !self.has_transient_of(owner) {
            return Vec::new();
        }
        let keys: Vec<Box<str>> = self
            .iter()
            .filter(|element| element.transient && element.owner == *owner)
            .map(|element| element.key.clone())
            .take(count_max)
            .collect();
        keys.iter().filter_map(|key| self.poll(key)).collect()
    }

    /// Removes everything; the size limit stays.
    pub fn drop_all(&mut self) {
        *self = Queue { size_limit: self.size_limit, next_place: self.next_place, ..Queue::default() };
    }

    fn count(&mut self, element: &Element, change: i32) {
        if !element.transient {
            return;
        }
        let count = self.transient.entry(element.owner.clone()).or_default();
        *count = count.saturating_add_signed(change);
        if *count == 0 {
            self.transient.remove(&element.owner);
        }
    }

    /// Panics unless counts and places fit the elements.
    pub fn assert_consistent(&self) {
        assert_eq!(self.places.len(), self.elements.len());
        let weigh = |element: &Element| element.key.len() + element.value.len() + limits::QUEUE_ELEMENT_BYTES;
        assert!(self.iter().map(weigh).sum::<usize>() <= limits::QUEUE_BYTES_MAX);
        assert!(self.elements.keys().all(|place| (1..self.next_place).contains(place)));
        assert!(self.places.iter().all(|(key, place)| self.elements.get(place).is_some_and(|element| element.key == *key)));
        let transient = self.iter().filter(|element| element.transient).count();
        assert_eq!(self.transient.values().map(|count| *count as usize).sum::<usize>(), transient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(queue: &mut Queue, key: &str, owner: &str, transient: bool) {
        let owner = AccountId::parse(owner).unwrap();
        queue.offer(Element { key: key.into(), value: Bytes::from_static(b"v"), owner, transient });
    }

    fn keys(queue: &Queue) -> Vec<&str> {
        queue.iter().map(|element| &*element.key).collect()
    }

    #[test]
    fn new_keys_go_to_the_tail_and_known_ones_keep_their_place() {
        let mut queue = Queue::default();
        for key in ["a", "b", "c", "a"] {
            offer(&mut queue, key, "alice", false);
        }
        assert_eq!(keys(&queue), ["a", "b", "c"]);
        assert_eq!(&*queue.poll("b").unwrap().key, "b");
        assert_eq!(&*queue.poll("").unwrap().key, "a");
        assert!(queue.poll("x").is_none());
        queue.assert_consistent();
    }

    #[test]
    fn clearing_an_owner_takes_its_transient_elements_only() {
        let mut queue = Queue::default();
        offer(&mut queue, "a", "alice", true);
        offer(&mut queue, "b", "alice", false);
        offer(&mut queue, "c", "bob", true);
        offer(&mut queue, "d", "alice", true);
        offer(&mut queue, "d", "bob", false);
        let owner = AccountId::parse("alice").unwrap();
        assert_eq!(queue.clear_owner(&owner, 9).len(), 1);
        assert_eq!(keys(&queue), ["b", "c", "d"]);
        assert!(!queue.has_transient_of(&owner));
        queue.assert_consistent();
    }
}
