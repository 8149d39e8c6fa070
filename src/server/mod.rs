//! The node: listeners, workers and their connections, configuration, drain. May use: `wire`, `session`, `room`, `dispatch`,
//! `log`, `account`, `tls`,
//! and its peers `config`, `hooks`, `figures`.

mod alias;
mod apps;
mod broadcast;
mod budgets;
mod certificates;
mod commands;
mod connection;
mod control;
mod created;
mod descriptors;
mod engine;
mod first_start;
mod gate;
mod https;
mod keep;
mod ledger;
mod listen;
pub mod logbook;
mod login;
mod logs;
mod mailbox;
mod metrics;
mod node;
mod orders;
mod pause;
mod presend;
mod rare;
mod reload;
mod replay;
mod reporting;
mod resume;
mod retention;
mod serve;
mod sessions;
mod shared;
mod steps;
mod transport;
mod unread;
mod worker;

pub use commands::run as run_command;
pub use descriptors::Descriptors;
pub use engine::Engine;
pub use first_start::Demo;
pub(crate) use gate::Gate as ConnectionGate;
pub use logs::{Logs, start_logs};
pub use node::{Node, StartError, bind};
pub use sessions::Session;

pub use crate::log::make_files_private;
