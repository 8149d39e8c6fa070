//! The thread that delivers reports. Each line has at most one report under way, and its next one follows when that has arrived or is
//! given up; lines of different rooms go side by side. Everything it holds in memory is bounded: what waits, waits in the spool.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::Request;
use backon::ExponentialBackoff;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;

use super::receiver::{Receiver, backoff, next_wait};
use super::{Head, Receivers, Terms, Webhooks, payload};
use crate::hooks::outgoing::HttpClient;
use crate::id::UnixMs;
use crate::limits::{
    CALLBACK_ANSWER_BYTES_MAX, WEBHOOK_BODY_MS, WEBHOOK_LINES_MAX, WEBHOOK_READ_BYTES, WEBHOOK_READ_MAX, WEBHOOK_REFUSALS_MIN,
    WEBHOOK_REMOVE_MAX, WEBHOOK_REMOVE_MS, WEBHOOK_RETRY_MS_MAX, WEBHOOK_SCAN_MAX,
};
use crate::log::{Line, LogError, Outbox, SpoolPosition, Spooled};

/// How often the gauges are brought up to date while there is something in the spool.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// The log says at most this often that reports are lost.
const SAY_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// An application and one of its environments: who is told.
type Target = (Arc<str>, Box<str>);

/// What a removal came to: the lines of which nothing is left, and whether the store did it.
type Removed = (Vec<Line>, Result<(), LogError>);

pub(super) struct Sender {
    inbox: Arc<Webhooks>,
    outbox: Arc<dyn Outbox>,
    apps: Arc<dyn Receivers>,
    client: HttpClient,
    /// The clock by which nothing is older than it is.
    clock: fn() -> UnixMs,
    lines: HashMap<Line, Queue>,
    receivers: HashMap<Target, Receiver>,
    calls: JoinSet<(Line, Arrival)>,
    /// Delivered or given up, and still in the spool.
    done: Vec<Spooled>,
    /// Lines of which everything is among `done`.
    spent: Vec<Line>,
    remove_at: Option<Instant>,
    removing: Option<JoinHandle<Removed>>,
    /// The spool holds lines that are not in `lines`.
    is_unread: bool,
    /// More have come to those while they were being looked for.
    is_unread_again: bool,
    /// Where looking for them goes on.
    read_up_to: Option<Line>,
    /// The store fails: nothing is read before that.
    rests_until: Option<Instant>,
    report_at: Instant,
    /// The gauges say that there is nothing, which is still so.
    is_reported_idle: bool,
    /// The configuration that is gone by.
    version: u64,
    dropped: u64,
    said_dropped: Option<Instant>,
    said_given_up: Option<Instant>,
}

/// A line that is not all delivered.
struct Queue {
    app_key: Arc<str>,
    /// Where reading goes on.
    next: SpoolPosition,
    /// Since when its first report waits.
    since: UnixMs,
    /// Reports that were read, the first of them perhaps under way. Empty while the line waits.
    read: VecDeque<Spooled>,
    /// There may be more than was read.
    has_more: bool,
    is_spent: bool,
    /// Its first report is under way.
    is_called: bool,
    /// What is known of the first report once it has failed.
    trouble: Option<Box<Trouble>>,
}

/// A report that did not arrive at once.
struct Trouble {
    waits: ExponentialBackoff,
    refusals: u32,
    refused_since: Option<Instant>,
}

/// What a call came to.
enum Arrival {
    Delivered,
    /// The receiver does not want it, and says so with a status of 4xx.
    Refused(u16),
    /// A word for logs and metrics says why.
    Failed(&'static str),
}

impl Sender {
    pub(super) fn new(
        inbox: Arc<Webhooks>,
        outbox: Arc<dyn Outbox>,
        apps: Arc<dyn Receivers>,
        client: HttpClient,
        clock: fn() -> UnixMs,
    ) -> Sender {
        Sender {
            is_unread: outbox.spool().records() > 0,
            version: apps.version(),
            inbox,
            outbox,
            apps,
            client,
            clock,
            lines: HashMap::new(),
            receivers: HashMap::new(),
            calls: JoinSet::new(),
            done: Vec::new(),
            spent: Vec::new(),
            remove_at: None,
            removing: None,
            is_unread_again: false,
            read_up_to: None,
            rests_until: None,
            report_at: Instant::now(),
            is_reported_idle: false,
            dropped: 0,
            said_dropped: None,
            said_given_up: None,
        }
    }

