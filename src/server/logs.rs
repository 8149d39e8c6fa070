//! Where the node's log lines go: standard error, as text or as JSON. Secrets and message bodies are never among them.
//!
//! A thread of its own writes them. Whoever logs hands a line over and goes on: a full pipe costs lines, which are counted, and
//! never a worker's time.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

use crate::config::{Log, LogFormat, LogLevel};
use crate::limits::LOG_LINES_WAITING_MAX;

/// The log of the process. Dropped, it waits a moment for the last lines to be taken.
pub struct Logs {
    dropped: ErrorCounter,
    _writing: WorkerGuard,
}

impl Logs {
    /// A closure that brings the metric of dropped lines up to date.
    pub fn reporter(&self) -> impl Fn() + Send + Sync + 'static {
        let dropped = self.dropped.clone();
        move || metrics::counter!("chatroom_log_lines_dropped_total").absolute(dropped.dropped_lines() as u64)
    }
}

/// Starts logging for the whole process; to be called once.
#[must_use = "what is waiting to be written is lost with it"]
pub fn start_logs(log: &Log) -> Logs {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let writer = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LOG_LINES_WAITING_MAX).thread_name("log");
    let (writer, writing) = writer.finish(stderr());
    let dropped = writer.error_counter();
    let lines = tracing_subscriber::fmt().with_writer(writer).with_max_level(level).with_ansi(stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Logs { dropped, _writing: writing }
}
