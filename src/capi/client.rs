//! The client's handle and its threads: one that runs the client, one that calls the host.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::runtime::Runtime;

use super::answer::{Promise, Tell, Ticket, closed, tell_done};
use super::boundary::{Error, Quiet, boundary, caught, value};
use super::calls::{Call, Calls, Pumped, deadline};
use super::generated::{chatroom_result, chatroom_state};
use super::input;
use super::options::{self, chatroom_options_t};
use super::request::chatroom_done_fn;
use super::threads::Masked;
use super::types::{UserData, chatroom_destructor_fn};
use crate::client::{self, Client, Events, RequestHandle};
use crate::error::{Code, Status};
use crate::limits;
use crate::wire::{Request, Response};

/// A client: one login, one connection, restored when lost.
///
/// Threads:   any thread, any time; chatroom_client_free must be the last call.
/// Callbacks: one at a time, in order, on the client's own thread.
/// Ends with: chatroom_client_free.
pub struct chatroom_client_t {
    shared: Arc<Shared>,
}

thread_local! {
    /// The last request of this thread that was accepted.
    static LAST_REQUEST: Cell<u64> = const { Cell::new(0) };
}

/// What a handle shares with its threads.
pub(super) struct Shared {
    /// Taken out when the client has ended: nothing can be asked from then on.
    client: RwLock<Option<Client>>,
    calls: Arc<Calls>,
    runtime: tokio::runtime::Handle,
    host_pumped: bool,
    /// A call panicked: what is behind the handle cannot be trusted any more.
    poisoned: AtomicBool,
    /// Freed inside a callback: whoever makes calls goes on to the end.
    freed: AtomicBool,
    /// The process the threads are in.
    process: u32,
    io_thread: Mutex<Option<JoinHandle<()>>>,
    call_thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    fn close(&self) {
        if let Some(client) = &*self.client.read() {
            client.close();
        }
    }

    /// Tells the client something that nothing comes of here.
    fn tell(&self, order: impl FnOnce(&Client) -> Result<(), Status>) -> Result<(), Error> {
        Ok(order(self.client.read().as_ref().ok_or_else(closed)?)?)
    }

    /// Asks the server. `tell` makes the call into C, once, unless this fails.
    pub(super) fn ask(&self, request: Request, user_data: UserData, tell: Tell<Response>) -> Result<(), Error> {
        self.ask_by(user_data, tell, |client, done| client.request_with(request, done))
    }

    /// As [`Shared::ask`], where the client has a way of its own to ask.
    pub(super) fn ask_by(
        &self,
        user_data: UserData,
        tell: Tell<Response>,
        ask: impl FnOnce(&Client, Box<dyn FnOnce(Result<Response, Status>) + Send>) -> Result<RequestHandle, Status>,
    ) -> Result<(), Error> {
        let client = self.client.read();
        let client = client.as_ref().ok_or_else(closed)?;
        let ticket = Ticket::new(&self.calls, self.calls.place()?, user_data, tell);
        let RequestHandle(request) = ask(client, Box::new(move |result| ticket.fulfil(result)))?;
        LAST_REQUEST.set(request);
        Ok(())
    }

    /// Gives the client an order whose outcome comes later.
    pub(super) fn order<T: Send + 'static>(
        &self,
        order: impl FnOnce(&Client) -> Result<tokio::sync::oneshot::Receiver<T>, Status>,
        result: impl FnOnce(T) -> Result<(), Status> + Send + 'static,
        done: chatroom_done_fn,
        user_data: UserData,
    ) -> Result<(), Error> {
        let client = self.client.read();
        let client = client.as_ref().ok_or_else(closed)?;
        let ticket = Ticket::new(&self.calls, self.calls.place()?, user_data, tell_done(done));
        let outcome = order(client)?;
        let promise = Promise::new(ticket);
        // The client is there, so its runtime is too: the thread that ends it takes the client first.
        self.runtime.spawn(async move {
            promise.fulfil(outcome.await.map_err(|_| closed()).and_then(result));
        });
        Ok(())
    }
}