    /// Delivers until it is told to stop.
    pub(super) async fn run(mut self) {
        while !self.inbox.stops.load(Ordering::Acquire) {
            self.take_in();
            self.look_for_lines();
            self.begin_calls();
            self.remove_done();
            self.report();
            let due = self.due();
            let inbox = self.inbox.clone();
            tokio::select! {
                biased;
                Some(called) = self.calls.join_next(), if !self.calls.is_empty() => {
                    self.on_called(called);
                    while let Some(called) = self.calls.try_join_next() {
                        self.on_called(called);
                    }
                }
                removed = async { self.removing.as_mut().expect("looked at before").await }, if self.removing.is_some() => {
                    self.removing = None;
                    self.on_removed(removed.unwrap_or_else(|error| (Vec::new(), Err(LogError::Store(error.to_string())))));
                }
                () = inbox.woken.notified() => {}
                () = sleep_until(due) => {}
            }
        }
        if let Some(removing) = self.removing.take() {
            let _ = removing.await;
        }
        if !self.done.is_empty()
            && let Err(error) = self.outbox.remove_reports(&self.done)
        {
            tracing::warn!(%error, "webhooks that were delivered stay in the spool and are sent again");
        }
    }

    /// When there is something to do, if nothing happens before; `None`: never.
    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        let receivers = self.receivers.values().filter_map(|receiver| receiver.due(now)).min();
        let receivers = receivers.map(|at| self.rests_until.map_or(at, |until| at.max(until)));
        let remove = self.remove_at.filter(|_| self.removing.is_none());
        let read = (self.is_unread && self.has_room()).then(|| self.rests_until.unwrap_or(now));
        let report = (!self.is_reported_idle).then_some(self.report_at);
        [receivers, remove, read, report].into_iter().flatten().min()
    }

    fn has_room(&self) -> bool {
        self.lines.len() <= WEBHOOK_LINES_MAX / 2
    }

    /// Takes in what the workers say.
    fn take_in(&mut self) {
        let fresh = std::mem::take(&mut *self.inbox.inbox.lock());
        if fresh.has_overflowed {
            self.note_unread();
        }
        self.is_reported_idle &= fresh.lines.is_empty();
        for (line, mut head) in fresh.lines {
            if self.is_unread {
                // The line may be one of those that are not known, and have earlier reports.
                head.position = SpoolPosition::default();
            }
            self.add(line, head);
        }
        let version = self.apps.version();
        if std::mem::replace(&mut self.version, version) != version {
            self.receivers.values_mut().for_each(Receiver::try_again);
        }
    }

    fn note_unread(&mut self) {
        self.is_unread_again |= self.is_unread;
        self.is_unread = true;
    }

    fn add(&mut self, line: Line, head: Head) {
        if let Some(queue) = self.lines.get_mut(&line) {
            queue.has_more = true;
            if std::mem::take(&mut queue.is_spent) {
                queue.since = head.since;
                self.receivers.entry((queue.app_key.clone(), line.env.clone())).or_default().add(line);
            }
            return;
        }
        if self.lines.len() >= WEBHOOK_LINES_MAX {
            return self.note_unread();
        }
        let Head { position, app_key, since } = head;
        self.receivers.entry((app_key.clone(), line.env.clone())).or_default().add(line.clone());
        let queue = Queue {
            app_key,
            next: position,
            since,
            read: VecDeque::new(),
            has_more: true,
            is_spent: false,
            is_called: false,
            trouble: None,
        };
        self.lines.insert(line, queue);
    }

    /// Looks into the spool for lines that are not known: those of an earlier start, and those that were too many.
    fn look_for_lines(&mut self) {
        if !self.is_unread || !self.has_room() || self.is_resting() {
            return;
        }
        for _ in 0..WEBHOOK_SCAN_MAX {
            match self.outbox.next_line(self.read_up_to.as_ref()) {
                Ok(Some(first)) if self.lines.len() < WEBHOOK_LINES_MAX => {
                    self.read_up_to = Some(first.line.clone());
                    if !self.lines.contains_key(&first.line) {
                        let report = payload::read(&first);
                        let (app_key, since) = report.map(|report| (report.app_key, report.time_ms)).unwrap_or_default();
                        self.add(first.line, Head { position: first.position, app_key: app_key.into(), since: UnixMs(since) });
                    }
                }
                Ok(Some(_)) => {
                    self.read_up_to = None;
                    return;
                }
                Ok(None) => {
                    self.read_up_to = None;
                    self.is_unread = std::mem::take(&mut self.is_unread_again);
                    return;
                }
                Err(error) => return self.rest(&error),
            }
        }
    }

