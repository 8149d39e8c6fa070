//! Which connections of a room carry which tags (chatroom.md §a.10).
//!
//! Only connections that have said something about tags cost anything here: the plain one does not.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::audience::Selection;
use super::expression::{Expression, Node, all_of};
use crate::id::{AccountId, ByAccount, ByNumber, ConnId, UnixMs};

/// What one connection has said about tags.
pub(super) struct Tagged {
    pub account: AccountId,
    pub enter_time: UnixMs,
    pub tags: Box<[Arc<str>]>,
    /// The expression it gave for what it says; empty: everyone. `None`: it gave none, and the one its tags make goes.
    pub target: Option<Box<str>>,
}

/// The connections that carry one tag.
#[derive(Default)]
pub(super) struct Carriers {
    /// By the time they entered.
    order: BTreeSet<(UnixMs, ConnId)>,
    /// How many of them each account has.
    accounts: ByAccount<u32>,
}

impl Carriers {
    /// Accounts that carry the tag, each counted once.
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The connections by the time they entered.
    pub fn order(&self) -> &BTreeSet<(UnixMs, ConnId)> {
        &self.order
    }

    fn connections(&self) -> impl Iterator<Item = ConnId> {
        self.order.iter().map(|(_, connection)| *connection)
    }
}

/// The tags of a room's connections, and who carries each.
#[derive(Default)]
pub(super) struct Tags {
    by_connection: ByNumber<ConnId, Tagged>,
    by_tag: HashMap<Arc<str>, Carriers>,
}

impl Tags {
    /// What a connection has said about tags, if it has said anything.
    pub fn tagged(&self, connection: ConnId) -> Option<&Tagged> {
        self.by_connection.get(&connection)
    }

    /// The tags of a connection.
    pub fn of(&self, connection: ConnId) -> &[Arc<str>] {
        self.tagged(connection).map_or(&[], |tagged| &tagged.tags)
    }

    /// The expression that goes for what a connection says, unless it says otherwise. Empty: everyone.
    pub fn target(&self, connection: ConnId) -> String {
        let Some(tagged) = self.tagged(connection) else { return String::new() };
        tagged.target.as_deref().map_or_else(|| all_of(&tagged.tags), str::to_owned)
    }

    /// Who carries a tag.
    pub fn carriers(&self, tag: &str) -> Option<&Carriers> {
        self.by_tag.get(tag)
    }

    /// Writes down what a connection says about tags, in place of what it said before.
    pub fn set(
        &mut self,
        connection: ConnId,
        (account, enter_time): (&AccountId, UnixMs),
        tags: &[Arc<str>],
        target: Option<Box<str>>,
    ) {
        self.remove(connection);
        if tags.is_empty() && target.is_none() {
            return;
        }
        let mut carry = |tag: &Arc<str>| {
            // One copy of a tag for all who carry it.
            let tag = self.by_tag.get_key_value(tag).map_or(tag, |(known, _)| known).clone();
            let carriers = self.by_tag.entry(tag.clone()).or_default();
            carriers.order.insert((enter_time, connection));
            *carriers.accounts.entry(account.clone()).or_default() += 1;
            tag
        };
        let tags = tags.iter().map(&mut carry).collect();
        self.by_connection.insert(connection, Tagged { account: account.clone(), enter_time, tags, target });
    }

    /// Forgets a connection.
    pub fn remove(&mut self, connection: ConnId) {
        let Some(tagged) = self.by_connection.remove(&connection) else { return };
        for tag in &tagged.tags {
            let Some(carriers) = self.by_tag.get_mut(tag) else { continue };
            carriers.order.remove(&(tagged.enter_time, connection));
            if let Some(count) = carriers.accounts.get_mut(&tagged.account) {
                *count -= 1;
                if *count == 0 {
                    carriers.accounts.remove(&tagged.account);
                }
            }
            if carriers.order.is_empty() {
                self.by_tag.remove(tag);
            }
        }
    }

    /// Gives what one connection has said to another of the same account.
    pub fn replace(&mut self, old: ConnId, new: ConnId) {
        let Some(tagged) = self.by_connection.get_mut(&old) else { return };
        let (account, enter_time) = (tagged.account.clone(), tagged.enter_time);
        let (tags, target) = (std::mem::take(&mut tagged.tags), tagged.target.take());
        tags.iter().for_each(|tag| self.rename(tag, (enter_time, old), (enter_time, new)));
        self.by_connection.remove(&old);
        self.by_connection.insert(new, Tagged { account, enter_time, tags, target });
    }

    fn rename(&mut self, tag: &str, old: (UnixMs, ConnId), new: (UnixMs, ConnId)) {
        if let Some(carriers) = self.by_tag.get_mut(tag) {
            carriers.order.remove(&old);
            carriers.order.insert(new);
        }
    }

    /// The connections an expression means, of so many as are here, found through the index: what it costs grows with how many
    /// carry the tags it names, and for a regular expression with how many tags there are; not with how many are here.
    pub fn select(&self, expression: &Expression, total: usize) -> Selection {
        self.select_node(expression.root(), total)
    }

    fn select_node(&self, node: &Node, total: usize) -> Selection {
        match node {
            Node::Exact(tag) => carried_by(self.carriers(tag), total),
            Node::Regex(regex) => {
                let matching = self.by_tag.iter().filter(|(tag, _)| regex.is_match(tag));
                carried_by(matching.map(|(_, carriers)| carriers), total)
            }
            Node::Not(node) => self.select_node(node, total).not(),
            Node::Any(nodes) => {
                let none = Selection::Only(Vec::new());
                nodes.iter().fold(none, |all, node| all.or(self.select_node(node, total)))
            }
            Node::All(nodes) => self.select_all(nodes, total),
        }
    }