/// Runs the body of a call on a client. A panic poisons the handle.
pub(super) fn on(client: *const chatroom_client_t, body: impl FnOnce(&Shared) -> Result<(), Error>) -> chatroom_result {
    boundary(|| {
        // SAFETY: the caller promises a client of ours that is not freed before the call returns, or NULL. The one exception,
        // a callback inside chatroom_client_dispatch, finds us with a count of our own and done with the handle.
        let shared = unsafe { client.as_ref() }.map(|client| client.shared.clone()).ok_or_else(|| Error::null("client"))?;
        if shared.poisoned.load(Ordering::Relaxed) {
            return Err(Error::new(Code::ServerError, "a defect of this library struck this client before: free it"));
        }
        if shared.process != std::process::id() {
            return Err(Error::new(Code::NotInitialised, "a forked child may only exec or exit"));
        }
        let result = caught(|| body(&shared));
        if matches!(&result, Err(error) if error.panicked) {
            shared.poisoned.store(true, Ordering::Relaxed);
        }
        result
    })
}

/// Runs the client to its end, on a thread of its own.
fn drive(runtime: Runtime, mut events: Events, shared: &Shared) {
    let _quiet = Quiet::new(true);
    let _ = caught(|| {
        runtime.block_on(async {
            while let Some(event) = events.next().await {
                if event == client::Event::Closed {
                    break;
                }
                shared.calls.push_event(event).await;
            }
        });
        Ok(())
    });
    // From here nobody can ask, and what was asked completes: first what waits in the client, then what waits on the runtime.
    drop(shared.client.write().take());
    drop(events);
    // A look-up of names may hang; nobody waits for it.
    runtime.shutdown_background();
    shared.calls.push(Call::Closed);
}

fn start(options: client::ClientOptions, calls: Arc<Calls>, host_pumped: bool) -> Result<Arc<Shared>, Error> {
    let failed = |what: &str, error: std::io::Error| Error::new(Code::ServerError, format!("{what} cannot be made: {error}"));
    // The threads begin with the mask of this one, and start others with theirs.
    let _masked = Masked::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(limits::CLIENT_NAME_THREADS_MAX)
        .thread_name("chatroom-names")
        .build()
        .map_err(|error| failed("a runtime", error))?;
    let (client, events) = {
        let _inside = runtime.enter();
        client::start(options)
    };
    let shared = Arc::new(Shared {
        client: RwLock::new(Some(client)),
        calls,
        runtime: runtime.handle().clone(),
        host_pumped,
        poisoned: AtomicBool::new(false),
        freed: AtomicBool::new(false),
        process: std::process::id(),
        io_thread: Mutex::new(None),
        call_thread: Mutex::new(None),
    });
    let io = shared.clone();
    let io_thread = std::thread::Builder::new()
        .name("chatroom-io".into())
        .spawn(move || drive(runtime, events, &io))
        .map_err(|error| failed("a thread", error))?;
    if host_pumped {
        *shared.io_thread.lock() = Some(io_thread);
        return Ok(shared);
    }
    let its = shared.clone();
    let builder = std::thread::Builder::new().name("chatroom-calls".into()).stack_size(limits::CALLBACK_STACK_BYTES);
    let call_thread = builder.spawn(move || {
        its.calls.pump_to_the_end(true);
        join(&its.io_thread);
    });
    match call_thread {
        Ok(call_thread) => {
            *shared.io_thread.lock() = Some(io_thread);
            *shared.call_thread.lock() = Some(call_thread);
            Ok(shared)
        }
        Err(error) => {
            shared.close();
            // It has no results but what it pushed to calls that nobody makes.
            let _ = io_thread.join();
            Err(failed("a thread", error))
        }
    }
}

