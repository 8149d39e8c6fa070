//! Sets of connections: who hears something.

use crate::id::ConnId;

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

    /// True if this connection is in it.
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
