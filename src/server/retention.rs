//! How fast history goes: a clock that is wrong must be seen before it costs what cannot be had again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::logbook::{self, RebuildError};
use super::node::Node;
use crate::dispatch::Rules as _;
use crate::id::{Seq, SubjectId, UnixMs, UserId};
use crate::limits::{EXPIRE_EVERY_MS, LOG_KEPT_MS};
use crate::log::{Batch, Log, LogError, Snapshot};
use crate::room::Settings;
use crate::subject::Subject;

const DAY_MS: i64 = 86_400_000;
/// Subjects that are snapshotted with one commit.
const COVERED_AT_ONCE: usize = 64;

/// Plan of one turn of the retention.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Plan {
    /// The time at which the turn takes place, as far as the log is concerned: so late that the oldest day goes, and no other.
    at: Option<UnixMs>,
    /// Days that are older than the retention and stay for now.
    left: usize,
}

/// Plans a turn over the days that are `held`, oldest first. `may_remove` is false at the start of the node.
fn plan(held: &[i64], now: UnixMs, days: u32, may_remove: bool) -> Plan {
    let first_kept = now.0.div_euclid(DAY_MS).saturating_sub(i64::from(days));
    let old = held.iter().filter(|day| **day < first_kept).count();
    let oldest = held.first().filter(|_| old > 0 && may_remove);
    // Entries are kept for as long as a sender may send them again, whatever the retention.
    let gone_at = |day: i64| day.saturating_add(1 + i64::from(days)).saturating_mul(DAY_MS).saturating_add(LOG_KEPT_MS);
    let at = oldest.map(|oldest| now.min(UnixMs(gone_at(*oldest))));
    Plan { at, left: old - usize::from(at.is_some()) }
}

impl Node {
    /// Removes what is older than the retention: one day's worth at most for every hour the node is up. Never returns.
    pub async fn expire(&self) {
        let period = Duration::from_millis(EXPIRE_EVERY_MS);
        let mut hourly = tokio::time::interval(period);
        let started = Instant::now();
        loop {
            hourly.tick().await;
            let (log, now, days) = (self.storage.log.clone(), self.shared.unix(), self.history_days);
            let Plan { at, left } = plan(&log.days(), now, days, started.elapsed() >= period);
            if left > 0 {
                tracing::warn!(
                    days = left,
                    retention_days = days,
                    "more days than one are older than the retention; one goes each hour: if the clock is wrong, set it now"
                );
            }
            let Some(at) = at else { continue };
            let settings = self.shared.apps.settings("");
            expire(log, at, days, settings).await;
        }
    }
}

async fn expire(log: Arc<dyn Log>, at: UnixMs, days: u32, settings: Arc<Settings>) {
    let work = move || {
        cover(&*log, at, days, &settings)?;
        log.expire(at, days)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(0)) => {}
        Ok(Ok(days)) => tracing::info!(days, "history expired"),
        Ok(Err(error)) => tracing::error!(%error, "history could not be expired"),
        Err(error) => tracing::error!(%error, "expiring the history failed"),
    }
}

/// Has the subjects snapshotted of which nothing but the days that are due to go tells: no message outlives its time for the sake of
/// state. Subjects that cannot be rebuilt are left to the log, which carries their entries on. Waits for the disk.
fn cover(log: &dyn Log, at: UnixMs, days: u32, settings: &Arc<Settings>) -> Result<(), LogError> {
    for subjects in log.uncovered(at, days)?.chunks(COVERED_AT_ONCE) {
        let snapshots = subjects.iter().filter_map(|subject| Some(covered(log, *subject, at, settings)?.0)).collect::<Vec<_>>();
        let places: Vec<(SubjectId, Seq)> = snapshots.iter().map(|snapshot| (snapshot.subject, snapshot.seq)).collect();
        write(log, snapshots)?;
        write(log, ended_since(log, &places, at, settings)?)?;
    }
    Ok(())
}

