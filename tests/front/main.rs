//! Fronts: what connections want of rooms, without sockets, disk and runtime.
#![cfg(feature = "server")]

mod runs_alone;