    /// From the side on which the fewest stand: the others are only asked about these.
    fn select_all(&self, nodes: &[Node], total: usize) -> Selection {
        let Some(fewest) = nodes.iter().min_by_key(|node| self.at_most(node)) else { return Selection::everyone() };
        match self.select_node(fewest, total) {
            Selection::Only(mut only) => {
                let others = || nodes.iter().filter(|node| !std::ptr::eq(*node, fewest));
                only.retain(|connection| others().all(|node| node.matches(self.of(*connection))));
                Selection::Only(only)
            }
            except => {
                let others = nodes.iter().filter(|node| !std::ptr::eq(*node, fewest));
                others.fold(except, |all, node| all.and(self.select_node(node, total)))
            }
        }
    }

    /// A bound on how many connections a part of an expression means.
    fn at_most(&self, node: &Node) -> usize {
        match node {
            Node::Exact(tag) => self.carriers(tag).map_or(0, |carriers| carriers.order.len()),
            Node::Regex(_) => self.by_connection.len(),
            Node::Not(_) => usize::MAX,
            Node::All(nodes) => nodes.iter().map(|node| self.at_most(node)).min().unwrap_or(usize::MAX),
            Node::Any(nodes) => nodes.iter().map(|node| self.at_most(node)).fold(0, usize::saturating_add),
        }
    }

    /// Panics unless both sides of the index say the same, and of connections that are here.
    pub fn assert_consistent(&self, is_here: impl Fn(&AccountId, ConnId, UnixMs) -> bool) {
        let mut carried = 0;
        for (connection, tagged) in &self.by_connection {
            assert!(is_here(&tagged.account, *connection, tagged.enter_time), "{connection} is tagged and is here");
            assert!(!tagged.tags.is_empty() || tagged.target.is_some());
            carried += tagged.tags.len();
            for tag in &tagged.tags {
                assert!(self.by_tag[tag].order.contains(&(tagged.enter_time, *connection)));
                assert!(self.by_tag[tag].accounts.contains_key(&tagged.account));
            }
        }
        for carriers in self.by_tag.values() {
            let accounts: u32 = carriers.accounts.values().sum();
            assert_eq!(accounts as usize, carriers.order.len());
            assert!(accounts > 0, "a tag that nobody carries is forgotten");
        }
        assert_eq!(carried, self.by_tag.values().map(|carriers| carriers.order.len()).sum::<usize>());
    }
}

/// Whoever is among these; everybody, where all who are here carry one tag, without a list of them.
fn carried_by<'a>(carriers: impl IntoIterator<Item = &'a Carriers>, total: usize) -> Selection {
    let mut found = Vec::new();
    for carriers in carriers {
        if carriers.order.len() >= total {
            return Selection::everyone();
        }
        found.extend(carriers.connections());
    }
    Selection::of(found)
}

/// Panics unless an expression means the same connections when they are asked one by one and when they are looked up.
pub(super) fn assert_index_agrees(expression: &Expression, carried: &[&[&str]]) {
    let mut tags = Tags::default();
    let connection = |number: usize| ConnId::new(0, number as u32, number as u32);
    for (number, own) in carried.iter().enumerate() {
        let account = AccountId::parse(&format!("a{}", number / 2)).expect("a name");
        let own: Vec<Arc<str>> = own.iter().map(|tag| Arc::from(*tag)).collect();
        tags.set(connection(number), (&account, UnixMs(0)), &own, None);
    }
    let selection = tags.select(expression, carried.len());
    for (number, own) in carried.iter().enumerate() {
        assert_eq!(selection.admits(connection(number)), expression.matches(own), "{expression:?} and {own:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Both sides of the index say the same, whatever is said, taken back, handed on and forgotten.
        #[test]
        fn the_index_follows_every_change(steps in prop::collection::vec((0..4_u8, 0..8_u32, 0..8_u32, 0..16_u8), 0..60)) {
            let mut tags = Tags::default();
            // Two connections to an account, each with a time of its own.
            let account = |number: u32| AccountId::parse(&format!("a{}", number / 2)).expect("a name");
            let connection = |number: u32| ConnId::new(0, number, number);
            let mut times = HashMap::new();
            for (place, (kind, one, other, which)) in steps.into_iter().enumerate() {
                match kind {
                    0 | 1 => {
                        let time = *times.entry(one).or_insert(UnixMs(place as i64));
                        let own: Vec<Arc<str>> = (0..3).filter(|bit| which & 1 << bit != 0).map(|bit| bit.to_string().into()).collect();
                        tags.set(connection(one), (&account(one), time), &own, (which > 7).then(|| "x".into()));
                    }
                    2 => {
                        tags.remove(connection(one));
                        times.remove(&one);
                    }
                    _ if one / 2 == other / 2 && one != other => {
                        tags.remove(connection(other));
                        tags.replace(connection(one), connection(other));
                        times.remove(&other);
                        if let Some(time) = times.remove(&one) {
                            times.insert(other, time);
                        }
                    }
                    _ => {}
                }
                tags.assert_consistent(|own, id, time| {
                    (0..8).any(|number| connection(number) == id && account(number) == *own && times.get(&number) == Some(&time))
                });
            }
        }
    }
}
