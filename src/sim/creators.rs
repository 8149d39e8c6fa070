//! Rooms that accounts make over HTTP, open and close, and that nobody enters; and what their users have to know of them, by letters
//! that are lost, repeated and late.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::client::Doing;
use super::node::APP;
use super::world::World;
use crate::dispatch::Post;
use crate::id::{AccountId, RoomId, Seq};
use crate::log::Log as _;
use crate::room::{Ask, Create, Op};
use crate::wire::{pb, store};

/// Rooms of this kind in a world.
const SHOPS_MAX: usize = 6;

impl World {
    /// An account makes a room over HTTP, closes one of its own, or opens it again.
    pub(super) fn trade(&mut self) {
        if self.shops.len() < SHOPS_MAX && self.random.bool() {
            let account = self.plan.accounts[self.random.usize(0..self.plan.accounts.len())].clone();
            if let Some(room) = self.create_room(account.clone()) {
                self.shops.push((room, account));
            }
            return;
        }
        let Some((room, account)) = self.shops.get(self.random.usize(0..self.shops.len().max(1))).cloned() else { return };
        let close = pb::RoomCloseRequest { room_id: room.get(), notify_ext: String::new() };
        let op = if self.random.bool() { Op::Reopen } else { Op::Close(close) };
        self.ask_over_http_as(account, room, Ask::Command(op), Doing::Other);
    }

    /// Makes a room over HTTP.
    pub(super) fn create_room(&mut self, creator: AccountId) -> Option<RoomId> {
        let node = self.node.as_ref()?;
        let number = node.last_room.fetch_add(1, std::sync::atomic::Ordering::AcqRel) + 1;
        let room = RoomId::new(number).ok()?;
        let create = Create {
            app_key: APP.into(),
            creator: creator.clone(),
            name: format!("room {number}"),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: false,
        };
        self.ask_over_http_as(creator, room, Ask::Command(Op::Create(Box::new(create))), Doing::Other);
        Some(room)
    }

    /// What becomes of mail between subjects on its way to a worker.
    pub(super) fn carry_post(&mut self, to: usize, post: Vec<Post>) -> Vec<Post> {
        let mut carried = Vec::with_capacity(post.len());
        let (late, other) = std::mem::take(&mut self.late).into_iter().partition(|(worker, _)| *worker == to);
        self.late = other;
        for (_, post) in late {
            self.carry(to, post, &mut carried);
        }
        for post in post {
            self.carry(to, post, &mut carried);
        }
        carried
    }

    fn carry(&mut self, to: usize, post: Post, carried: &mut Vec<Post>) {
        match self.random.u8(..) {
            _ if self.is_calm => carried.push(post),
            0..16 => {}
            16..32 => carried.extend([post.clone(), post]),
            32..48 => {
                self.late.push((to, post.clone()));
                carried.push(post);
            }
            48..80 => self.late.push((to, post)),
            _ => carried.push(post),
        }
    }

    /// Each user's list has the rooms that are open and name its account as their creator, and each letter was evaluated once.
    pub(super) fn check_creators(&mut self) {
        let Some(node) = &self.node else { return };
        let waiting: usize = node.workers.iter().map(|worker| worker.front.letters_waiting()).sum();
        if waiting > 0 {
            return self.watch.fail(format!("{waiting} letters have no verdict"));
        }
        let mut open: BTreeMap<String, BTreeSet<RoomId>> = BTreeMap::new();
        let last = node.last_room.load(std::sync::atomic::Ordering::Acquire);
        for room in (1..=last).filter_map(|number| RoomId::new(number).ok()) {
            let Ok(read) = self.reader.load(room, self.unix()) else { continue };
            let state = store::Snapshot::decode(&*read.subject.snapshot()).unwrap_or_default();
            if let Some(info) = state.info.filter(|info| !state.closed && !info.creator.is_empty()) {
                open.entry(info.creator).or_default().insert(room);
            }
        }
        let mut wrong = None;
        for account in &self.plan.accounts {
            let Ok(Some(user)) = node.common.user(APP, account) else { continue };
            let Ok(read) = self.reader.load_user(user) else {
                wrong = Some(format!("the user of {account} cannot be read"));
                continue;
            };
            let (knows, wanted) = (read.subject.rooms().collect(), open.remove(account.as_str()).unwrap_or_default());
            if wanted != knows {
                wrong = Some(format!("{account} has created {wanted:?}, and knows of {knows:?}"));
            }
            let mut evaluated = BTreeSet::new();
            for entry in self.disk.follow(user.into(), Seq(0), usize::MAX).unwrap_or_default() {
                let Ok(note) = store::Note::decode(entry.note) else { continue };
                let again =
                    note.letters.iter().find(|letter| !evaluated.insert((note.shard, note.kind, letter.id, letter.index)));
                if let Some(letter) = again {
                    wrong = Some(format!("letter {} to {account} is evaluated once more by entry {}", letter.id, entry.seq.0));
                }
            }
        }
        if let Some(wrong) = wrong {
            self.watch.fail(wrong);
        }
    }
}
