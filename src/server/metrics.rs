//! What each metric says, for whoever reads `/metrics`.

use metrics::{describe_counter, describe_gauge};

const COUNTERS: &[(&str, &str)] = &[
    ("chatroom_accept_errors_total", "Connections the system would not let us accept; mostly the limit of open files."),
    ("chatroom_callbacks_failed_total", "Callbacks of applications without a usable answer, by callback and reason."),
    ("chatroom_commands_refused_total", "Commands a room refused."),
    ("chatroom_connections_accepted_total", "Connections that came."),
    ("chatroom_connections_closed_total", "Connections that ended, by reason."),
    ("chatroom_connections_refused_total", "Connections over the limit of the node or of their address."),
    ("chatroom_deliveries_total", "Frames of rooms that sockets took."),
    ("chatroom_entries_total", "Commands applied to rooms."),
    (
        "chatroom_figures_lost_total",
        "Times that something counted in rooms was lost: the store was too slow, or the bounds were reached.",
    ),
    ("chatroom_gaps_total", "Readers that were told that they missed messages."),
    ("chatroom_hopeless_readers_total", "Readers sent away because they were too slow even for notifications."),
    ("chatroom_http_calls_total", "Calls of the HTTP API, by endpoint and code."),
    ("chatroom_http_connections_refused_total", "HTTP connections over the limit of the listener or of their address."),
    (
        "chatroom_http_failures_delayed_total",
        "HTTP calls that failed to prove who makes them, from addresses that do it too often.",
    ),
    ("chatroom_log_batches_failed_total", "Batches the store failed on; after the first the node is not ready."),
    ("chatroom_log_bytes_total", "Bytes of records and snapshots written."),
    ("chatroom_log_commit_microseconds_total", "Microseconds all commits took together."),
    ("chatroom_log_commits_total", "Group commits."),
    ("chatroom_log_lines_dropped_total", "Lines of the node's own log that nobody took in time."),
    ("chatroom_log_records_total", "Records that became durable."),
    ("chatroom_account_reads_total", "Accounts read from the disk for connections, because they were not in memory."),
    ("chatroom_logins_refused_total", "Logins refused, by code."),
    (
        "chatroom_reads_paused_total",
        "Times that a connection was not read for a while: until it has read its answers, its turn comes, or the log has caught up.",
    ),
    ("chatroom_reloads_total", "Readings of the configuration and the certificates on SIGHUP, by result: done or refused."),
    ("chatroom_store_cut_bytes_total", "Bytes of torn ends that the start cut off the newest journal of the store."),
    (
        "chatroom_store_cut_ends_total",
        "Torn ends that the start cut off the newest journal of the store; the original is kept.",
    ),
    ("chatroom_store_failures_total", "Times the store failed."),
    ("chatroom_store_reopened_total", "Times the store was opened again after that."),
    ("chatroom_tls_handshakes_total", "TLS handshakes that came to an end, by listener and result."),
    ("chatroom_webhooks_delivered_total", "Reports that webhook receivers took."),
    ("chatroom_webhooks_dropped_total", "Reports that are lost because the spool was full."),
    ("chatroom_webhooks_failed_total", "Attempts to deliver a report that failed, by reason."),
    ("chatroom_webhooks_given_up_total", "Reports that were given up, by reason."),
    ("chatroom_webhooks_lost_total", "Reports that are lost because too many waited while the store took nothing."),
];

const GAUGES: &[(&str, &str)] = &[
    ("chatroom_answers_waiting_bytes", "Bytes of answers that wait for connections, and of large ones under way."),
    ("chatroom_connections", "Connections held."),
    ("chatroom_connections_max", "Connections there may be: as configured, and as the limit of open files allows."),
    ("chatroom_descriptors_max", "Files the process may have open."),
    ("chatroom_lagging_readers", "Members whose sockets are behind their room."),
    ("chatroom_log_commit_microseconds_max", "The slowest commit since the last look."),
    ("chatroom_members", "Members connected, once for each of their rooms."),
    ("chatroom_rooms_in_memory", "Rooms in memory."),
    (
        "chatroom_rooms_waiting_for_end",
        "Rooms made by clients that everybody has left and that have not ended, in memory or not.",
    ),
    ("chatroom_account_cache_bytes", "Accounts in memory; `limits.account_cache_bytes` at most."),
    ("chatroom_store_buffer_bytes", "New entries in the store's buffers; half of `store.write_buffer_bytes` at most."),
    ("chatroom_store_cache_bytes", "Blocks in the store's cache; `store.cache_bytes` at most."),
    ("chatroom_store_failed", "1 while the store takes no changes, else 0; `/readyz` says why."),
    ("chatroom_tls_certificate_expires_seconds", "How long the certificate of a listener lasts; below 0 it has expired."),
    ("chatroom_unfinished_frames_bytes", "Bytes held of frames that are not complete, or wait to be acted on."),
    ("chatroom_webhooks_oldest_seconds", "Age of the oldest report that is not delivered."),
    ("chatroom_webhooks_queued", "Reports in the spool that are not delivered."),
    ("chatroom_webhooks_queued_bytes", "Their bytes."),
];

/// Tells the recorder what the metrics mean; to be called once it is installed.
pub(super) fn describe() {
    COUNTERS.iter().for_each(|(name, meaning)| describe_counter!(*name, *meaning));
    GAUGES.iter().for_each(|(name, meaning)| describe_gauge!(*name, *meaning));
}
