//! How a client's task gives events to its host, and what it keeps for a host that is behind.

use tokio::sync::mpsc;

use super::Event;
use super::event::{LogLevel, LogLine};
use super::task::Task;
use crate::limits;

impl Task {
    /// Gives the host an event, now or when it has read others.
    pub(super) fn tell(&mut self, event: Event) {
        if self.is_leaving
            && matches!(event, Event::Message(_) | Event::Notification(_) | Event::Gap(_) | Event::TokenWillExpire(_))
        {
            // The host goes; waiting for it to read would keep it from going.
            return;
        }
        if self.backlog.is_empty() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(_)) => self.forget_events(),
                Err(mpsc::error::TrySendError::Full(event)) => self.keep(event),
            }
        } else {
            self.keep(event);
        }
    }

    /// Gives the host a line of the log, if it wants lines of this level.
    pub(super) fn log(&mut self, level: LogLevel, message: impl FnOnce() -> String) {
        if self.options.log.is_some_and(|least| level <= least) {
            self.tell(Event::Log(LogLine { level, target: "chatroom::client", message: message() }));
        }
    }

    fn keep(&mut self, event: Event) {
        if matches!(event, Event::Log(_)) {
            if self.backlog_logs >= limits::CLIENT_LOGS_MAX {
                return;
            }
            self.backlog_logs += 1;
        }
        if is_own(&event) {
            if self.backlog_states >= limits::CLIENT_STATES_MAX {
                return;
            }
            self.backlog_states += 1;
        }
        self.backlog.push_back(event);
    }

    pub(super) fn forget_events(&mut self) {
        self.backlog.clear();
        self.backlog_states = 0;
        self.backlog_logs = 0;
    }
}

/// Whether the client makes this event by itself, so that not reading the socket does not hold it back.
pub(super) fn is_own(event: &Event) -> bool {
    use Event::*;
    matches!(event, State(_) | RoomState(_) | ConnectFailed { .. } | WillReconnect { .. } | LoggedIn { .. } | Disconnected(_))
}
