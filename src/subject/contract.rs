//! The contract: `dispatch` asks this of every kind of subject. It knows no operation: what it has to know of one, it asks for here.

use std::convert::Infallible;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use super::actor::Actor;
use super::entry::{Class, Command, Entry, Link, Outcome, PushBody};
use super::position::{Predecessor, Resumption, Standing};
use super::shard::Shard;
use crate::error::Status;
use crate::id::{AccountId, ConnId, Epoch, Seq, SubjectId, UnixMs};
use crate::wire::{Push, Response, pb};

/// The answer to a request: its response, or why it was refused.
pub type Answer = Result<Response, Status>;

/// Says if a command is taken in while the log is behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// If there is room.
    IfThereIsRoom,
    /// Always: it tells what has happened, or waits for no disk.
    Always,
}

/// An account that is about to be in one subject more.
pub struct Entering<'a, K> {
    /// The application it has logged in to.
    pub app_key: &'a str,
    /// The subject made by a client which it leaves for this one, and which does not count any more.
    pub leaves: Option<K>,
    /// True if it is in as many made by clients as it may be, and not in this one. Where it is false, one made by a client is reserved.
    pub over_quota: &'a mut bool,
    /// True if it may make none at present.
    pub is_barred: &'a mut bool,
}

/// The settings that the subjects of each application go by. The answer may change while the node runs.
pub trait Rules<T>: Send + Sync + Debug {
    /// The settings of the subjects of this application.
    fn settings(&self, app_key: &str) -> Arc<T>;

    /// Grows whenever an answer of [`Rules::settings`] changes.
    fn version(&self) -> u64;
}

/// How many subjects an account may be in, and how many that were left may wait for their end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// Of those made over HTTP.
    pub entered: usize,
    /// Of those made by clients.
    pub entered_of_clients: usize,
    /// Left ones of one maker.
    pub left_of_account: usize,
    /// Left ones of one application.
    pub left_of_app: usize,
}

/// Frames per second that one reader is sent of a subject; 0 bounds nothing. Comes with each frame: settings change while readers
/// stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Downlink {
    /// Of [`Class::Normal`].
    pub normal_per_second: u32,
    /// Of [`Class::High`].
    pub high_per_second: u32,
}

impl Downlink {
    /// True if anything is bounded.
    pub fn is_set(&self) -> bool {
        *self != Downlink::default()
    }
}

/// A part of a lasting state. A kind whose state is small has the head alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// 0: the head.
    pub number: u32,
    /// Its bytes; of a part that is gone, none.
    pub state: Vec<u8>,
}

impl Part {
    /// The head.
    pub fn head(state: Vec<u8>) -> Part {
        Part { number: 0, state }
    }
}

/// One thing for the application to know, and about how many bytes it takes until it is written down.
pub struct Telling<R> {
    /// The report.
    pub report: R,
    /// Bytes that the commit does not count otherwise.
    pub weight: usize,
}

/// A change of a subject. The defaults are those of an operation that has nothing special about it.
pub trait Operation: Clone + Debug + Send + Sized + 'static {
    /// The key of its subject.
    type Key;
    /// The question to the log that has to be answered before such an operation can be decided.
    type LookUp: Send + 'static;

    /// The command of a connection that is gone: `at_once` for good, else its place is kept for the grace.
    fn of_gone(at_once: bool) -> Self;

    /// The command that takes an account out which is in more subjects than it may be in; `None` where nothing counts them.
    fn beyond_quota() -> Option<Self> {
        None
    }

    /// True for what may only take effect with an entry of the log; false for presence and what is told to those who are here.
    fn is_logged(&self) -> bool {
        true
    }

    /// Says if it is taken in while the log is behind.
    fn admission(&self) -> Admission {
        Admission::IfThereIsRoom
    }

    /// True if its connection hears the subject from then on, once it is granted.
    fn follows(&self) -> bool {
        false
    }

    /// True if its connection was lost and keeps its place for the grace.
    fn loses_connection(&self) -> bool {
        false
    }

    /// The application of a subject that begins with this and with nothing else, so that the log need not be asked for it.
    fn begins(&self) -> Option<&str> {
        None
    }

    /// The application of a subject that begins with this if it is not there.
    fn may_begin(&self) -> Option<&str> {
        None
    }

    /// Once it has become an entry of the log: true if the subject is there from then on, false if it is no more.
    fn opens(&self) -> Option<bool> {
        None
    }

    /// The account that enters with it, for the count of the subjects it is in.
    fn entering(&mut self) -> Option<Entering<'_, Self::Key>> {
        None
    }

    /// The connection that it takes over from.
    fn takes_over(&self) -> Option<ConnId> {
        None
    }

    /// True if its connection comes, and the position it names in that case.
    fn position(&self) -> Option<Option<&pb::RoomPosition>> {
        None
    }

    /// True if it cannot be decided before the log has been asked for what it is about.
    fn needs_look_up(&self) -> bool {
        false
    }

    /// The question to the log.
    fn into_look_up(self) -> Option<Self::LookUp> {
        None
    }

    /// The command, once the log has answered where it stands. The refusal, if it has no such thing.
    fn found(look_up: Self::LookUp, seq: Option<Seq>) -> Result<Self, Status>;

    /// True if this is the reply to a message that was taken, and not as one of high priority.
    fn is_ordinary(reply: &Response) -> bool {
        let _ = reply;
        false
    }
}