/// Waits for a thread of ours, if nobody has yet. Its panics are caught on it.
fn join(thread: &Mutex<Option<JoinHandle<()>>>) {
    let thread = thread.lock().take();
    if let Some(thread) = thread {
        let _ = thread.join();
    }
}

/// Makes a client, which does not connect yet. `*client` becomes its handle.
///
/// The options' `user_data` passes to the library with this call, also when it fails. Returns 414 for options that cannot be,
/// and 500 when the system gives no thread.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_new(
    options: *const chatroom_options_t,
    client: *mut *mut chatroom_client_t,
) -> chatroom_result {
    boundary(|| {
        // SAFETY: the caller promises options as their type's documentation has them, or NULL.
        let (listener, read) = unsafe { options::adopt(options) };
        let (options, host_pumped) = read?;
        let out = input::out(client, "client")?;
        let listener = listener.ok_or_else(|| Error::null("options"))?;
        let shared = start(options, Calls::new(listener), host_pumped)?;
        // SAFETY: not NULL, and the caller promises that it can be written.
        unsafe { out.write(Box::into_raw(Box::new(chatroom_client_t { shared }))) };
        Ok(())
    })
}

/// Connects, logs in, and enters the room of the options if they name one. `done` hears when the client is in, or why it never
/// will be: what may pass is tried again as often as the options say.
///
/// Completes with 20002 when the client is connected already.
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_connect(
    client: *const chatroom_client_t,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| shared.order(Client::try_connect, |result| result, done, user_data))
}

/// Logs out and closes the connection; `done` hears when that is done. The client can connect again.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_disconnect(
    client: *const chatroom_client_t,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    on(client, |shared| shared.order(Client::try_disconnect, |()| Ok(()), done, user_data))
}

/// Sets the token of the next login, as `on_will_reconnect` invites to. A login that lives is renewed with
/// chatroom_client_renew_token instead.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_set_token(
    client: *const chatroom_client_t,
    token: *const std::ffi::c_char,
) -> chatroom_result {
    on(client, |shared| {
        // SAFETY: the caller promises a NUL-terminated text, or NULL.
        let token = unsafe { input::required(token, "token") }?;
        shared.tell(|client| client.try_set_token(token))
    })
}

/// For a host with reason to doubt the connection: the network was changed, the application came back to the foreground. A
/// connection that shows no sign of life within 2.5 s is given up and made anew at once; one that waits to be made anew waits no
/// longer. What comes of it, the callbacks tell. A client that is not connected has nothing to check.
///
/// Threads: any, also inside a callback. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_check_connection(client: *const chatroom_client_t) -> chatroom_result {
    on(client, |shared| shared.tell(Client::check_connection))
}

/// The number of the calling thread's last accepted request, for chatroom_client_cancel; 0 before the first. A request is accepted
/// when its call returns 0. Connects, disconnects, flushes and the begin of a batch have none.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub extern "C" fn chatroom_last_request() -> u64 {
    value(0, || LAST_REQUEST.get())
}

/// Cancels a request by its number: it completes with 191002, unless it is complete already. One that waits for a connection is
/// never sent; one that was sent may have been done all the same, and the library does not repeat it.
///
/// Threads: any, also inside a callback. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_cancel(client: *const chatroom_client_t, request: u64) -> chatroom_result {
    on(client, |shared| shared.tell(|client| client.cancel(RequestHandle(request))))
}

/// Waits for what was sent: `done` hears 0 when every send that was accepted before this call is complete, whatever it came to,
/// and 408 when some are not after `timeout_ms`; those go on. It comes after the completions of those that are.
///
/// Threads: any, also inside a callback. Does not block: the wait is the library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_flush(
    client: *const chatroom_client_t,
    timeout_ms: u32,
    done: chatroom_done_fn,
    user_data: *mut c_void,
    destructor: chatroom_destructor_fn,
) -> chatroom_result {
    let user_data = UserData::adopt(user_data, destructor);
    let patience = Duration::from_millis(timeout_ms.into());
    on(client, |shared| shared.order(|client| client.try_flush(patience), |result| result, done, user_data))
}