    fn is_resting(&self) -> bool {
        self.rests_until.is_some_and(|until| until > Instant::now())
    }

    fn rest(&mut self, error: &LogError) {
        tracing::error!(%error, "the spool of webhooks cannot be read");
        self.rests_until = Some(Instant::now() + Duration::from_millis(WEBHOOK_RETRY_MS_MAX));
    }

    /// Begins as many calls as the receivers may have.
    fn begin_calls(&mut self) {
        if self.is_resting() {
            return;
        }
        self.rests_until = None;
        let now = Instant::now();
        let targets: Vec<Target> = self.receivers.keys().cloned().collect();
        for target in targets {
            while let Some(line) = self.receivers.get_mut(&target).and_then(|receiver| receiver.next(now)) {
                self.call(line);
                if self.is_resting() {
                    return;
                }
            }
        }
    }

    /// Sends the first report of a line that has the right to a call; gives that back if there is nothing to send.
    fn call(&mut self, line: Line) {
        let terms = self.apps.terms();
        let too_old = self.too_old(&terms);
        loop {
            let Some(queue) = self.lines.get_mut(&line) else { return };
            let target = (queue.app_key.clone(), line.env.clone());
            if queue.read.is_empty() && queue.has_more {
                match self.outbox.reports(&line, queue.next, WEBHOOK_READ_MAX, WEBHOOK_READ_BYTES) {
                    Ok(read) => {
                        queue.has_more = !is_all(&read);
                        queue.read = read.into();
                    }
                    Err(error) => {
                        self.release(&target, |receiver| receiver.add(line));
                        return self.rest(&error);
                    }
                }
            }
            let Some(first) = queue.read.front() else {
                queue.is_spent = true;
                self.spent.push(line);
                self.remove_at.get_or_insert(Instant::now() + Duration::from_millis(WEBHOOK_REMOVE_MS));
                return self.release(&target, |_| {});
            };
            let report = payload::read(first);
            queue.next = first.position;
            queue.since = UnixMs(report.as_ref().map_or(queue.since.0, |report| report.time_ms));
            let now = unix();
            if queue.since < too_old {
                self.give_up(&line, "expired");
                continue;
            }
            let Some(body) = report.and_then(|report| payload::body(first, &report)) else {
                self.give_up(&line, "unreadable");
                continue;
            };
            let webhook = self.apps.webhook(&queue.app_key, &line.env);
            let request = webhook.and_then(|(uri, secret)| payload::request(&uri, &queue.app_key, &secret, body, now));
            let Some(request) = request else {
                // A configuration that is put right again finds everything still here.
                return self.put_off(&line, Duration::from_millis(WEBHOOK_RETRY_MS_MAX));
            };
            let (client, patience) = (self.client.clone(), Duration::from_millis(terms.timeout_ms));
            queue.is_called = true;
            self.calls.spawn(async move { (line, post(client, request, patience).await) });
            return;
        }
    }

    fn release(&mut self, target: &Target, then: impl FnOnce(&mut Receiver)) {
        if let Some(receiver) = self.receivers.get_mut(target) {
            receiver.end_call();
            then(receiver);
        }
    }

    /// Ends the call of a line whose first report has to wait, and lets go of what was read.
    fn put_off(&mut self, line: &Line, wait: Duration) {
        let Some(queue) = self.lines.get_mut(line) else { return };
        queue.read = VecDeque::new();
        queue.has_more = true;
        let target = (queue.app_key.clone(), line.env.clone());
        self.release(&target, |receiver| receiver.add_at(Instant::now() + wait, line.clone()));
    }

    fn on_called(&mut self, called: Result<(Line, Arrival), JoinError>) {
        match called {
            Ok((line, arrival)) => self.on_arrival(&line, arrival),
            // The name of its line is gone with it: the spool brings it back at the next start.
            Err(error) => tracing::error!(%error, "a webhook call ended by a panic"),
        }
    }

