//! Who hears what (chatroom.md §a.10, §a.11).

use std::sync::Arc;

use super::command::Actor;
use super::entry::Audience;
use super::state::Room;
use crate::error::Status;
use crate::id::ConnId;
use crate::wire::pb;

/// A set of the connections of a room, in the form that is found without looking at all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Selection {
    /// These, in ascending order.
    Only(Vec<ConnId>),
    /// Every connection but these, which stand in ascending order.
    Except(Vec<ConnId>),
}

impl Selection {
    /// Every connection.
    pub fn everyone() -> Selection {
        Selection::Except(Vec::new())
    }

    /// These connections, in whichever order they come.
    pub fn of(connections: impl IntoIterator<Item = ConnId>) -> Selection {
        let mut connections: Vec<ConnId> = connections.into_iter().collect();
        connections.sort_unstable();
        connections.dedup();
        Selection::Only(connections)
    }

    /// Whether this connection is in it.
    pub fn admits(&self, connection: ConnId) -> bool {
        match self {
            Selection::Only(connections) => connections.binary_search(&connection).is_ok(),
            Selection::Except(connections) => connections.binary_search(&connection).is_err(),
        }
    }

    /// Those that are not in it.
    pub fn not(self) -> Selection {
        match self {
            Selection::Only(connections) => Selection::Except(connections),
            Selection::Except(connections) => Selection::Only(connections),
        }
    }

    /// Those in both.
    pub fn and(self, other: Selection) -> Selection {
        match (self, other) {
            (Selection::Except(one), Selection::Except(two)) => {
                if one.is_empty() || two.is_empty() {
                    return Selection::Except(if one.is_empty() { two } else { one });
                }
                let mut both = one;
                both.extend(two);
                // Two ascending runs: merged, not sorted anew.
                both.sort();
                both.dedup();
                Selection::Except(both)
            }
            (Selection::Only(one), Selection::Only(two)) => {
                let (mut few, many) = if one.len() <= two.len() { (one, two) } else { (two, one) };
                few.retain(|connection| many.binary_search(connection).is_ok());
                Selection::Only(few)
            }
            (Selection::Only(mut only), except @ Selection::Except(_))
            | (except @ Selection::Except(_), Selection::Only(mut only)) => {
                only.retain(|connection| except.admits(*connection));
                Selection::Only(only)
            }
        }
    }

    /// Those in one or both.
    pub fn or(self, other: Selection) -> Selection {
        self.not().and(other.not()).not()
    }

    /// With this connection.
    pub fn include(&mut self, connection: ConnId) {
        match self {
            Selection::Only(connections) => insert(connections, connection),
            Selection::Except(connections) => remove(connections, connection),
        }
    }

    /// Without this connection.
    pub fn exclude(&mut self, connection: ConnId) {
        match self {
            Selection::Only(connections) => remove(connections, connection),
            Selection::Except(connections) => insert(connections, connection),
        }
    }
}

fn insert(connections: &mut Vec<ConnId>, connection: ConnId) {
    if let Err(place) = connections.binary_search(&connection) {
        connections.insert(place, connection);
    }
}

fn remove(connections: &mut Vec<ConnId>, connection: ConnId) {
    if let Ok(place) = connections.binary_search(&connection) {
        connections.remove(place);
    }
}

impl Room {
    /// Row 3 of chatroom.md §c.0, for an expression that a request may give.
    pub(super) fn check_expression(&self, given: Option<&str>) -> Result<(), Status> {
        self.expressions.check("notify_target_tags", given.unwrap_or_default())
    }

    /// The expression that goes for what a connection says: the one given, else the connection's own. Empty: everyone.
    pub(super) fn target(&self, actor: &Actor, given: Option<&str>) -> String {
        match (given, actor.connection) {
            (Some(given), _) => given.into(),
            (None, Some(connection)) => self.people.tags().target(connection),
            (None, None) => String::new(),
        }
    }

    /// The connections an expression means.
    pub(super) fn meant(&self, target: &str) -> Selection {
        match self.expressions.compiled(target) {
            Some(expression) => self.people.tags().select(&expression, self.people.connections()),
            None => Selection::everyone(),
        }
    }

