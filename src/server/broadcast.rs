//! Messages of an application to all its rooms (rest-api.md §5): one word to each worker, and one answer when all rooms have it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};

use super::engine::Engine;
use super::mailbox::Mailbox;
use crate::dispatch::{Broadcasting, Bundle, Mail, Rules, Told};
use crate::error::{Code, Status};
use crate::id::{AccountId, UnixMs};
use crate::limits::{BROADCASTS_REMEMBERED_MAX, BROADCASTS_UNDER_WAY_MAX, DEDUP_WINDOW_MS};
use crate::room::{Actor, Broadcast, Op};
use crate::wire::pb;

/// The broadcasts of a node.
pub(crate) struct Broadcasts {
    under_way: Arc<Semaphore>,
    /// What each application has sent lately, the oldest first.
    recent: Mutex<HashMap<Box<str>, VecDeque<Sent>>>,
}

/// A broadcast as its sender was told of it.
#[derive(Clone)]
struct Sent {
    from: AccountId,
    message_id: Box<str>,
    time: UnixMs,
    high_priority: bool,
}

impl Broadcasts {
    pub(crate) fn new() -> Broadcasts {
        Broadcasts { under_way: Arc::new(Semaphore::new(BROADCASTS_UNDER_WAY_MAX)), recent: Mutex::default() }
    }

    /// What a message came to that was sent within the last ten minutes.
    fn known(&self, now: UnixMs, app_key: &str, from: &AccountId, message_id: &str) -> Option<Sent> {
        let recent = self.recent.lock();
        let is_it = |sent: &&Sent| {
            sent.from == *from && &*sent.message_id == message_id && now.0.saturating_sub(sent.time.0) < DEDUP_WINDOW_MS
        };
        recent.get(app_key)?.iter().rev().find(is_it).cloned()
    }

    fn remember(&self, app_key: &str, sent: Sent) {
        let mut recent = self.recent.lock();
        let sent_before = recent.entry(app_key.into()).or_default();
        while sent_before.len() >= BROADCASTS_REMEMBERED_MAX
            || sent_before.front().is_some_and(|oldest| sent.time.0.saturating_sub(oldest.time.0) >= DEDUP_WINDOW_MS)
        {
            sent_before.pop_front();
        }
        sent_before.push_back(sent);
    }

    fn forget(&self, app_key: &str, sent: &Sent) {
        if let Some(recent) = self.recent.lock().get_mut(app_key) {
            recent.retain(|known| known.from != sent.from || known.message_id != sent.message_id);
        }
    }
}

impl Engine {
    /// Sends a message to every room of an application in which somebody is; answers once all of them have it. Of high priority it
    /// is, says the answer, if it is so in all of them. With `resend` a message that was sent within the last ten minutes is not
    /// sent again.
    ///
    /// Errors: those of [`Broadcast::new`]; 503 if too much is under way or waits; 514 if the node is going down; 500 if its store
    /// has failed.
    pub async fn broadcast(
        &self,
        app_key: &str,
        actor: Actor,
        request: &pb::MessageSendRequest,
    ) -> Result<pb::MessageSendResponse, Status> {
        let shared = &self.shared;
        let broadcast = Op::Broadcast(Arc::new(Broadcast::new(&shared.apps.settings(app_key), &actor, request)?));
        let now = shared.unix();
        if request.resend
            && let Some(sent) = shared.broadcasts.known(now, app_key, &actor.account, &request.message_id)
        {
            return Ok(sent.response(true));
        }
        let busy = || Status::new(Code::Busy, "the server has too much waiting; try again");
        let place = Arc::new(shared.broadcasts.under_way.clone().try_acquire_owned().map_err(|_| busy())?);
        if shared.mailboxes.iter().any(Mailbox::is_full) {
            return Err(busy());
        }
        // From now on, so that who repeats it because the answer takes long does not send it twice.
        let mut sent = Sent {
            from: actor.account.clone(),
            message_id: request.message_id.as_str().into(),
            time: now,
            high_priority: request.high_priority,
        };
        shared.broadcasts.remember(app_key, sent.clone());
        let told = Arc::new(Told::default());
        let all_done = shared.mailboxes.iter().map(|mailbox| {
            let (done, is_done) = oneshot::channel();
            // Taken until the last worker is through, whether or not somebody still waits for the answer.
            let place = place.clone();
            mailbox.post(Bundle::of_rooms(vec![Mail::Broadcast(Box::new(Broadcasting {
                app_key: app_key.into(),
                actor: actor.clone(),
                op: broadcast.clone(),
                told: told.clone(),
                // Who has given up waiting need not hear of it.
                done: Box::new(move || {
                    drop(place);
                    let _ = done.send(());
                }),
            }))]));
            is_done
        });
        for is_done in all_done.collect::<Vec<_>>() {
            is_done.await.map_err(|_| Status::new(Code::Unavailable, "the server is going down"))?;
        }
        drop(place);
        if told.refused.load(Ordering::Relaxed) > 0 && told.rooms.load(Ordering::Relaxed) == 0 {
            shared.broadcasts.forget(app_key, &sent);
            return Err(Status::new(Code::ServerError, "no room takes messages: the operator must restart the server"));
        }
        shared.broadcasts.forget(app_key, &sent);
        sent.high_priority &= told.ordinary.load(Ordering::Relaxed) == 0;
        shared.broadcasts.remember(app_key, sent.clone());
        Ok(sent.response(false))
    }
}

impl Sent {
    fn response(&self, duplicate: bool) -> pb::MessageSendResponse {
        pb::MessageSendResponse {
            message_id: self.message_id.as_ref().into(),
            time_ms: self.time.0,
            high_priority: self.high_priority,
            duplicate,
            ..Default::default()
        }
    }
}