/// Snapshots of those subjects that have ended since they were snapshotted up to these places: of one that was deleted meanwhile the
/// snapshot would say what it was.
fn ended_since(
    log: &dyn Log,
    places: &[(SubjectId, Seq)],
    at: UnixMs,
    settings: &Arc<Settings>,
) -> Result<Vec<Snapshot>, LogError> {
    let mut ended = Vec::new();
    for (subject, seq) in places {
        let has_gone_on = !log.follow(*subject, *seq, 1)?.is_empty();
        let covered = has_gone_on.then(|| covered(log, *subject, at, settings)).flatten();
        ended.extend(covered.filter(|(_, exists)| !exists).map(|(snapshot, _)| snapshot));
    }
    Ok(ended)
}

/// The snapshot of a subject as the log has it, and whether the subject is still there.
fn covered(log: &dyn Log, subject: SubjectId, at: UnixMs, settings: &Arc<Settings>) -> Option<(Snapshot, bool)> {
    let covered = if let Some(room) = subject.room() {
        logbook::rebuild(log, room, at, settings.clone()).map(|rebuilt| snapshot_of(&rebuilt.subject))
    } else if let Some(user) = UserId::of(subject) {
        logbook::rebuild_user(log, user, Arc::default()).map(|rebuilt| snapshot_of(&rebuilt.subject))
    } else {
        return None;
    };
    let report = |error: &RebuildError| {
        tracing::error!(?subject, ?error, "a subject cannot be rebuilt; its old entries are carried on");
    };
    covered.inspect_err(report).ok()
}

fn snapshot_of<S: Subject>(subject: &S) -> (Snapshot, bool) {
    let last = Seq(subject.next_seq().0.saturating_sub(1));
    (logbook::snapshot((subject.id(), last, subject.snapshot(Seq(0), false))), subject.exists())
}

