//! Updates the metrics and the figures of a worker, once a tick.

use std::sync::atomic::{AtomicU64, Ordering};

use super::worker::{State, Worker};
use crate::log::LogStats;

impl Worker {
    /// Gives away what has been counted in the rooms here.
    pub(super) fn hand_over_figures(&self, state: &mut State) {
        self.shared.figures.add(state.front.hub.take_tallies());
    }

    /// Brings the metrics of this worker up to date; the first one reports what belongs to the node.
    pub(super) fn report(&self, state: &mut State) {
        let counters = state.front.hub.counters();
        let (rooms, readers, laggards) = state.front.hub.gauges();
        let worker = self.index.to_string();
        let count = |name: &'static str, value: u64| metrics::counter!(name, "worker" => worker.clone()).increment(value);
        count("chatroom_entries_total", counters.entries - state.reported.entries);
        count("chatroom_commands_refused_total", counters.refused - state.reported.refused);
        count("chatroom_deliveries_total", counters.deliveries - state.reported.deliveries);
        count("chatroom_gaps_total", counters.gaps - state.reported.gaps);
        count("chatroom_hopeless_readers_total", counters.hopeless - state.reported.hopeless);
        count("chatroom_webhooks_lost_total", counters.reports_lost - state.reported.reports_lost);
        state.reported = counters;
        let gauge = |name: &'static str, value: usize| metrics::gauge!(name, "worker" => worker.clone()).set(value as f64);
        gauge("chatroom_connections", state.front.connections());
        gauge("chatroom_rooms_in_memory", rooms);
        gauge("chatroom_rooms_waiting_for_end", state.front.hub.waiting_for_end());
        gauge("chatroom_members", readers);
        gauge("chatroom_lagging_readers", laggards);
        if self.index == 0 {
            self.shared.certificates.report(self.shared.unix());
            self.shared.common.budgets.report();
            let cached = self.shared.common.accounts.cached_bytes();
            metrics::gauge!("chatroom_account_cache_bytes").set(cached as f64);
        }
        if let (0, Some(log)) = (self.index, self.shared.storage.log.stats()) {
            report_log(log);
            metrics::gauge!("chatroom_store_failed").set(f64::from(self.shared.storage.log.failure().is_some()));
        }
    }
}

/// The log is the node's: one worker reports it.
fn report_log(log: &LogStats) {
    let total = |name: &'static str, value: &AtomicU64| metrics::counter!(name).absolute(value.load(Ordering::Relaxed));
    total("chatroom_log_commits_total", &log.commits);
    total("chatroom_log_records_total", &log.records);
    total("chatroom_log_bytes_total", &log.bytes);
    total("chatroom_log_commit_microseconds_total", &log.commit_us);
    total("chatroom_log_batches_failed_total", &log.failed);
    total("chatroom_store_cut_ends_total", &log.cut_ends);
    total("chatroom_store_cut_bytes_total", &log.cut_bytes);
    total("chatroom_store_failures_total", &log.failures);
    total("chatroom_store_reopened_total", &log.reopened);
    let gauge = |name: &'static str, value: &AtomicU64| metrics::gauge!(name).set(value.load(Ordering::Relaxed) as f64);
    gauge("chatroom_store_buffer_bytes", &log.buffer_bytes);
    gauge("chatroom_store_cache_bytes", &log.cache_bytes);
    metrics::gauge!("chatroom_log_commit_microseconds_max").set(log.take_slowest() as f64);
}
