//! One thread of the generator: its share of the connections, each a task.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};

use super::super::failure::Failure;
use super::connection::Connection;
use super::plan::Plan;
use super::tally::{Harvest, Ledger, Live};

/// Logins of one thread that may be under way at once: a server that makes accounts durable needs time for each.
const LOGINS_AT_ONCE: usize = 256;
/// Bytes read from a socket at a time, into a buffer all connections of a thread share.
const READ_BYTES: usize = 64 * 1024;

/// Where the run stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    Connecting,
    Sending,
    Draining,
    Over,
}

/// Said once by every connection: that it is in its room, and if it is to send, how to make it do so.
pub(super) type Ready = Result<Option<(usize, UnboundedSender<Duration>)>, Failure>;

/// What the connections of a thread share.
pub(super) struct Common {
    pub(super) plan: Arc<Plan>,
    pub(super) live: Arc<Live>,
    pub(super) harvest: RefCell<Harvest>,
    pub(super) scratch: RefCell<Box<[u8]>>,
}

/// Runs a thread's connections until the run is over.
pub(super) fn run(
    plan: &Arc<Plan>,
    share: usize,
    live: &Arc<Live>,
    phase: watch::Receiver<Phase>,
    ready: &mpsc::Sender<Ready>,
) -> Harvest {
    let common = Rc::new(Common {
        plan: plan.clone(),
        live: live.clone(),
        harvest: RefCell::new(Harvest::new()),
        scratch: RefCell::new(vec![0; READ_BYTES].into()),
    });
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // The receiver is gone only when another thread has failed already.
            let _ = ready.send(Err(Failure::failed(format!("the system gives no event loop: {error}"))));
            return Harvest::new();
        }
    };
    let ledgers = LocalSet::new().block_on(&runtime, async {
        let gate = Rc::new(Semaphore::new(LOGINS_AT_ONCE));
        let mut connections = JoinSet::new();
        for place in (share..plan.connections).step_by(plan.threads) {
            let (common, gate, phase, ready) = (common.clone(), gate.clone(), phase.clone(), ready.clone());
            connections.spawn_local(async move { live_through(common, place, &gate, phase, &ready).await });
        }
        connections.join_all().await
    });
    let mut harvest = common.harvest.replace(Harvest::new());
    harvest.ledgers = ledgers;
    harvest
}

/// A connection from its login to the end of the run.
async fn live_through(
    common: Rc<Common>,
    place: usize,
    gate: &Semaphore,
    phase: watch::Receiver<Phase>,
    ready: &mpsc::Sender<Ready>,
) -> Ledger {
    let established = {
        // The gate is never closed: a permit comes sooner or later.
        let _permit = gate.acquire().await;
        Connection::establish(common, place).await
    };
    match established {
        Ok((connection, trigger)) => {
            // The receiver is gone only when another connection has failed already: nobody waits for this one.
            let _ = ready.send(Ok(trigger.map(|trigger| (place, trigger))));
            connection.converse(phase).await
        }
        Err(failure) => {
            let _ = ready.send(Err(failure));
            Ledger::default()
        }
    }
}
