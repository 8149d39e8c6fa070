//! Looks at accounts for connections: out of the directory's memory, or read from the disk when that does not know them. Only so much is
//! read at a time: after a restart everybody comes at once, and strangers may ask for names that nobody has.

use std::collections::VecDeque;
use std::sync::Arc;

use super::connection::{Pause, Phase};
use super::login::Attempt;
use super::{Effect, Front, Line, find, overloaded};
use crate::account::{Claim, Look};
use crate::dispatch::Asked;
use crate::error::Status;
use crate::id::{AccountId, ConnId};
use crate::limits::{ACCOUNT_LOOKUPS_AT_ONCE, ACCOUNT_LOOKUPS_WAITING_MAX, ACCOUNT_READS_MAX};
use crate::room::Ask;

/// Accounts that memory does not know, to be read for the sake of a request: [`Directory::read_for`](crate::account::Directory::read_for).
pub struct AccountRead {
    /// The application.
    pub app_key: Arc<str>,
    /// The accounts, whose looks are wanted in this order.
    pub accounts: Vec<AccountId>,
    /// A missing account is created, if accounts register themselves.
    pub registers: bool,
    connection: ConnId,
    /// Times the accounts were read for this request, this one included.
    reads: usize,
    then: Then,
}

/// The request that waits for its accounts.
pub(super) enum Then {
    Login(Box<Attempt>, Claim),
    Renewal(u32, String),
    /// A command that names accounts.
    Command(Asked, Box<Ask>),
}

/// The reads of one worker.
#[derive(Default)]
pub(super) struct AccountReads {
    under_way: usize,
    waiting: VecDeque<Box<AccountRead>>,
}

impl<L: Line> Front<L> {
    /// Has accounts read, now or when others are done; the request goes on in [`Front::on_accounts`].
    pub(super) fn read_accounts(
        &mut self,
        id: ConnId,
        app_key: Arc<str>,
        accounts: Vec<AccountId>,
        registers: bool,
        then: Then,
    ) {
        self.read_again(Box::new(AccountRead { app_key, accounts, registers, connection: id, reads: 0, then }));
    }

    fn read_again(&mut self, mut read: Box<AccountRead>) {
        let reads = &mut self.account_reads;
        if read.reads >= ACCOUNT_READS_MAX || reads.waiting.len() >= ACCOUNT_LOOKUPS_WAITING_MAX {
            return self.go_on_with(*read, Err(overloaded()));
        }
        read.reads += 1;
        metrics::counter!("chatroom_account_reads_total").increment(1);
        if reads.under_way < ACCOUNT_LOOKUPS_AT_ONCE {
            reads.under_way += 1;
            self.effects.push(Effect::Accounts(read));
        } else {
            reads.waiting.push_back(read);
        }
    }

    /// Accounts were read: answers [`Effect::Accounts`].
    pub fn on_accounts(&mut self, read: AccountRead, looks: Result<Vec<Look>, Status>) {
        let reads = &mut self.account_reads;
        reads.under_way -= 1;
        if let Some(next) = reads.waiting.pop_front() {
            reads.under_way += 1;
            self.effects.push(Effect::Accounts(next));
        }
        let directory = &self.common.accounts;
        let is_old = |(id, look): (&AccountId, &Look)| !directory.is_current(id, look);
        match looks {
            // Changed since: then memory knows it, or it is read again.
            Ok(looks) if read.accounts.iter().zip(&looks).any(is_old) => {
                let now = read.accounts.iter().map(|id| directory.look(&read.app_key, id)).collect::<Option<Vec<_>>>();
                match now {
                    Some(looks) if !read.registers => self.go_on_with(read, Ok(looks)),
                    _ => self.read_again(Box::new(read)),
                }
            }
            looks => self.go_on_with(read, looks),
        }
    }

    fn go_on_with(&mut self, read: AccountRead, looks: Result<Vec<Look>, Status>) {
        let id = read.connection;
        if self.connection(id).is_none_or(|connection| connection.phase != Phase::Open) {
            return;
        }
        let one = |looks: Result<Vec<Look>, Status>| looks.and_then(|mut looks| looks.pop().ok_or_else(overloaded));
        match read.then {
            Then::Login(attempt, claim) => self.go_on_with_login(id, *attempt, claim, one(looks)),
            Then::Renewal(sequence, token) => self.go_on_with_renewal(id, sequence, &token, one(looks)),
            Then::Command(asked, ask) => {
                // What came behind the command goes on too.
                if let Some(connection) = find(&mut self.connections, id) {
                    connection.pause = Pause::No;
                }
                match looks {
                    Ok(looks) => self.ask_known(asked, *ask, looks.iter().all(|look| look.known.is_some())),
                    Err(status) => {
                        self.release(id, asked.kind);
                        self.refuse(id, asked.kind, asked.sequence, &status);
                    }
                }
                self.resume(id);
            }
        }
    }
}
