//! Every kind of log there is, and the same checks for each of them.
//!
//! The checks are a suite for logs of any kind. A test program that has one of its own includes the modules of this folder and says
//! what to make of the checks: tests of their own, or nothing, to call [`every_check`](super::suite::every_check) instead.
//!
//! ```ignore
//! macro_rules! each_kind {
//!     ($log_checks:tt, $home_checks:tt) => { suite!(simulated, crate::Simulated::new(), $log_checks, $home_checks); };
//! }
//! #[path = "../log"]
//! mod conformance {
//!     #[macro_use]
//!     pub mod every_log;
//!     pub mod commits; pub mod finds; pub mod history; pub mod keeps; pub mod recall; pub mod records; pub mod reports; pub mod shards; pub mod snapshots; pub mod suite;
//! }
//! ```

use std::sync::Arc;

use chatroom::log::{FjallLog, MemoryLog, Options};

use super::records::Kept;

/// The place a log lives in: opens it, again and again if need be.
pub trait Home {
    fn open(&self) -> Arc<dyn Kept>;
}

/// In memory: each one that is opened is empty.
pub struct Memory;

impl Home for Memory {
    fn open(&self) -> Arc<dyn Kept> {
        Arc::new(MemoryLog::new().unwrap())
    }
}

/// On disk: what is opened again has what was appended.
pub struct Disk(tempfile::TempDir);

impl Disk {
    pub fn new() -> Disk {
        Disk(tempfile::tempdir().unwrap())
    }
}

impl Home for Disk {
    fn open(&self) -> Arc<dyn Kept> {
        Arc::new(FjallLog::open(self.0.path(), &Options::default()).unwrap())
    }
}

/// A check of any log.
pub type Check = (&'static str, fn(&dyn Home));

/// Tests for one kind of log.
macro_rules! suite {
    ($module:ident, $home:expr, [$($log_check:ident)*], [$($home_check:ident)*]) => {
        mod $module {
            $(#[test]
            fn $log_check() {
                let home = $home;
                super::$log_check(&*super::super::every_log::Home::open(&home));
            })*

            $(#[test]
            fn $home_check() {
                super::$home_check(&$home);
            })*
        }
    };
}

/// Names checks that take a log, and then those that take a home of logs.
macro_rules! checks {
    ([$($log_check:ident)*], [$($home_check:ident)*]) => {
        /// The checks of this file.
        pub const CHECKS: &[super::every_log::Check] = &[
            $((stringify!($log_check), |home| $log_check(&*home.open())),)*
            $((stringify!($home_check), |home| $home_check(home)),)*
        ];

        each_kind!([$($log_check)*], [$($home_check)*]);
    };
}
