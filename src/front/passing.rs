//! The parts of accounts that pass: sessions, rooms entered (im.md §0.1). Each account has an owner among the workers, which has its
//! [`Passing`] half; the others tell it what becomes of the account, and ask it what they have to know, by mail. That mail is posted
//! before answers are written, so that nobody who was answered acts on what the owner does not know yet.

use std::sync::Arc;

use super::connection::{Pause, Phase};
use super::orders::Order;
use super::rare::Rare;
use super::{Front, Line, find};
use crate::account::{Changed, Seen};
use crate::dispatch::{Asked, Asker, Request};
use crate::id::{ConnId, RoomId};
use crate::room::{Ask, Op};
use crate::subject::{AccountHash, Actor, Note, Operation, Quota};
use crate::user::{Passing, Session};

/// Mail about an account, to its owner and back.
pub enum AccountMail {
    /// To the owner: a fact.
    Note(Note<RoomId>),
    /// To the owner: the account has logged in.
    LoggedIn(Box<LoggedIn>),
    /// To the owner: a connection of the account is gone.
    Gone(AccountHash, ConnId),
    /// To the owner: may the account enter one more room made by a client?
    Reserve(Box<Reserving>),
    /// To the connection's worker: what came of that.
    Reserved(Box<Reserving>),
    /// To the owner: which rooms is the account in? Asked for a request with this sequence.
    Rooms(AccountHash, ConnId, u32),
    /// To the connection's worker: these.
    RoomsAre(ConnId, u32, Vec<RoomId>),
    /// To the owner: for every connection of the account, but for one that gives the order.
    Order(AccountHash, Option<ConnId>, Order),
    /// To the owner: which connections do these accounts have?
    Sessions(Vec<AccountHash>, SessionsTold),
}

/// Takes the connections of accounts, in the order in which these were named. Called once, on the owner's worker; must not block.
pub type SessionsTold = Box<dyn FnOnce(Vec<Vec<Session>>) + Send>;

/// An account that has logged in.
pub struct LoggedIn {
    pub(super) hash: AccountHash,
    pub(super) session: Session,
    pub(super) app_key: Arc<str>,
    /// What the login knows of the account.
    pub(super) seen: Seen,
}

/// A request to enter a room made by a client that waits for the account's owner.
pub struct Reserving {
    connection: ConnId,
    sequence: u32,
    hash: AccountHash,
    room: RoomId,
    leaves: Option<RoomId>,
    /// The request may make the room.
    makes: bool,
    /// The application, whose owner has the first word on that, until it has said it.
    app: Option<AccountHash>,
    quota: Quota,
    over_quota: bool,
    is_barred: bool,
}

impl AccountMail {
    /// About how many bytes it keeps alive while it waits.
    pub fn weight(&self) -> usize {
        match self {
            AccountMail::RoomsAre(_, _, rooms) => 64 + size_of_val(&rooms[..]),
            AccountMail::Sessions(hashes, _) => 64 + size_of_val(&hashes[..]),
            _ => 128,
        }
    }
}

impl<L: Line> Front<L> {
    /// The passing half of the accounts that this worker owns.
    pub fn passing(&self) -> &Passing {
        &self.passing
    }

    /// The account of a connection.
    pub(super) fn account_hash(&self, id: ConnId) -> Option<AccountHash> {
        let connection = self.connections.get(id.slot()).filter(|connection| connection.id == id)?;
        let identity = connection.identity.as_deref()?;
        Some(self.common.account_key().account(&identity.app_key, &identity.account))
    }

    /// Takes mail to a worker: at once, if it is this one.
    pub(super) fn send_about_account(&mut self, worker: usize, mail: AccountMail) {
        if worker == self.worker {
            self.settle_notes();
            self.on_account_mail(mail);
        } else if let Some(outbox) = self.account_outboxes.get_mut(worker) {
            outbox.push(mail);
        }
    }

    pub(super) fn send_to_owner(&mut self, hash: AccountHash, mail: AccountMail) {
        self.send_about_account(hash.owner(self.account_outboxes.len()), mail);
    }

    /// Posts what other workers have to know of accounts.
    pub(super) fn post_about_accounts(&mut self) {
        self.settle_notes();
        for (worker, outbox) in self.account_outboxes.iter_mut().enumerate() {
            if !outbox.is_empty() {
                self.common.post_about_accounts(worker, std::mem::take(outbox));
            }
        }
    }

    /// Takes what the rooms of this worker say of accounts to the owners.
    pub(super) fn settle_notes(&mut self) {
        while self.hub.has_notes() {
            let mut notes = self.hub.take_notes();
            for note in notes.drain(..) {
                let owner = note.hash().owner(self.account_outboxes.len());
                if owner == self.worker {
                    self.take_note(note);
                } else if let Some(outbox) = self.account_outboxes.get_mut(owner) {
                    outbox.push(AccountMail::Note(note));
                }
            }
            self.hub.recycle_notes(notes);
        }
    }

    /// A fact about an account of this worker. One that is in a room too many leaves the one it entered first.
    fn take_note(&mut self, note: Note<RoomId>) {
        let Some(beyond) = self.passing.note(note) else { return };
        let Some(op) = Op::beyond_quota() else { return };
        let (subject, actor, ask) = (beyond.room, Actor::server(beyond.account), Ask::Command(op));
        self.hub.request(Request { subject, asker: Asker::Nobody, actor, ask, app_key: None, resume: None });
    }

