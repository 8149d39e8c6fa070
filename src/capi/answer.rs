//! From an answer on the wire to the call that tells C.

use std::ffi::c_void;
use std::sync::Arc;

use bytes::BytesMut;

use super::boundary::Quiet;
use super::calls::{Call, Calls, Place};
use super::request::{chatroom_call_fn, chatroom_count_fn, chatroom_done_fn};
use super::types::{UserData, chatroom_bytes_t, chatroom_status_t};
use crate::error::{Code, Status};
use crate::limits;
use crate::wire::{Request, Response};

pub(super) type Tell<A> = Box<dyn FnOnce(*mut c_void, Result<A, Status>) + Send>;

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

/// What an answer refines its success by: of several things asked at once, some may have been refused.
fn sub_of(response: &Response) -> i32 {
    match response {
        Response::AttributesSet(change) | Response::AttributesDelete(change) | Response::AttributesBatch(change) => change.sub,
        Response::MemberAttributesSet(change) => change.sub,
        _ => 0,
    }
}

/// An answer as C sees it: through a view that points into it.
pub(super) trait Lend: Send + 'static {
    /// What C gets to see.
    type View;

    /// Lends the view to `body`.
    fn lend_to(self, body: impl FnOnce(&Self::View));
}

impl<A: Lend> Lend for Box<A> {
    type View = A::View;

    fn lend_to(self, body: impl FnOnce(&A::View)) {
        (*self).lend_to(body);
    }
}

/// A request of a kind, whose body it may hold on the heap.
pub(super) fn request_of<B, P: Into<B>>(kind: fn(B) -> Request, packet: P) -> Request {
    kind(packet.into())
}

/// The host's function for an answer with a view, which is NULL unless the code is 0.
pub(super) type DoneWith<V> = Option<unsafe extern "C" fn(*mut c_void, *const chatroom_status_t, *const V)>;

/// The words for C of what is answered with a status alone, or of which only that matters.
pub(super) fn tell_done<A>(done: chatroom_done_fn) -> Tell<A> {
    Box::new(move |user_data, result| {
        if let Some(done) = done {
            let status = result.err().unwrap_or(Status::OK);
            let _loud = Quiet::new(false);
            // SAFETY: the host gave the two together, and has not got its pointer back; the status lives until it returns.
            unsafe { done(user_data, &chatroom_status_t::lend(&status)) }
        }
    })
}

/// The words for C of a request whose answer has a part worth seeing, which `part` picks.
pub(super) fn tell_view<A: Lend>(part: fn(Response) -> Option<A>, done: DoneWith<A::View>) -> Tell<Response> {
    Box::new(move |user_data, result| {
        let Some(done) = done else { return };
        let sub = result.as_ref().map_or(0, sub_of);
        let result = result.and_then(|response| part(response).ok_or_else(mismatch));
        let _loud = Quiet::new(false);
        match result {
            Ok(answer) => {
                let status = chatroom_status_t { sub, ..chatroom_status_t::lend(&Status::OK) };
                // SAFETY: the host gave the two together, and has not got its pointer back; what is lent lives until it returns.
                answer.lend_to(|view| unsafe { done(user_data, &status, view) });
            }
            // SAFETY: as above.
            Err(status) => unsafe { done(user_data, &chatroom_status_t::lend(&status), std::ptr::null()) },
        }
    })
}

/// The words for C of a request that is answered with a number, which is 0 unless the code is.
pub(super) fn tell_count(
    part: impl FnOnce(Response) -> Option<u64> + Send + 'static,
    done: chatroom_count_fn,
) -> Tell<Response> {
    Box::new(move |user_data, result| {
        let Some(done) = done else { return };
        let (status, count) = match result.and_then(|response| part(response).ok_or_else(mismatch)) {
            Ok(count) => (Status::OK, count),
            Err(status) => (status, 0),
        };
        let _loud = Quiet::new(false);
        // SAFETY: the host gave the two together, and has not got its pointer back; the status lives until it returns.
        unsafe { done(user_data, &chatroom_status_t::lend(&status), count) }
    })
}

/// The words for C of a request that is answered with the bytes of its packet, which are none unless the code is 0.
pub(super) fn tell_body(done: chatroom_call_fn) -> Tell<Response> {
    Box::new(move |user_data, result| {
        let Some(done) = done else { return };
        let mut frame = BytesMut::new();
        if let Ok(response) = &result {
            response.encode(1, &mut frame);
        }
        let body = frame.get(limits::HEADER_BYTES..).map_or(chatroom_bytes_t::EMPTY, chatroom_bytes_t::lend);
        let sub = result.as_ref().map_or_else(Status::sub_number, sub_of);
        let status = result.err().unwrap_or(Status::OK);
        let status = chatroom_status_t { sub, ..chatroom_status_t::lend(&status) };
        let _loud = Quiet::new(false);
        // SAFETY: the host gave the two together, and has not got its pointer back; what is lent lives until it returns.
        unsafe { done(user_data, &status, body) }
    })
}
