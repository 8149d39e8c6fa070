//! A user as one kind of subject: what `dispatch` asks of it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;

use super::command::{Op, Query};
use super::record::Record;
use super::state::{Entry, Outcome, Settings, User};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, Epoch, Seq, SubjectId, UnixMs, UserId};
use crate::subject::{Actor, Answer, Class, Key, Link, Part, PushBody, Standing, Subject};
use crate::wire::{Push, pb};

impl Key for UserId {
    fn of(subject: SubjectId) -> Option<UserId> {
        UserId::of(subject)
    }

    fn is_counted(self) -> bool {
        false
    }
}

impl Subject for User {
    type Key = UserId;
    type Op = Op;
    type Query = Query;
    type Settings = Settings;
    type Told = ();
    type Report = Infallible;
    type Record = Record;
    type Scope = Infallible;
    type History = Infallible;

    fn vacant(id: UserId, settings: Arc<Settings>) -> User {
        User::new(id, settings)
    }

    fn id(&self) -> UserId {
        self.id
    }

    /// A user exists with its account.
    fn exists(&self) -> bool {
        true
    }

    fn app_key(&self) -> &str {
        ""
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn set_settings(&mut self, settings: Arc<Settings>) {
        self.settings = settings;
    }

    fn next_seq(&self) -> Seq {
        self.last_seq.next()
    }

    fn last_time(&self) -> UnixMs {
        self.last_time
    }

    fn last_clock(&self) -> UnixMs {
        self.last_clock
    }

    fn decide(&mut self, entry: &Entry) -> Result<Outcome, Status> {
        self.apply(entry)
    }

    fn may_look_up(&self, _now: UnixMs, _actor: &Actor, look_up: &Infallible) -> Result<(), Status> {
        match *look_up {}
    }

    fn answer(&mut self, _now: UnixMs, _actor: &Actor, query: &Query) -> Answer {
        match *query {}
    }

    fn history(&self, _now: UnixMs, _actor: &Actor, query: &Query) -> Result<Infallible, Status> {
        match *query {}
    }

    fn snapshot(&self, _since: Seq, _with_end: bool) -> Vec<Part> {
        vec![Part::head(self.to_kept())]
    }

    fn record(user: UserId, entry: Entry, _push: Option<(Push, PushBody)>, _in_history: bool, link: Link) -> Record {
        Record { user, entry, link }
    }

    // Its devices are its passing half.

    fn is_empty_of_people(&self) -> bool {
        true
    }

    fn is_connected(&self, _account: &AccountId) -> bool {
        false
    }

    fn connections(&self) -> usize {
        0
    }

    fn everybody(&self) -> Vec<(AccountId, Vec<ConnId>)> {
        Vec::new()
    }

    fn take_people(&mut self, old: User) {
        // No number is given twice, whatever became of the entries that had them.
        self.last_seq = self.last_seq.max(old.last_seq);
    }

    fn standing(&self, now: Epoch, (epoch, seq): (Epoch, Seq), last: Seq) -> Standing {
        if epoch > now { Standing::Unknown } else { self.boundaries.standing(epoch, seq, last) }
    }

    fn note_epoch(&mut self, epoch: Epoch, first: Seq) {
        self.boundaries.note(epoch, first);
    }

    fn missing_subject() -> Status {
        Status::with_sub(Code::NotFound, Sub::AccountMissing)
    }

    fn taken_over(_: UserId) -> pb::Kicked {
        pb::Kicked::default()
    }

    fn class_of(_: &Push) -> Class {
        Class::Kept
    }

    fn push_body(_: &Push, body: Bytes) -> PushBody {
        PushBody::Notification(body)
    }
}