    /// Mail about an account has come.
    pub(super) fn on_account_mail(&mut self, mail: AccountMail) {
        match mail {
            AccountMail::Note(note) => self.take_note(note),
            AccountMail::LoggedIn(login) => self.on_logged_in(&login),
            AccountMail::Gone(hash, connection) => self.passing.log_out(hash, connection),
            AccountMail::Reserve(mut reserving) => {
                let Reserving { hash, room, leaves, makes, quota, .. } = *reserving;
                if let Some(app) = reserving.app.take() {
                    reserving.is_barred = self.passing.waiting(app) >= quota.left_of_app;
                    return self.send_to_owner(hash, AccountMail::Reserve(reserving));
                }
                reserving.is_barred |= makes && self.passing.waiting(hash) >= quota.left_of_account;
                reserving.over_quota = !self.passing.reserve(hash, room, leaves, quota.entered_of_clients);
                self.send_about_account(reserving.connection.worker(), AccountMail::Reserved(reserving));
            }
            AccountMail::Reserved(reserving) => self.on_reserved(*reserving),
            AccountMail::Rooms(hash, connection, sequence) => {
                let rooms = self.passing.rooms(hash);
                self.send_about_account(connection.worker(), AccountMail::RoomsAre(connection, sequence, rooms));
            }
            AccountMail::RoomsAre(connection, sequence, rooms) => self.on_rooms(connection, sequence, &rooms),
            AccountMail::Order(hash, but, order) => {
                for session in self.passing.sessions(hash).iter().filter(|session| Some(session.connection) != but) {
                    self.common.order(session.connection, order.clone());
                }
            }
            AccountMail::Sessions(hashes, told) => told(hashes.iter().map(|hash| self.passing.sessions(*hash)).collect()),
        }
    }

    /// A connection of an account of this worker can be found from now on. Whatever changed of the account before that, it has to be told.
    fn on_logged_in(&mut self, login: &LoggedIn) {
        self.passing.log_in(login.hash, login.session);
        let connection = login.session.connection;
        if connection.worker() == self.worker {
            // It looks itself.
            return;
        }
        let order = match self.common.accounts.changed_since(&login.app_key, &login.seen) {
            None => return,
            Some(Changed::Lost) => Order::LogInAgain,
            Some(Changed::Taken) => Order::GiveUpName,
            Some(Changed::Blocked) => Order::PutOut(Box::default()),
            Some(Changed::Muted(muted)) => Order::SetMuted(muted),
        };
        self.common.order(connection, order);
    }

    /// Has a request to enter a room made by a client wait until the account's owner has said whether there may be one more.
    pub(super) fn reserve(&mut self, asked: Asked, mut ask: Ask) {
        let (connection, sequence, room) = (asked.connection, asked.sequence, asked.subject);
        let Some(hash) = self.account_hash(connection) else { return };
        let Some((leaves, app_key)) = (match &mut ask {
            Ask::Command(op) => op.entering().map(|entering| (entering.leaves, entering.app_key.to_owned())),
            Ask::Query(_) => None,
        }) else {
            return;
        };
        let quota = self.hub.quota(&app_key);
        let makes = matches!(&ask, Ask::Command(op) if op.may_begin().is_some());
        let app = makes.then(|| self.common.account_key().app(&app_key));
        let (over_quota, is_barred) = (false, false);
        let reserving = Reserving { connection, sequence, hash, room, leaves, makes, app, quota, over_quota, is_barred };
        let Some(waiting) = self.connection(connection) else { return };
        waiting.change_rare(|rare| rare.reserving.push((asked, ask)));
        self.send_to_owner(app.unwrap_or(hash), AccountMail::Reserve(Box::new(reserving)));
        let still_waits = |rare: &Rare| rare.reserving.iter().any(|(asked, _)| asked.sequence == sequence);
        if let Some(waiting) = self.connection(connection)
            && waiting.pause == Pause::No
            && waiting.rare.as_deref().is_some_and(still_waits)
        {
            // What it asks meanwhile comes after.
            self.pause(connection, Pause::Reserving);
        }
    }

    /// The account's owner has said whether a room may be entered: goes on with the request, if its connection still waits.
    fn on_reserved(&mut self, reserving: Reserving) {
        let Reserving { connection: id, sequence, hash, room, over_quota, is_barred, .. } = reserving;
        let connection = find(&mut self.connections, id).filter(|connection| connection.phase == Phase::Open);
        let waiting = connection.and_then(|connection| {
            let at = connection.rare.as_ref()?.reserving.iter().position(|(asked, _)| asked.sequence == sequence)?;
            Some(connection.change_rare(|rare| rare.reserving.swap_remove(at)))
        });
        let Some((asked, mut ask)) = waiting else {
            if !over_quota {
                self.send_to_owner(hash, AccountMail::Note(Note::Refused { hash, subject: room }));
            }
            return;
        };
        if let Ask::Command(op) = &mut ask
            && let Some(entering) = op.entering()
        {
            (*entering.over_quota, *entering.is_barred) = (over_quota, is_barred);
        }
        self.ask_known(asked, ask, true);
        if self.connection(id).is_some_and(|connection| connection.pause == Pause::Reserving) {
            self.resume(id);
        }
    }
}
