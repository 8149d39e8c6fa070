//! The node: listeners, workers and their connections, configuration, drain. May use: `wire`, `session`, `room`, `dispatch`,
//! `log`, `account`.

pub mod config;