    fn on_arrival(&mut self, line: &Line, arrival: Arrival) {
        let Some(queue) = self.lines.get_mut(line) else { return };
        queue.is_called = false;
        let target = (queue.app_key.clone(), line.env.clone());
        match arrival {
            Arrival::Delivered => {
                metrics::counter!("chatroom_webhooks_delivered_total").increment(1);
                let is_back = self.receivers.get_mut(&target).is_some_and(Receiver::succeeded);
                if is_back {
                    tracing::info!(app = %target.0, env = %target.1, "the receiver of webhooks takes them again");
                }
                self.pass(line);
                self.go_on(line, &target);
            }
            Arrival::Refused(status) => {
                count_failure("refused");
                let refused_max = Duration::from_secs(self.apps.terms().refused_seconds);
                let trouble = queue.trouble.get_or_insert_with(|| Box::new(Trouble::new()));
                trouble.refusals += 1;
                let since = *trouble.refused_since.get_or_insert_with(Instant::now);
                if trouble.refusals >= WEBHOOK_REFUSALS_MIN && since.elapsed() >= refused_max {
                    tracing::debug!(room = line.room.get(), status, "a webhook was refused for too long");
                    self.give_up(line, "refused");
                    return self.go_on(line, &target);
                }
                let wait = next_wait(&mut trouble.waits);
                self.put_off(line, wait);
            }
            Arrival::Failed(reason) => {
                count_failure(reason);
                let trouble = queue.trouble.get_or_insert_with(|| Box::new(Trouble::new()));
                let wait = next_wait(&mut trouble.waits);
                if self.receivers.get_mut(&target).is_some_and(|receiver| receiver.failed(Instant::now())) {
                    tracing::warn!(app = %target.0, env = %target.1, reason, "the receiver of webhooks fails; they wait in the spool");
                }
                self.put_off(line, wait);
            }
        }
    }

    /// The first report of a line is done with.
    fn pass(&mut self, line: &Line) {
        let Some(queue) = self.lines.get_mut(line) else { return };
        let Some(first) = queue.read.pop_front() else { return };
        queue.next = first.position.next();
        queue.trouble = None;
        self.done.push(Spooled { record: Bytes::new(), ..first });
        self.remove_at.get_or_insert(Instant::now() + Duration::from_millis(WEBHOOK_REMOVE_MS));
    }

    fn give_up(&mut self, line: &Line, reason: &'static str) {
        metrics::counter!("chatroom_webhooks_given_up_total", "reason" => reason).increment(1);
        if self.said_given_up.is_none_or(|said| said.elapsed() >= SAY_AGAIN_AFTER) {
            self.said_given_up = Some(Instant::now());
            tracing::warn!(room = line.room.get(), env = %line.env, reason, "a webhook is given up; the metrics count further ones");
        }
        self.pass(line);
    }

    /// Gives up what is too old in lines whose turn may not come for long, some of it at a time.
    fn expire(&mut self) {
        let too_old = self.too_old(&self.apps.terms());
        let is_due = |queue: &Queue| queue.since < too_old && !queue.is_called && !queue.is_spent;
        let due = self.lines.iter().filter(|(_, queue)| is_due(queue)).map(|(line, _)| line.clone());
        for line in due.take(WEBHOOK_SCAN_MAX).collect::<Vec<_>>() {
            let Some(queue) = self.lines.get_mut(&line) else { continue };
            let is_all = match self.outbox.reports(&line, queue.next, WEBHOOK_READ_MAX, WEBHOOK_READ_BYTES) {
                Ok(read) => {
                    let is_all = is_all(&read);
                    queue.read = read.into();
                    is_all
                }
                Err(error) => return self.rest(&error),
            };
            while let Some(queue) = self.lines.get_mut(&line) {
                let Some(first) = queue.read.front() else {
                    // What there is beyond it, if there is anything, is found when the line's turn comes, or by the next look.
                    queue.since = if is_all { unix() } else { queue.since };
                    break;
                };
                queue.since = UnixMs(payload::read(first).map_or(queue.since.0, |report| report.time_ms));
                if queue.since >= too_old {
                    break;
                }
                self.give_up(&line, "expired");
            }
            if let Some(queue) = self.lines.get_mut(&line) {
                queue.read = VecDeque::new();
                queue.has_more = true;
            }
        }
    }

    /// After a report the line goes on with what was read with it, and then gives way to others.
    fn go_on(&mut self, line: &Line, target: &Target) {
        let Some(queue) = self.lines.get_mut(line) else { return };
        let may_go_on = self.receivers.get(target).is_some_and(|receiver| !queue.read.is_empty() && !receiver.is_down());
        if may_go_on || !queue.has_more && queue.read.is_empty() {
            return self.call(line.clone());
        }
        queue.has_more |= !queue.read.is_empty();
        queue.read = VecDeque::new();
        let line = line.clone();
        self.release(target, |receiver| receiver.add(line));
    }

