//! The C interface: its header, its symbols, and C programs that use it.
#![cfg(feature = "capi")]

#[cfg(feature = "server")]
#[path = "../support/pki.rs"]
mod pki;
#[cfg(feature = "server")]
mod scripted;
#[cfg(feature = "server")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "server")]
mod abi;
mod header;
#[cfg(feature = "server")]
mod kept;
#[cfg(feature = "server")]
mod workshop;
