//! Where the node's log lines go: standard error, as text or as JSON. Secrets and message bodies are never among them.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;

use super::config::{Log, LogFormat, LogLevel};

/// Starts logging for the whole process; to be called once.
pub fn start_logs(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt().with_writer(stderr).with_max_level(level).with_ansi(stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
}
