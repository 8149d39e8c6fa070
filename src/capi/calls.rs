//! The calls that wait for the callback thread, and the thread that makes them.
//!
//! Bounded: requests by their places, events by permits that the runtime's thread waits for. Whoever calls into the host holds
//! the `pump` for as long as it does, so calls come one at a time.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::boundary::{Error, caught};
use super::listener::Listener;
use crate::client::Event;
use crate::error::Code;
use crate::limits;

/// One call into the host.
pub(super) enum Call {
    /// Something happened. The permit goes back when the host has been told.
    Event(Event, OwnedSemaphorePermit),
    /// A request is complete.
    Completion(Box<dyn FnOnce() + Send>),
    /// Nothing more will come.
    Closed,
}

/// Keeps one request among those that may be open, from its acceptance until its callback has returned.
pub(super) struct Place {
    open: Arc<AtomicUsize>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The calls of one client.
pub(super) struct Calls {
    waiting: Mutex<VecDeque<Call>>,
    arrived: Condvar,
    /// Who is to be called; `None` once the last call has been made. Locked while the host runs.
    pump: Mutex<Option<Listener>>,
    event_permits: Arc<Semaphore>,
    open: Arc<AtomicUsize>,
}

thread_local! {
    /// The calls this thread is making right now: a callback that calls us again finds them here.
    static CALLING: Cell<*const Calls> = const { Cell::new(std::ptr::null()) };
}

/// What came of a turn at the pump.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Pumped {
    /// So many calls were made; there may be more.
    Calls(usize),
    /// So many calls were made, and the last of all was among them.
    Last(usize),
    /// The last call had been made before.
    Over,
}

impl Calls {
    pub(super) fn new(listener: Listener) -> Arc<Calls> {
        Arc::new(Calls {
            waiting: Mutex::new(VecDeque::new()),
            arrived: Condvar::new(),
            pump: Mutex::new(Some(listener)),
            event_permits: Arc::new(Semaphore::new(limits::CALLBACK_EVENTS_MAX)),
            open: Arc::new(AtomicUsize::new(0)),
        })
    }

    /// A place for one more request; 503 if too many are open.
    pub(super) fn place(&self) -> Result<Place, Error> {
        let one_more = |open: usize| (open < limits::CLIENT_QUEUE_MAX).then_some(open + 1);
        match self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(Place { open: self.open.clone() }),
            Err(_) => Err(Error::new(Code::Busy, "too many requests are open: wait for some of them to complete")),
        }
    }

    pub(super) fn push(&self, call: Call) {
        self.waiting.lock().push_back(call);
        self.arrived.notify_one();
    }

    /// Hands an event on; waits while too many wait already, so that the client reads no more than the host takes.
    pub(super) async fn push_event(&self, event: Event) {
        if let Ok(permit) = self.event_permits.clone().acquire_owned().await {
            self.push(Call::Event(event, permit));
        }
    }

    /// Whether this thread is inside one of these calls.
    pub(super) fn is_calling(&self) -> bool {
        std::ptr::eq(CALLING.get(), self)
    }

    /// Waits for a call, until `deadline` or without end, and makes those that wait by then; `None` if another thread is at it.
    pub(super) fn try_pump(&self, deadline: Option<Instant>) -> Option<Pumped> {
        let mut pump = self.pump.try_lock()?;
        let pumped = self.pump_some(&pump, deadline);
        if matches!(pumped, Pumped::Last(_)) {
            self.calling(|| drop(pump.take()));
        }
        Some(pumped)
    }

    /// Makes calls until the last of all has been made, with the host's hooks around them if this is a thread of ours.
    pub(super) fn pump_to_the_end(&self, own_thread: bool) {
        let mut pump = self.pump.lock();
        if let (Some(listener), true) = (&*pump, own_thread) {
            self.calling(|| listener.thread_start());
        }
        loop {
            let pumped = self.pump_some(&pump, None);
            if !matches!(pumped, Pumped::Calls(_)) {
                break;
            }
        }
        self.calling(|| {
            let listener = pump.take();
            if let (Some(listener), true) = (&listener, own_thread) {
                listener.thread_stop();
            }
        });
    }

    fn pump_some(&self, pump: &Option<Listener>, deadline: Option<Instant>) -> Pumped {
        let Some(listener) = pump else { return Pumped::Over };
        let batch = self.wait(deadline);
        for made in 0..batch {
            let Some(call) = self.waiting.lock().pop_front() else { return Pumped::Calls(made) };
            let is_last = matches!(call, Call::Closed);
            self.calling(|| match call {
                Call::Event(event, _permit) => listener.tell(event),
                Call::Completion(completion) => completion(),
                Call::Closed => listener.closed(),
            });
            if is_last {
                return Pumped::Last(made + 1);
            }
        }
        Pumped::Calls(batch)
    }

    /// How many calls wait, after waiting for the first.
    fn wait(&self, deadline: Option<Instant>) -> usize {
        let mut waiting = self.waiting.lock();
        while waiting.is_empty() {
            match deadline {
                None => self.arrived.wait(&mut waiting),
                Some(deadline) if self.arrived.wait_until(&mut waiting, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        waiting.len()
    }

    /// Marks the thread as calling. A defect of ours on the way to the host ends the one call only.
    fn calling(&self, call: impl FnOnce()) {
        let outer = CALLING.replace(self);
        let _ = caught(|| {
            call();
            Ok(())
        });
        CALLING.set(outer);
    }
}

/// The moment `timeout_ms` from now; `None` for a negative one, or one beyond time.
pub(super) fn deadline(timeout_ms: i32) -> Option<Instant> {
    let timeout_ms = u64::try_from(timeout_ms).ok()?;
    Instant::now().checked_add(Duration::from_millis(timeout_ms))
}