    /// Removes what is done from the spool, many at a time, on a thread that may wait for the disk.
    fn remove_done(&mut self) {
        let is_due = self.remove_at.is_some_and(|at| at <= Instant::now()) || self.done.len() >= WEBHOOK_REMOVE_MAX;
        if !is_due || self.removing.is_some() {
            return;
        }
        self.remove_at = None;
        let (done, spent) = (std::mem::take(&mut self.done), std::mem::take(&mut self.spent));
        let outbox = self.outbox.clone();
        self.removing = Some(tokio::task::spawn_blocking(move || (spent, outbox.remove_reports(&done))));
    }

    fn on_removed(&mut self, (spent, result): Removed) {
        if let Err(error) = result {
            tracing::warn!(%error, "webhooks that were delivered stay in the spool until the next start");
        }
        for line in spent {
            if self.lines.get(&line).is_some_and(|queue| queue.is_spent) {
                self.lines.remove(&line);
            }
        }
    }

    /// Brings the metrics up to date.
    fn report(&mut self) {
        let now = Instant::now();
        if now < self.report_at {
            return;
        }
        self.report_at = now + REPORT_EVERY;
        if !self.is_resting() {
            self.expire();
        }
        let spool = self.outbox.spool();
        self.is_reported_idle = spool.records() == 0 && self.lines.is_empty();
        let oldest = self.lines.values().filter(|queue| !queue.is_spent).map(|queue| queue.since.0).min();
        let age_ms = oldest.map_or(0, |since| unix().0.saturating_sub(since).max(0));
        metrics::gauge!("chatroom_webhooks_queued").set(spool.records() as f64);
        metrics::gauge!("chatroom_webhooks_queued_bytes").set(spool.bytes() as f64);
        metrics::gauge!("chatroom_webhooks_oldest_seconds").set(age_ms as f64 / 1000.0);
        metrics::counter!("chatroom_webhooks_dropped_total").absolute(spool.dropped());
        if spool.dropped() > self.dropped {
            self.dropped = spool.dropped();
            if self.said_dropped.is_none_or(|said| said.elapsed() >= SAY_AGAIN_AFTER) {
                tracing::error!("the spool of webhooks is full: what comes now is dropped; is the receiver down?");
                self.said_dropped = Some(now);
            }
        }
        // Receivers without anything to be told, perhaps of applications that are gone.
        let busy: HashSet<Target> = self.lines.iter().map(|(line, queue)| (queue.app_key.clone(), line.env.clone())).collect();
        self.receivers.retain(|target, _| busy.contains(target));
    }
}

impl Trouble {
    fn new() -> Trouble {
        Trouble { waits: backoff(), refusals: 0, refused_since: None }
    }
}

impl Sender {
    /// What happened before that is given up.
    fn too_old(&self, terms: &Terms) -> UnixMs {
        let keep_ms = i64::try_from(terms.keep_hours).unwrap_or(i64::MAX).saturating_mul(3_600_000);
        UnixMs((self.clock)().0.saturating_sub(keep_ms))
    }
}

/// True if nothing stood behind what was read.
fn is_all(read: &[Spooled]) -> bool {
    read.len() < WEBHOOK_READ_MAX && read.iter().map(|spooled| spooled.bytes).sum::<u64>() < WEBHOOK_READ_BYTES
}

fn count_failure(reason: &'static str) {
    metrics::counter!("chatroom_webhooks_failed_total", "reason" => reason).increment(1);
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn unix() -> UnixMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Posts a report. What the receiver says beside its status does not matter.
async fn post(client: HttpClient, request: Request<Full<Bytes>>, patience: Duration) -> Arrival {
    let response = match tokio::time::timeout(patience, client.request(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => return Arrival::Failed("unreachable"),
        Err(_) => return Arrival::Failed("timeout"),
    };
    let status = response.status();
    // Read to its end, so that the connection can be used again; one that is too long, or does not end, only costs the connection.
    let body = Limited::new(response.into_body(), CALLBACK_ANSWER_BYTES_MAX).collect();
    let _ = tokio::time::timeout(Duration::from_millis(WEBHOOK_BODY_MS), body).await;
    match status.as_u16() {
        200..=299 => Arrival::Delivered,
        // Too early, too slow, too many: the report itself is not to blame.
        408 | 425 | 429 => Arrival::Failed("busy"),
        400..=499 => Arrival::Refused(status.as_u16()),
        _ => Arrival::Failed("status"),
    }
}
