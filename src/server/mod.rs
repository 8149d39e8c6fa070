//! The node: listeners, workers that poll sockets and carry out what their fronts want done, drain. May use: `front`, `wire`,
//! `session`, `room`, `dispatch`, `log`, `account`, `tls`, and its peers `config`, `hooks`, `figures`.

mod apps;
mod broadcast;
mod certificates;
mod commands;
mod control;
mod created;
mod descriptors;
mod effects;
mod engine;
mod first_start;
mod https;
mod keep;
mod listen;
pub mod logbook;
mod logs;
mod mailbox;
mod memory;
mod metrics;
mod node;
mod node_key;
mod priority;
pub(crate) mod reader;
mod reload;
mod reporting;
mod retention;
mod shared;
mod transport;
mod worker;

pub use commands::run as run_command;
pub use descriptors::Descriptors;
pub use engine::Engine;
pub use first_start::Demo;
pub use logs::{Logs, start_logs};
pub use node::{Node, StartError, bind};
pub(crate) use priority::give_way;

pub(crate) use crate::front::Gate as ConnectionGate;
pub use crate::log::make_files_private;
pub use crate::user::Session;
