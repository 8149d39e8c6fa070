//! Audiences (chatroom.md §a.10, §a.11).

use crate::subject::{Actor, Audience};
use std::sync::Arc;

use super::audience::Selection;
use super::state::Room;
use crate::error::Status;
use crate::id::ConnId;
use crate::wire::pb;

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

    /// True if a message of this room, said by somebody else, is for a connection: by its expression and by its place.
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