/// Writes snapshots, and returns when they are durable.
fn write(log: &dyn Log, snapshots: Vec<Snapshot>) -> Result<(), LogError> {
    if snapshots.is_empty() {
        return Ok(());
    }
    let (tell, told) = std::sync::mpsc::channel();
    // Whoever waits may have gone.
    let committed = Box::new(move |result| drop(tell.send(result)));
    log.append(Batch { records: Vec::new(), snapshots, reports: Vec::new(), committed });
    told.recv().map_err(|_| LogError::Store("the log is closed".into()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, Epoch, RoomId};
    use crate::log::{Facts, MemoryLog, Pen};
    use crate::room::{Command, Create, Entry, Op, Record};
    use crate::subject::{Actor, Link, PushBody, Stamp};

    const TODAY: i64 = 20_000;

    fn noon(day: i64) -> UnixMs {
        UnixMs(day * DAY_MS + DAY_MS / 2)
    }

    #[test]
    fn one_day_goes_in_an_hour_and_none_at_the_start() {
        let held = [TODAY - 12, TODAY - 11, TODAY - 10, TODAY];
        let at_start = plan(&held, noon(TODAY), 10, false);
        assert_eq!(at_start, Plan { at: None, left: 2 });
        let later = plan(&held, noon(TODAY), 10, true);
        assert_eq!(later.left, 1);
        assert_eq!(plan(&held[2..], noon(TODAY), 10, true), Plan { at: None, left: 0 }, "what is young enough stays");
    }

    #[test]
    fn a_clock_a_year_ahead_costs_one_day_in_an_hour() {
        let log = MemoryLog::new().unwrap();
        let (room, mut pen) = (RoomId::new(1).unwrap(), Pen::default());
        let mut entry = |number: i64| {
            let (prev, time) = (Seq(u64::try_from(number).unwrap()), noon(TODAY - 9 + number));
            let facts = Facts {
                subject: room.into(),
                seq: prev.next(),
                prev,
                epoch: Epoch(1),
                time,
                redacts: None,
                opens: None,
                keys: vec![],
            };
            pen.write(facts, 0, |_| {})
        };
        let records = (0..10).map(&mut entry).collect();
        let (done, written) = std::sync::mpsc::channel();
        let committed = Box::new(move |result| done.send(result).unwrap());
        log.append(Batch { records, snapshots: Vec::new(), reports: Vec::new(), committed });
        written.recv().unwrap().unwrap();
        let wrong = noon(TODAY + 365);
        for hour in 1..=3 {
            let before = log.days();
            let at = plan(&before, wrong, 10, true).at.expect("something is older than the retention");
            assert_eq!(log.expire(at, 10).unwrap(), 1, "hour {hour}");
            assert_eq!(log.days(), before[1..]);
        }
    }

    fn record(seq: u64, op: Op, push: Option<PushBody>) -> Record {
        let (time, previous) = (noon(TODAY - 20), Seq(seq - 1));
        let command = Command { actor: Actor::http(AccountId::parse("boss").unwrap()), op };
        let entry = Entry { seq: Seq(seq), epoch: Epoch(1), stamp: Stamp { time, clock: time, random: 0 }, command };
        let link = Link { previous, epoch_first: None };
        Record { room: RoomId::new(1).unwrap(), entry, push, notify_target_tags: String::new(), in_history: true, link }
    }

    fn append(log: &MemoryLog, records: Vec<Record>) {
        let mut pen = Pen::default();
        let records = records.into_iter().map(|record| logbook::write(&mut pen, record).unwrap()).collect();
        let (done, written) = std::sync::mpsc::channel();
        let committed = Box::new(move |result| done.send(result).unwrap());
        log.append(Batch { records, snapshots: Vec::new(), reports: Vec::new(), committed });
        written.recv().unwrap().unwrap();
    }

    fn create() -> Op {
        Op::Create(Box::new(Create {
            app_key: "app".into(),
            creator: AccountId::parse("boss").unwrap(),
            name: "quiet".into(),
            announcement: None,
            broadcast_url: String::new(),
            ext: String::new(),
            queue_level: 0,
            moderation_id: String::new(),
            silent_in_out: false,
        }))
    }

    #[test]
    fn a_room_that_is_deleted_while_it_is_covered_leaves_no_word() {
        let (log, settings) = (MemoryLog::new().unwrap(), Arc::new(Settings::default()));
        let (room, today) = (RoomId::new(1).unwrap(), noon(TODAY));
        append(&log, vec![record(1, create(), None)]);
        let (before, _) = covered(&log, room.into(), today, &settings).unwrap();
        append(&log, vec![record(2, Op::Destroy, None)]);
        log.erase(room.into()).unwrap();
        write(&log, vec![before]).unwrap();
        let names_it = || log.head(room.into()).unwrap().unwrap().1.windows(5).any(|word| word == b"quiet");
        assert!(names_it(), "the snapshot was taken before");
        write(&log, ended_since(&log, &[(room.into(), Seq(1))], today, &settings).unwrap()).unwrap();
        assert!(!names_it());
        let kept = logbook::rebuild(&log, room, today, settings.clone()).unwrap().subject;
        assert!(!kept.exists() && kept.next_seq() == Seq(3));
    }

    #[test]
    fn no_message_outlives_its_time_for_the_sake_of_state() {
        let (log, settings) = (MemoryLog::new().unwrap(), Arc::new(Settings::default()));
        let said = crate::wire::pb::Message {
            from: "boss".into(),
            message_id: "m".into(),
            body: "words".into(),
            ..Default::default()
        };
        let push = PushBody::Message { message_type: 0, body: prost::Message::encode_to_vec(&said).into() };
        append(&log, vec![record(1, create(), None), record(2, Command::send_from_message(&said).op, Some(push))]);
        let (room, today) = (RoomId::new(1).unwrap(), noon(TODAY));
        assert_eq!(log.uncovered(today, 10).unwrap(), [room.into()]);
        cover(&log, today, 10, &settings).unwrap();
        assert_eq!((log.uncovered(today, 10).unwrap(), log.expire(today, 10).unwrap()), (vec![], 1));
        assert_eq!(log.follow(room.into(), Seq(0), 10).unwrap(), [], "nothing of what was said is left");
        let kept = logbook::rebuild(&log, room, today, settings).unwrap().subject;
        assert!(kept.exists() && kept.next_seq() == Seq(3), "the room is there all the same");
    }
}
