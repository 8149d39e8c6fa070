//! Moderation: what a moderator says about texts (chatroom.md §e.9).
//!
//! A moderator is pure and answers at once. There is no service outside the node behind it, so a request that wants the word list
//! in place of one (`use_yidun` of 0) gets what it would get anyway.

use std::fmt;
use std::sync::Arc;

use crate::error::{Code, Status, Sub};

/// The kind of a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Moderated {
    /// The words of a message.
    Message,
    /// The JSON object that describes an image, a sound, a film, or the address of an image in a custom message.
    Media,
    /// Nick, avatar or `ext` of a member, and the profile of an account.
    Profile,
    /// Name, announcement, address or `ext` of a room.
    Room,
}

/// The word of a moderator on a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It may stand.
    Pass,
    /// This may stand in its place. Of a member, a room or an account nothing is rewritten: there it counts as `Reject`.
    Replace(String),
    /// It may not.
    Reject,
}

/// Whoever judges texts. Asked on the subject's own thread, for each message: must neither wait nor depend on anything but the text.
pub trait Moderator: Send + Sync {
    /// Judges a text.
    fn text(&self, kind: Moderated, text: &str) -> Verdict;
}

/// A moderator as settings hold it: shared by all subjects, and equal only to itself.
#[derive(Clone)]
pub struct SharedModerator(Arc<dyn Moderator>);

impl SharedModerator {
    /// Wraps a moderator.
    pub fn new(moderator: impl Moderator + 'static) -> SharedModerator {
        SharedModerator(Arc::new(moderator))
    }

    /// Judges a text; an empty one passes.
    pub fn text(&self, kind: Moderated, text: &str) -> Verdict {
        if text.is_empty() { Verdict::Pass } else { self.0.text(kind, text) }
    }

    /// True if every text passes as it is.
    pub fn lets_stand(&self, kind: Moderated, texts: &[&str]) -> bool {
        texts.iter().all(|text| self.text(kind, text) == Verdict::Pass)
    }

    /// Judges the texts that an account or a member shows: 13005 where one may not stand.
    pub fn profile(&self, texts: &[&str]) -> Result<(), Status> {
        let refused = || Status::with_sub(Code::ProfileRefused, Sub::ProfileModerated);
        if self.lets_stand(Moderated::Profile, texts) { Ok(()) } else { Err(refused()) }
    }
}

impl PartialEq for SharedModerator {
    fn eq(&self, other: &SharedModerator) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedModerator {}

impl fmt::Debug for SharedModerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedModerator")
    }
}
