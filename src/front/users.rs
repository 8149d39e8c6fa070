//! Requests to users: to that of the connection's own account, or to those of others. The directory is asked first: a user has the number
//! that stands there, and until its log says something its profile too. What a user has become is copied back, where an enter and the HTTP
//! API read it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::connection::{Connection, Pause, Phase};
use super::journey::Journey;
use super::pause::{Admission, Parked};
use super::{Effect, Front, Line, find, overloaded};
use crate::account::{Account, Directory};
use crate::dispatch::{Answer, UserAsked, UserAsker, UserRequest};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ConnId, UserId};
use crate::limits::{ACCOUNT_LOOKUPS_AT_ONCE, ACCOUNT_LOOKUPS_WAITING_MAX};
use crate::subject::{Actor, Gathering, Shard};
use crate::user::{Ask, Op, Query};
use crate::wire::{Response, pb, store};

/// The rows of accounts, as they were asked for; `None`: there is no such account.
pub type Rows = Vec<Option<Account>>;

/// Work in the directory for the sake of a request to users, which waits for it. May wait for the disk.
pub struct Errand {
    app_key: Arc<str>,
    work: Work,
    then: Then,
}

#[derive(Clone)]
enum Work {
    Read(Vec<AccountId>),
    Keep(AccountId, Box<pb::UserProfile>),
}

/// The accounts that are looked up, and what their users have said so far.
pub(super) struct Lookup {
    rows: Vec<(UserId, Account)>,
    said: Gathering<UserId>,
}

enum Then {
    /// The user is asked.
    Ask(ConnId, u32, u16, Ask),
    /// This is answered.
    Answer(UserAsked, Box<Answer>),
    /// Nobody waits.
    Nothing,
}

impl Errand {
    /// The work itself, for a thread that may wait for the disk.
    pub fn work(&self, directory: Arc<Directory>) -> impl FnOnce() -> Result<Rows, Status> + Send + 'static {
        let (app_key, work) = (self.app_key.clone(), self.work.clone());
        move || match work {
            Work::Read(accounts) => accounts.iter().map(|id| directory.profile(&app_key, id)).collect(),
            Work::Keep(account, profile) => keep_profile(&directory, &app_key, &account, *profile).map(|()| Rows::new()),
        }
    }
}

/// Errands of one worker: only so many are run at a time.
#[derive(Default)]
pub(super) struct Errands {
    under_way: usize,
    waiting: VecDeque<Box<Errand>>,
}

impl<L: Line> Front<L> {
    /// Asks the user of the connection's account, once the directory has said which that is.
    pub(super) fn ask_user(&mut self, id: ConnId, sequence: u32, kind: u16, ask: Ask) {
        match self.admission(id, kind, self.worker) {
            Admission::Ask => {}
            Admission::Park(pause) => return self.park(id, pause, Parked::User(sequence, kind, Box::new(ask))),
            Admission::Refuse => return self.refuse(id, kind, sequence, &overloaded()),
        }
        let Some(identity) = find(&mut self.connections, id).and_then(|connection| connection.identity.as_deref()) else {
            return;
        };
        if identity.anonymous {
            self.release(id, kind);
            return self.refuse(id, kind, sequence, &Status::with_sub(Code::Forbidden, Sub::AnonymousRefused));
        }
        if self.errands.waiting.len() >= ACCOUNT_LOOKUPS_WAITING_MAX {
            self.release(id, kind);
            return self.refuse(id, kind, sequence, &overloaded());
        }
        let accounts = match &ask {
            Ask::Command(_) => Ok(vec![identity.account.clone()]),
            Ask::Query(query) => query.accounts(),
        };
        let (app_key, work) = match accounts {
            Ok(accounts) => (identity.app_key.clone(), Work::Read(accounts)),
            Err(status) => {
                self.release(id, kind);
                return self.refuse(id, kind, sequence, &status);
            }
        };
        // What the connection asks next comes after it.
        self.pause(id, Pause::Accounts);
        self.run(Box::new(Errand { app_key, work, then: Then::Ask(id, sequence, kind, ask) }));
    }

