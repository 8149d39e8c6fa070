//! What the creator of a room is told by letter: that the room is open, or is not open any more. The rooms an account has created are
//! state of its user.

use prost::Message as _;

use super::command::Op;
use super::entry::Command;
use super::state::Room;
use crate::subject::{Address, Letter};
use crate::wire::store;

impl Room {
    /// True if the room was made over HTTP and is open: then it is among those its creator is asked for.
    pub(super) fn is_listed(&self) -> bool {
        self.exists() && self.info.valid && !self.is_of_client
    }

    /// The user a command would have a letter written to.
    pub(super) fn creator_of(&self, command: &Command) -> Option<Address> {
        match &command.op {
            Op::Create(create) => Some(Address::of_account(&create.app_key, &create.creator)),
            _ => self.creator.as_ref().map(|creator| Address::of_account(&self.app_key, creator)),
        }
    }

    /// The letter that says how the room is now. Whoever has opened it is answered when its creator can find it.
    pub(super) fn letter_to(&self, creator: Address) -> Letter {
        let note = store::UserNoteRoom { room_id: self.id.get(), is_open: self.is_listed() };
        Letter { to: creator, body: note.encode_to_vec().into(), is_decisive: note.is_open }
    }
}
