//! Bugs that can be planted to see the simulation find them. Outside the feature `sim` there are none, and asking costs nothing.

/// A bug, by the promise it breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// A change is acknowledged before it is on the disk.
    AnswerBeforeCommit,
    /// Who comes back is not sent the first of the items it missed.
    ResumeLosesItem,
    /// A message that is sent again is stored again.
    ResendDoubles,
    /// A slow reader that skips items is not told of the gap.
    GapUntold,
    /// Who is put out of a room goes on hearing it.
    KickedStays,
    /// A room that is rebuilt has forgotten who is muted for a time.
    MuteForgotten,
    /// A later frame of a feed overtakes an earlier one.
    FeedOvertakes,
    /// A request is answered twice.
    AnswerTwice,
    /// A store that is open again goes on under its old epoch.
    EpochStays,
    /// A batch that the disk did not take counts as taken.
    FailureUnheard,
    /// An account that has left a room goes on counting as in it.
    LeftStillCounts,
    /// A room that was reserved for an account, and not entered, stays reserved.
    ReservedForGood,
    /// A letter that comes once more is acted on once more.
    LetterTwice,
    /// A node that starts forgets the letters that were on their way.
    LetterForgotten,
}

impl Bug {
    /// All of them, with the names they are planted by.
    pub const ALL: [(&str, Bug); 14] = [
        ("answer-before-commit", Bug::AnswerBeforeCommit),
        ("resume-loses-item", Bug::ResumeLosesItem),
        ("resend-doubles", Bug::ResendDoubles),
        ("gap-untold", Bug::GapUntold),
        ("kicked-stays", Bug::KickedStays),
        ("mute-forgotten", Bug::MuteForgotten),
        ("feed-overtakes", Bug::FeedOvertakes),
        ("answer-twice", Bug::AnswerTwice),
        ("epoch-stays", Bug::EpochStays),
        ("failure-unheard", Bug::FailureUnheard),
        ("left-still-counts", Bug::LeftStillCounts),
        ("reserved-for-good", Bug::ReservedForGood),
        ("letter-twice", Bug::LetterTwice),
        ("letter-forgotten", Bug::LetterForgotten),
    ];
}

#[cfg(feature = "sim")]
static PLANTED: std::sync::OnceLock<Bug> = std::sync::OnceLock::new();

/// Plants a bug for the rest of the process. The first one counts.
#[cfg(feature = "sim")]
pub fn plant(bug: Bug) {
    PLANTED.get_or_init(|| bug);
}

/// True if this bug is planted.
#[cfg(feature = "sim")]
pub fn is(bug: Bug) -> bool {
    PLANTED.get() == Some(&bug)
}

/// True if this bug is planted: never.
#[cfg(not(feature = "sim"))]
#[inline(always)]
pub const fn is(_bug: Bug) -> bool {
    false
}