    fn run(&mut self, errand: Box<Errand>) {
        if self.errands.under_way < ACCOUNT_LOOKUPS_AT_ONCE {
            self.errands.under_way += 1;
            self.effects.push(Effect::Errand(errand));
        } else {
            self.errands.waiting.push_back(errand);
        }
    }

    /// An errand is done: answers [`Effect::Errand`].
    pub fn on_errand(&mut self, errand: Errand, done: Result<Rows, Status>) {
        self.errands.under_way -= 1;
        if let Some(next) = self.errands.waiting.pop_front() {
            self.run(next);
        }
        let Errand { app_key, work, then } = errand;
        let id = match &then {
            Then::Ask(id, ..) => *id,
            Then::Answer(asked, _) => asked.connection,
            Then::Nothing => return,
        };
        let Some(connection) = self.connection(id).filter(|connection| connection.phase == Phase::Open) else { return };
        match then {
            Then::Ask(_, sequence, kind, ask) => {
                connection.pause = Pause::No;
                if let Err(status) = done.and_then(|rows| self.send_to_users((id, sequence, kind), &app_key, rows, ask)) {
                    self.release(id, kind);
                    self.refuse(id, kind, sequence, &status);
                }
                // What came behind it goes on too.
                self.resume(id);
            }
            Then::Answer(asked, answer) => {
                if let (Ok(_), Work::Keep(_, profile)) = (&done, work) {
                    connection.show(*profile);
                }
                self.write_answer(asked, done.and(*answer));
            }
            Then::Nothing => {}
        }
    }

    fn send_to_users(
        &mut self,
        (connection, sequence, kind): (ConnId, u32, u16),
        app_key: &str,
        rows: Rows,
        ask: Ask,
    ) -> Result<(), Status> {
        let with_user = |row: Account| user_of(app_key, &row).map(|user| (user, row));
        let rows = rows.into_iter().flatten().map(with_user).collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Err(Status::with_sub(Code::NotFound, Sub::ProfileMissing));
        }
        if rows.iter().any(|(user, _)| self.common.is_overloaded(*user)) {
            return Err(overloaded());
        }
        let actor = self.connection(connection).and_then(|connection| connection.actor()).ok_or_else(overloaded)?;
        let users: Vec<UserId> = rows.iter().map(|(user, _)| *user).collect();
        if matches!(&ask, Ask::Command(_)) {
            rows.into_iter().for_each(|(user, row)| self.users.request(begin(app_key, user, row)));
        } else {
            let lookup = Lookup { rows, said: Gathering::of(users.iter().copied()) };
            self.wait_for(connection, sequence, Journey::Users(Box::new(lookup)));
        }
        for subject in users {
            let asker = UserAsker::Connection(UserAsked { connection, sequence, kind, subject });
            let ask = match &ask {
                Ask::Command(op) => Ask::Command(op.clone()),
                // Each is asked about itself.
                Ask::Query(Query::UserLookup(_)) => Ask::Query(Query::UserLookup(pb::UserLookupRequest::default())),
                Ask::Query(Query::Rooms) => Ask::Query(Query::Rooms),
            };
            self.users.request(UserRequest { subject, asker, actor: actor.clone(), ask, app_key: None, resume: None });
        }
        Ok(())
    }

    /// A user has answered.
    pub(super) fn answer_of_user(&mut self, asked: UserAsked, answer: Answer) {
        let Some(connection) = self.connection(asked.connection) else { return };
        match connection.take_journey(asked.sequence) {
            None => {}
            Some(Journey::Users(mut lookup)) => {
                lookup.said.note(asked.subject, answer);
                if !lookup.said.is_complete() {
                    return self.wait_for(asked.connection, asked.sequence, Journey::Users(lookup));
                }
                let answer = self.found(asked.connection, *lookup);
                return self.write_answer(asked, answer);
            }
            Some(other) => return self.wait_for(asked.connection, asked.sequence, other),
        }
        match &answer {
            Ok(Response::UserUpdateSelf(updated)) if let Some(profile) = updated.user.clone() => {
                self.answer_after_copy(asked, answer, profile);
            }
            _ => self.write_answer(asked, answer),
        }
    }

    /// The profiles of all who were asked: the directory's where a user has none of its own. A copy there that differs is made anew.
    fn found(&mut self, id: ConnId, lookup: Lookup) -> Answer {
        let Lookup { rows, said } = lookup;
        let app_key = self.connection(id).and_then(|connection| Some(connection.identity.as_deref()?.app_key.clone()));
        let mut users = Vec::with_capacity(rows.len());
        for ((_, row), (_, response)) in rows.into_iter().zip(said.into_answers()?) {
            let own = if let Response::UserLookup(mut found) = response { found.users.pop() } else { None };
            if let (Some(own), Some(app_key)) = (&own, &app_key)
                && *own != profile_in(row.clone())
            {
                let work = Work::Keep(row.id.clone(), Box::new(own.clone()));
                self.run(Box::new(Errand { app_key: app_key.clone(), work, then: Then::Nothing }));
            }
            users.push(own.unwrap_or_else(|| profile_in(row)));
        }
        Ok(Response::UserLookup(pb::UserLookupResponse { users, ..Default::default() }))
    }

    /// Has the profile that a user has now copied to the directory, and its request answered after that.
    fn answer_after_copy(&mut self, asked: UserAsked, answer: Answer, profile: pb::UserProfile) {
        let Some(connection) = self.connection(asked.connection) else { return };
        let Some(identity) = connection.identity.as_deref() else { return };
        let work = Work::Keep(identity.account.clone(), Box::new(profile));
        let app_key = identity.app_key.clone();
        self.run(Box::new(Errand { app_key, work, then: Then::Answer(asked, Box::new(answer)) }));
    }

    fn write_answer(&mut self, asked: UserAsked, answer: Answer) {
        self.staging.clear();
        self.stage(asked.connection, asked.sequence, asked.kind, answer);
        self.write_staged(Some(asked.connection));
    }
}