    /// Who hears a message: those its expression means and its place reaches, and whatever these say the sender's other
    /// connections, but never the sending one, which has its response.
    pub(super) fn hearers(&mut self, actor: &Actor, target: &str, at: Option<pb::Point>) -> Audience {
        if target.is_empty() && (at.is_none() || !self.people.space().is_in_use()) {
            return actor.connection.map_or(Audience::All, Audience::AllBut);
        }
        let mut heard = self.meant(target);
        if let Some(at) = at {
            heard = match heard {
                Selection::Only(mut only) => {
                    only.retain(|connection| self.people.space().reaches(*connection, at));
                    Selection::Only(only)
                }
                except => except.and(self.people.reached(at)),
            };
        }
        if let Some(person) = self.people.person(&actor.account) {
            person.connections.iter().for_each(|own| heard.include(own.id));
        }
        if let Some(connection) = actor.connection {
            heard.exclude(connection);
        }
        self.audience_of(heard)
    }

    /// The audience a selection comes to, in the form that costs the fewest bytes and the least at delivery.
    pub(super) fn audience_of(&self, heard: Selection) -> Audience {
        let total = self.people.connections();
        let heard = match heard {
            // The rest is smaller, and nobody of the many is then asked whether it is among the chosen.
            Selection::Only(only) if only.len() > total / 2 => {
                let is_left_out = |connection: &ConnId| only.binary_search(connection).is_err();
                Selection::of(self.people.everyone().filter(is_left_out)).not()
            }
            Selection::Except(except) if except.len() > (total / 2).max(1) => {
                let is_left = |connection: &ConnId| except.binary_search(connection).is_err();
                Selection::of(self.people.everyone().filter(is_left))
            }
            heard => heard,
        };
        match heard {
            Selection::Only(only) => Audience::Only(only.into()),
            Selection::Except(except) => match *except {
                [] => Audience::All,
                [one] => Audience::AllBut(one),
                _ => Audience::Except(except.into()),
            },
        }
    }

    /// Whether a message of this room, said by somebody else, is for a connection: by its expression and by its place.
    ///
    /// For what is sent again to who enters; who hears a message when it is sent, says [`Room::hearers`].
    pub(super) fn is_for(&self, message: &pb::Message, connection: ConnId) -> bool {
        let expression = self.expressions.compiled(&message.notify_target_tags);
        let people = &self.people;
        expression.is_none_or(|expression| expression.matches(people.tags().of(connection)))
            && message.at.is_none_or(|at| people.space().reaches(connection, at))
    }

    /// The other connections of the actor's account, and its own.
    pub(super) fn own_connections(&self, actor: &Actor) -> Arc<[ConnId]> {
        let person = self.people.person(&actor.account);
        let mut own: Vec<ConnId> = person.into_iter().flat_map(|person| &person.connections).map(|own| own.id).collect();
        own.sort_unstable();
        own.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn connection(number: u32) -> ConnId {
        ConnId::new(0, number, number)
    }

    fn selection() -> impl Strategy<Value = Selection> {
        let some = prop::collection::vec(0..12_u32, 0..12).prop_map(|some| Selection::of(some.into_iter().map(connection)));
        (some, any::<bool>()).prop_map(|(some, inverted)| if inverted { some.not() } else { some })
    }

    proptest! {
        #[test]
        fn selections_are_sets(one in selection(), two in selection(), number in 0..12_u32) {
            for own in (0..12).map(connection) {
                prop_assert_eq!(one.clone().not().admits(own), !one.admits(own));
                prop_assert_eq!(one.clone().and(two.clone()).admits(own), one.admits(own) && two.admits(own));
                prop_assert_eq!(one.clone().or(two.clone()).admits(own), one.admits(own) || two.admits(own));
                let (mut with, mut without) = (one.clone(), one.clone());
                with.include(connection(number));
                without.exclude(connection(number));
                prop_assert_eq!(with.admits(own), one.admits(own) || own == connection(number));
                prop_assert_eq!(without.admits(own), one.admits(own) && own != connection(number));
            }
        }
    }
}