/// A question to a subject: changes nothing, is never in the log.
pub trait Question: Debug + Send + 'static {
    /// True if the log has the answer, and the subject only says how much of it may be read.
    fn reads_log(&self) -> bool {
        false
    }
}

/// Entries to replay to a connection that comes back.
pub trait Scope: Send + 'static {
    /// The connection has everything up to here.
    fn after(&self) -> Seq;
    /// It hears everything beyond.
    fn last(&self) -> Seq;
    /// The last entry the log has up to there.
    fn logged(&self) -> Seq;
}

impl Scope for Infallible {
    fn after(&self) -> Seq {
        match *self {}
    }

    fn last(&self) -> Seq {
        match *self {}
    }

    fn logged(&self) -> Seq {
        match *self {}
    }
}

/// The number of a subject where its kind is known.
pub trait Key: Copy + Debug + Eq + Hash + Into<SubjectId> + Ord + Send + Sync + 'static {
    /// The key of a subject; `None` if it is of another kind.
    fn of(subject: SubjectId) -> Option<Self>;

    /// True if numbers like this one are given one after the other, so that none beyond the last was ever there. The others are made
    /// by clients, out of names.
    fn is_counted(self) -> bool;

    /// Its shard, whose owner decides for it.
    fn shard(self) -> Shard {
        Shard::of_subject(self.into())
    }
}