/// Returns the state of the client, a `chatroom_state`: 6, exited, once it is closed, for NULL, and in a forked child.
///
/// Threads: any. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_state(client: *const chatroom_client_t) -> i32 {
    let exited = chatroom_state::Exited as i32;
    value(exited, || {
        // SAFETY: the caller promises a client of ours that is not freed before the call returns, or NULL.
        let Some(client) = (unsafe { client.as_ref() }) else { return exited };
        if client.shared.process != std::process::id() {
            // The threads are in the other process, and so may be one that holds the lock.
            return exited;
        }
        client.shared.client.read().as_ref().map_or(exited, |client| client.state() as i32)
    })
}

/// Closes the client for good, and returns at once: it logs out, what is pending completes with 20000, then `on_closed` comes,
/// last of all. Closing again is nothing to do.
///
/// Threads: any, also inside a callback. Does not block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_close(client: *const chatroom_client_t) -> chatroom_result {
    on(client, |shared| {
        shared.close();
        Ok(())
    })
}

/// Makes the calls that wait, for a client whose options set `host_pumped`. Waits up to `timeout_ms` for the first: 0 does not
/// wait, a negative number waits without end. `*count` becomes the number of calls made; it may be NULL.
///
/// Returns 414 for a client with a thread of its own and inside a callback, 503 while another thread is at it, and 20000 once
/// `on_closed` has been called.
/// Threads: any, one at a time. Blocks as said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_dispatch(
    client: *const chatroom_client_t,
    timeout_ms: i32,
    count: *mut usize,
) -> chatroom_result {
    on(client, |shared| {
        if !shared.host_pumped {
            return Err(Error::new(Code::BadParameter, "the client has a callback thread: set host_pumped in its options"));
        }
        if shared.calls.is_calling() {
            return Err(Error::new(Code::BadParameter, "chatroom_client_dispatch cannot be called inside a callback"));
        }
        let busy = || Error::new(Code::Busy, "another thread is in chatroom_client_dispatch");
        let pumped = shared.calls.try_pump(deadline(timeout_ms)).ok_or_else(busy)?;
        if shared.freed.load(Ordering::Acquire) {
            shared.calls.pump_to_the_end(false);
            join(&shared.io_thread);
        }
        let made = match pumped {
            Pumped::Calls(made) | Pumped::Last(made) => made,
            Pumped::Over => return Err(closed().into()),
        };
        if !count.is_null() {
            // SAFETY: not NULL, and the caller promises that it can be written.
            unsafe { count.write(made) };
        }
        Ok(())
    })
}

/// Ends a client: closes it if needed, waits until the last callback has returned, and after it returns nothing is called any
/// more. Inside one of the client's callbacks it cannot wait: the rest then happens on that thread as soon as the callback
/// returns. In a forked child it does nothing. NULL is nothing to do.
///
/// Threads: any; must be the last call with this client. Blocks as said; callbacks of one client that free another must not
/// meet those of the other that free the one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_client_free(client: *mut chatroom_client_t) {
    value((), || {
        if client.is_null() {
            return;
        }
        // SAFETY: the caller promises a client of ours, made by `Box::into_raw`, and that this is its last use.
        let chatroom_client_t { shared } = *unsafe { Box::from_raw(client) };
        if shared.process != std::process::id() {
            // The threads to wait for are in the other process.
            std::mem::forget(shared);
            return;
        }
        shared.freed.store(true, Ordering::Release);
        shared.close();
        if shared.calls.is_calling() {
            return;
        }
        if shared.host_pumped {
            shared.calls.pump_to_the_end(false);
        }
        join(&shared.call_thread);
        join(&shared.io_thread);
    });
}
