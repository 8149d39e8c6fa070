//! The owners of accounts know of them what rooms and connections have.

use std::collections::{BTreeMap, BTreeSet};

use super::node::{APP, Node};
use super::world::World;
use crate::dispatch::owner_of;
use crate::id::{ConnId, RoomId};
use crate::subject::AccountHash;

/// An account as it is.
#[derive(PartialEq, Eq, Default, Debug)]
struct Standing {
    connections: BTreeSet<ConnId>,
    rooms: BTreeSet<RoomId>,
    /// Rooms that it has made and that wait for their end.
    waiting: usize,
    /// Rooms that it may enter and has not.
    reserved: usize,
}

impl World {
    /// Once all is quiet the owner of each account has its connections and rooms, no more and no less.
    pub(super) fn check_accounts(&mut self) {
        let Some(node) = &self.node else { return };
        let Some(had) = self.had(node) else { return };
        let mut known: BTreeMap<AccountHash, Standing> = BTreeMap::new();
        let mut wrong = None;
        for (number, worker) in node.workers.iter().enumerate() {
            let passing = worker.front.passing();
            for hash in passing.known() {
                let standing = Standing {
                    connections: passing.sessions(hash).iter().map(|session| session.connection).collect(),
                    rooms: passing.rooms(hash).into_iter().collect(),
                    waiting: passing.waiting(hash),
                    reserved: passing.reserved(hash),
                };
                if hash.owner(node.workers.len()) != number {
                    wrong = Some(format!("worker {number} has {standing:?} of an account of another"));
                }
                known.insert(hash, standing);
            }
        }
        let name = |hash: &AccountHash| {
            let key = node.common.account_key();
            let account = self.plan.accounts.iter().find(|account| key.account(APP, account) == *hash);
            account.map_or_else(|| String::from("the application"), ToString::to_string)
        };
        for hash in known.keys().chain(had.keys()) {
            let (known, had) = (known.get(hash), had.get(hash));
            if known != had {
                wrong = Some(format!("the owner of {} has {known:?} of it, and there is {had:?}", name(hash)));
            }
        }
        if let Some(wrong) = wrong {
            self.watch.fail(wrong);
        }
    }

    /// The parts that rooms and connections have of each account; `None` while a room that is in memory is not at rest.
    fn had(&self, node: &Node) -> Option<BTreeMap<AccountHash, Standing>> {
        let (key, workers) = (node.common.account_key(), &node.workers);
        let mut had: BTreeMap<AccountHash, Standing> = BTreeMap::new();
        for room in self.watch.truths.keys() {
            let hub = workers[owner_of(*room, workers.len())].front.hub();
            let Some(here) = hub.settled(*room) else { continue };
            for (account, _) in here.everybody() {
                had.entry(key.account(APP, &account)).or_default().rooms.insert(*room);
            }
        }
        for worker in workers {
            if worker.front.hub().has_uncommitted() || worker.front.hub().is_broken() {
                return None;
            }
            for hash in worker.front.hub().makers_waiting() {
                had.entry(hash).or_default().waiting += 1;
            }
            for (_, connection) in &worker.front.connections {
                if let Some(identity) = &connection.identity {
                    let hash = key.account(&identity.app_key, &identity.account);
                    had.entry(hash).or_default().connections.insert(connection.id);
                }
            }
        }
        Some(had)
    }
}