/// One kind of subject. Its state is changed by entries alone.
pub trait Subject: Sized + 'static {
    /// Its number.
    type Key: Key;
    /// The operations that change it.
    type Op: Operation<Key = Self::Key>;
    /// The questions it answers.
    type Query: Question;
    /// Its settings, shared by all subjects of an application.
    type Settings: Debug + Send + Sync + 'static;
    /// Things for its application to know beside a push.
    type Told: Default;
    /// One thing that its application is told.
    type Report: Send + 'static;
    /// An entry as the log keeps it.
    type Record: Send + 'static;
    /// Range and filter of the entries to replay to a connection.
    type Scope: Scope;
    /// How much of its history may be read.
    type History: Send + 'static;

    /// A subject that does not exist yet.
    fn vacant(id: Self::Key, settings: Arc<Self::Settings>) -> Self;

    /// Its number.
    fn id(&self) -> Self::Key;

    /// True if it was created and has not ended.
    fn exists(&self) -> bool;

    /// The application it belongs to; empty until it exists.
    fn app_key(&self) -> &str;

    /// Puts the settings of its application in force.
    fn set_settings(&mut self, settings: Arc<Self::Settings>);

    /// The place of the next entry.
    fn next_seq(&self) -> Seq;

    /// The time of the last entry: the next one may not lie before it.
    fn last_time(&self) -> UnixMs;

    /// The same on the clock of durations.
    fn last_clock(&self) -> UnixMs;

    /// Applies an entry. `Err`: it left no trace, and its place goes to the next one.
    fn decide(&mut self, entry: &Entry<Self::Op>) -> Result<Outcome<Self::Op, Self::Told>, Status>;

    /// Refuses what may not be looked up, as far as the subject can say.
    fn may_look_up(&self, now: UnixMs, actor: &Actor, look_up: &<Self::Op as Operation>::LookUp) -> Result<(), Status>;

    /// Answers a question.
    fn answer(&mut self, now: UnixMs, actor: &Actor, query: &Self::Query) -> Answer;

    /// How much of what [`Question::reads_log`] asks for may be read.
    fn history(&self, now: UnixMs, actor: &Actor, query: &Self::Query) -> Result<Self::History, Status>;

    /// The next time at which it does something by itself.
    fn deadline(&self) -> Option<UnixMs> {
        None
    }

    /// The command of a deadline that has passed.
    fn due(&self, now: UnixMs) -> Option<Command<Self::Op>> {
        let _ = now;
        None
    }

    /// The lasting state: of its parts those that have changed after `since`, the head always and first; `with_end`, since when
    /// everybody has left it for good.
    fn snapshot(&self, since: Seq, with_end: bool) -> Vec<Part>;

    /// An entry as the log keeps it, with the push as everybody received it.
    fn record(
        id: Self::Key,
        entry: Entry<Self::Op>,
        push: Option<(Push, PushBody)>,
        in_history: bool,
        link: Link,
    ) -> Self::Record;

    // Who is here.

    /// True if nobody is in it.
    fn is_empty_of_people(&self) -> bool;

    /// True if an account is in it with a connection.
    fn is_connected(&self, account: &AccountId) -> bool;

    /// Connections in it.
    fn connections(&self) -> usize;

    /// Every account in it with its connections, in the order of accounts.
    fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)>;

    /// Takes over who is in it from what memory had of it, which may have been ahead of the log.
    fn take_people(&mut self, old: Self);

    /// The commands that take out what belongs to accounts that are not here and goes with them.
    fn left_behind(&self) -> Vec<Command<Self::Op>> {
        Vec::new()
    }

    /// Lets go of what it has worked out and nobody has used since the last time.
    fn tidy(&self) {}

    // Positions.

    /// The state of a position, where entries reach up to `last` and the node is in epoch `now`.
    fn standing(&self, now: Epoch, position: (Epoch, Seq), last: Seq) -> Standing;

    /// Scope of what a connection missed after `after`, up to `last`.
    /// `None`: nothing is replayed.
    fn scope(
        &self,
        account: &AccountId,
        connection: ConnId,
        replaces: Option<Predecessor>,
        after: Seq,
        last: Seq,
    ) -> Option<Self::Scope> {
        let _ = (account, connection, replaces, after, last);
        None
    }

    /// An epoch begins for it with this number.
    fn note_epoch(&mut self, epoch: Epoch, first: Seq);

    /// Adds to the reply of who has come what it is told of what it missed.
    fn tell_missed(reply: &mut Response, missed: &Resumption) {
        let _ = (reply, missed);
    }

    // Its end, where everybody has left it.

    /// True if it ends once everybody has left it.
    fn is_passing(&self) -> bool {
        false
    }

    /// When it ends because nobody is in it.
    fn ends_at(&self) -> Option<UnixMs> {
        None
    }

    /// Since when nobody is in it, while nobody is.
    fn empty_since(&self) -> UnixMs {
        UnixMs::default()
    }

    /// The account that made it.
    fn maker(&self) -> Option<&AccountId> {
        None
    }

    /// Says since when nobody is in it, of one that was just rebuilt: with `exactly` at that time, else no later than that.
    fn vacated(&mut self, since: UnixMs, exactly: bool) {
        let _ = (since, exactly);
    }

    // What others are told.

    /// The refusal of a request for a subject that does not exist.
    fn missing_subject() -> Status;

    /// Says to its readers that items are lost for good, where there are readers to be told.
    fn gap(id: Self::Key, first: Seq, last: Seq) -> Option<Push> {
        let _ = (id, first, last);
        None
    }

    /// Says to its readers in which epoch it goes on, and how far the log goes.
    fn epoch_begun(id: Self::Key, epoch: Epoch, log_seq: Seq) -> Option<Push> {
        let _ = (id, epoch, log_seq);
        None
    }

    /// Tells a connection that another has taken its place.
    fn taken_over(id: Self::Key) -> pb::Kicked;

    /// How dear a push is.
    fn class_of(push: &Push) -> Class;

    /// A push as the log keeps it, with its encoded body.
    fn push_body(push: &Push, body: bytes::Bytes) -> PushBody;

    /// How much of it one reader is sent.
    fn downlink(&self) -> Downlink {
        Downlink::default()
    }

    /// How many subjects an account may be in.
    fn quota(settings: &Self::Settings) -> Quota {
        let _ = settings;
        Quota::default()
    }

    /// The settings it goes by.
    fn settings(&self) -> &Self::Settings;

    /// The worth of an entry in the figures: true for a message, and the connections that have entered with it.
    fn tally(&self, entry: &Entry<Self::Op>, outcome: &Outcome<Self::Op, Self::Told>) -> (bool, u32) {
        let _ = (entry, outcome);
        (false, 0)
    }

    /// True if its application wants to be told anything.
    fn tells(&self) -> bool {
        false
    }

    /// Reports of an entry to its application, as far as it wants to know.
    fn reports(
        &self,
        entry: &Entry<Self::Op>,
        push: Option<&PushBody>,
        told: Self::Told,
        is_durable: bool,
    ) -> Vec<Telling<Self::Report>> {
        let _ = (entry, push, told, is_durable);
        Vec::new()
    }

    /// Gives a report its number in an epoch of the node.
    fn number(report: &mut Self::Report, epoch: Epoch, number: u64) {
        let _ = (report, epoch, number);
    }
}
