//! From an answer on the wire to the call that tells C.

use std::ffi::c_void;
use std::sync::Arc;

use super::boundary::Quiet;
use super::calls::{Call, Calls, Place};
use super::types::{UserData, chatroom_status_t};
use crate::error::{Code, Status};
use crate::wire::Response;

type Tell<A> = Box<dyn FnOnce(*mut c_void, Result<A, Status>) + Send>;

/// What completes a request: whom to tell, and how. Dropped unused, it gives the host's pointer back and tells nobody.
pub(super) struct Ticket<A> {
    calls: Arc<Calls>,
    user_data: UserData,
    tell: Tell<A>,
    place: Place,
}

impl<A: Send + 'static> Ticket<A> {
    pub(super) fn new(calls: &Arc<Calls>, place: Place, user_data: UserData, tell: Tell<A>) -> Ticket<A> {
        Ticket { calls: calls.clone(), user_data, tell, place }
    }

    /// Hands the result to the callback thread.
    pub(super) fn fulfil(self, result: Result<A, Status>) {
        let Ticket { calls, user_data, tell, place } = self;
        calls.push(Call::Completion(Box::new(move || {
            // First, so that the callback itself may ask for more.
            drop(place);
            tell(user_data.get(), result);
        })));
    }
}

/// A ticket that whoever lets go of it unfulfilled completes as closed.
pub(super) struct Promise<A: Send + 'static> {
    ticket: Option<Ticket<A>>,
}

impl<A: Send + 'static> Promise<A> {
    pub(super) fn new(ticket: Ticket<A>) -> Promise<A> {
        Promise { ticket: Some(ticket) }
    }

    pub(super) fn fulfil(mut self, result: Result<A, Status>) {
        if let Some(ticket) = self.ticket.take() {
            ticket.fulfil(result);
        }
    }
}

impl<A: Send + 'static> Drop for Promise<A> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.fulfil(Err(closed()));
        }
    }
}

/// The status of what a closed client is asked.
pub(super) fn closed() -> Status {
    Status::new(Code::NotInitialised, "the client is closed")
}

/// The status of an answer that is of another kind than its request: a server that breaks its word.
pub(super) fn mismatch() -> Status {
    Status::new(Code::UnpackFailed, "the answer does not fit the request")
}

/// The words for C of a request that is answered with a status alone, or of which only that matters.
pub(super) fn tell_done(done: super::request::chatroom_done_fn) -> Tell<Response> {
    Box::new(move |user_data, result| {
        if let Some(done) = done {
            let status = result.err().unwrap_or(Status::OK);
            let _loud = Quiet::new(false);
            // SAFETY: the host gave the two together, and has not got its pointer back; the status lives until it returns.
            unsafe { done(user_data, &chatroom_status_t::lend(&status)) }
        }
    })
}

/// Takes the part of an answer that `part` picks, and lends it with its status to `call`, where the host's function is called:
/// without the part on failure.
pub(super) fn tell_part<T: 'static>(
    part: impl FnOnce(Response) -> Option<T> + Send + 'static,
    call: impl FnOnce(*mut c_void, *const chatroom_status_t, Option<T>) + Send + 'static,
) -> Tell<Response> {
    Box::new(move |user_data, result| {
        let result = result.and_then(|response| part(response).ok_or_else(mismatch));
        let (status, answer) = match result {
            Ok(answer) => (Status::OK, Some(answer)),
            Err(status) => (status, None),
        };
        let _loud = Quiet::new(false);
        call(user_data, &chatroom_status_t::lend(&status), answer);
    })
}