impl<L> Connection<L> {
    /// Shows this profile in the rooms that are entered from now on.
    fn show(&mut self, profile: pb::UserProfile) {
        if let Some(identity) = self.identity.as_deref_mut() {
            let is_empty = profile.nick.is_empty() && profile.avatar.is_empty();
            identity.face = (!is_empty).then(|| Box::new((profile.nick.into(), profile.avatar.into())));
        }
    }
}

/// The user of an account.
pub fn user_of(app_key: &str, row: &Account) -> Result<UserId, Status> {
    UserId::new(row.number, Shard::of_account(app_key, &row.id).number())
}

/// The profile that an account's row has.
fn profile_in(row: Account) -> pb::UserProfile {
    pb::UserProfile {
        account: row.id.to_string(),
        nick: row.name,
        avatar: row.icon,
        sign: row.sign,
        gender: row.gender,
        email: row.email,
        birth: row.birth,
        tel: row.mobile,
        ext: row.ext,
        update_time_ms: row.profile_time_ms,
    }
}

/// The command that goes to a user ahead of each command: the application and the profile of its account's row.
pub fn begin(app_key: &str, user: UserId, row: Account) -> UserRequest {
    let actor = Actor::server(row.id.clone());
    let begin = store::UserBegin { app_key: app_key.to_owned(), profile: Some(profile_in(row)), moderation_id: String::new() };
    let ask = Ask::Command(Op::Begin(Box::new(begin)));
    UserRequest { subject: user, asker: UserAsker::Nobody, actor, ask, app_key: None, resume: None }
}

/// Copies the profile of a user to its account's row, unless a later one is there. Waits for the disk.
pub fn keep_profile(directory: &Directory, app_key: &str, id: &AccountId, profile: pb::UserProfile) -> Result<(), Status> {
    let copy = move |row: &mut Account| {
        if profile.update_time_ms >= row.profile_time_ms {
            row.profile_time_ms = profile.update_time_ms;
            (row.name, row.icon, row.sign, row.gender) = (profile.nick, profile.avatar, profile.sign, profile.gender);
            (row.email, row.birth, row.mobile, row.ext) = (profile.email, profile.birth, profile.tel, profile.ext);
        }
        Ok(())
    };
    directory.change_account(app_key, id, copy).map(drop)
}
