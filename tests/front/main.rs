//! Fronts: what connections want of rooms, without sockets, disk and runtime.
#![cfg(feature = "server")]

mod reads_accounts;
mod runs_alone;
