//! Carries out what a front wants done, where that has to be waited for: the disk on threads that may, applications over HTTP. What it
//! comes to goes back to the front.

use std::rc::Rc;
use std::sync::Arc;

use super::shared::{Shared, unix, unix_at_most};
use super::worker::Worker;
use crate::dispatch::Asker;
use crate::error::{Code, Status};
use crate::front::{Call, Callback, Effect, HistoryRead, NoAnswer, Verdict};

impl Worker {
    /// Begins something that is waited for.
    pub(super) fn begin(self: &Rc<Self>, effect: Effect) {
        let (worker, shared) = (self.clone(), self.shared.clone());
        tokio::task::spawn_local(async move {
            match effect {
                Effect::Load(room) => {
                    let loaded =
                        off_thread("the room could not be rebuilt", move || shared.reader.load(room, unix_at_most())).await;
                    worker.with(|front| front.on_loaded(room, loaded));
                }
                Effect::LoadUser(user) => {
                    let loaded = off_thread("the user could not be rebuilt", move || shared.reader.load_user(user)).await;
                    worker.with(|front| front.on_user_loaded(user, loaded));
                }
                Effect::Find(find) => {
                    let (room, request) = (find.subject, find.request.clone());
                    let found =
                        off_thread("the log could not be read", move || shared.reader.find(room, &request, unix())).await;
                    worker.with(|front| front.on_found(*find, found));
                }
                Effect::CatchUp(waiting) => {
                    let (room, scope) = (waiting.asked.subject, waiting.scope.clone());
                    let read = off_thread("the log could not be read", move || shared.reader.replay(room, &scope)).await;
                    worker.with(|front| front.on_caught_up(*waiting, read));
                }
                Effect::History(read) => {
                    let HistoryRead { asker, room, query, scope } = *read;
                    let reaches = matches!(asker, Asker::Connection(_));
                    let read = move || shared.reader.history((room, &query), scope, reaches, unix());
                    let page = off_thread("the history could not be read", read).await;
                    worker.with(|front| front.on_history(asker, page));
                }
                Effect::Accounts(read) => {
                    let (app_key, accounts, registers) = (read.app_key.clone(), read.accounts.clone(), read.registers);
                    let work = move || {
                        let read_for = |id| shared.common.accounts.read_for(&app_key, id, registers);
                        accounts.iter().map(read_for).collect()
                    };
                    let looks = off_thread("the accounts could not be read", work).await;
                    worker.with(|front| front.on_accounts(*read, looks));
                }
                Effect::Call(call) => {
                    let verdict = shared.ask_application(&call).await;
                    worker.with(|front| front.on_verdict(call.called, verdict));
                }
            }
        });
    }
}

impl Shared {
    async fn ask_application(self: &Arc<Self>, call: &Call) -> Result<Verdict, NoAnswer> {
        let (table, about) = (self.apps.table(), call.called.callback());
        let uri = match about {
            Callback::Login => table.login_callback(call.called.app_key()),
            Callback::Send => table.send_callback(call.called.app_key()),
        };
        // The configuration may have been read again meanwhile.
        let uri = uri.ok_or(NoAnswer::Unreachable)?;
        self.callbacks.ask(uri, &call.question, about.patience_ms()).await
    }
}

/// Does something on a thread that may wait for the disk. `failed` says what has come to nothing if it ends by a panic.
pub(super) async fn off_thread<T: Send + 'static>(
    failed: &'static str,
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Status::new(Code::ServerError, failed)))
}
