//! Every kind of log there is, and the same tests for each of them. Shared by the tests of what every log must do.

use std::sync::Arc;

use chatroom::log::{FjallLog, MemoryLog, Options};

use crate::records::Kept;

/// Where a log lives: opens it, again and again if need be.
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

macro_rules! suite {
    ($module:ident, $home:expr, [$($log_test:ident)*], [$($home_test:ident)*]) => {
        mod $module {
            $(#[test]
            fn $log_test() {
                let home = $home;
                super::$log_test(&*$crate::every_log::Home::open(&home));
            })*

            $(#[test]
            fn $home_test() {
                super::$home_test(&$home);
            })*
        }
    };
}

/// Runs functions that take a log, and then those that take a home of logs, over every kind there is.
macro_rules! suites {
    ($log_tests:tt, $home_tests:tt) => {
        suite!(memory, $crate::every_log::Memory, $log_tests, $home_tests);
        suite!(disk, $crate::every_log::Disk::new(), $log_tests, $home_tests);
    };
}
