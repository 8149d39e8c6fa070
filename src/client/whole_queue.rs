//! A room's whole queue, of which the server lists as much at a time as fits into a frame.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::requests::mismatch;
use super::{Client, Command, RequestHandle, Shared, closed};
use crate::error::Status;
use crate::limits::QUEUE_SIZE_MAX;
use crate::wire::{Request, Response, pb};

type Done = Box<dyn FnOnce(Result<Response, Status>) + Send>;

/// Elements gathered so far, and the means to ask for the rest. Keeps no client open.
struct Gather {
    commands: mpsc::WeakSender<Command>,
    shared: Arc<Shared>,
    room_id: i64,
    /// All requests go by one name, so that cancelling it ends the whole.
    handle: RequestHandle,
    elements: Vec<pb::QueueElement>,
    done: Done,
}

impl Client {
    /// A room's whole queue, in its order, by as many requests as it takes. Each element comes at most once; of a queue that
    /// changes meanwhile, what is added or taken out may be among them or not.
    pub async fn whole_queue(&self, room_id: i64) -> Result<Vec<pb::QueueElement>, Status> {
        let (done, outcome) = oneshot::channel();
        self.whole_queue_with(room_id, move |result| {
            // Nobody listens any more when the caller was cancelled.
            let _ = done.send(result);
        })?;
        match outcome.await.unwrap_or_else(|_| Err(closed()))? {
            Response::QueueList(list) => Ok(list.elements),
            _ => Err(mismatch()),
        }
    }

    /// [`Client::whole_queue`] for a caller that is not asynchronous, as one response; `done` as for [`Client::request_with`].
    pub fn whole_queue_with(
        &self,
        room_id: i64,
        done: impl FnOnce(Result<Response, Status>) + Send + 'static,
    ) -> Result<RequestHandle, Status> {
        let (commands, shared, handle) = (self.commands.downgrade(), self.shared.clone(), self.new_handle());
        let gather = Gather { commands, shared, room_id, handle, elements: Vec::new(), done: Box::new(done) };
        self.request_as(handle, list(room_id, 0), move |answer| gather.take(answer))
    }
}

impl Gather {
    fn take(mut self, answer: Result<Response, Status>) {
        let page = match answer {
            Ok(Response::QueueList(page)) => page,
            Ok(_) => return (self.done)(Err(mismatch())),
            Err(status) => return (self.done)(Err(status)),
        };
        let is_endless = page.has_more && (page.elements.is_empty() || self.elements.len() >= QUEUE_SIZE_MAX as usize);
        self.elements.extend(page.elements);
        if is_endless {
            return (self.done)(Err(mismatch()));
        }
        if !page.has_more {
            let whole = pb::QueueListResponse { elements: self.elements, ..Default::default() };
            return (self.done)(Ok(Response::QueueList(whole)));
        }
        let Some(commands) = self.commands.upgrade() else { return (self.done)(Err(closed())) };
        let client = Client { commands, shared: self.shared.clone() };
        let (request, handle) = (list(self.room_id, page.reached), self.handle);
        // Whichever way it goes, there is one to tell: a request that is refused at once never calls what it was given.
        let gather = Arc::new(parking_lot::Mutex::new(Some(self)));
        let later = gather.clone();
        let refused = client.request_as(handle, request, move |answer| {
            if let Some(gather) = later.lock().take() {
                gather.take(answer);
            }
        });
        if let Err(status) = refused
            && let Some(gather) = gather.lock().take()
        {
            (gather.done)(Err(status));
        }
    }
}

fn list(room_id: i64, after: u64) -> Request {
    Request::QueueList(pb::QueueListRequest { room_id, after, limit: 0 })
}
