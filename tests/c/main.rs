//! The C interface: its header, its symbols, and C programs that use it.

#[cfg(all(feature = "capi", feature = "server"))]
#[path = "../support/pki.rs"]
mod pki;
#[cfg(all(feature = "capi", feature = "server"))]
mod scripted;
#[cfg(all(feature = "capi", feature = "server"))]
#[path = "../support/mod.rs"]
mod support;

#[cfg(all(feature = "capi", feature = "server"))]
mod abi;
mod generate;
#[cfg(feature = "capi")]
mod header;
#[cfg(all(feature = "capi", feature = "server"))]
mod kept;
#[cfg(all(feature = "capi", feature = "server"))]
mod workshop;
