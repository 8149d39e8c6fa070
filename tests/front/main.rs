//! Fronts: what connections want of rooms, without sockets, disk and runtime.
#![cfg(feature = "server")]

mod owns_accounts;
mod reads_accounts;
mod runs_alone;
