//! The log: what it keeps, what survives a crash, and what it hands out again.
#![cfg(feature = "server")]

/// Tests of the checks, for every kind of log there is.
macro_rules! each_kind {
    ($log_checks:tt, $home_checks:tt) => {
        suite!(memory, super::super::every_log::Memory, $log_checks, $home_checks);
        suite!(disk, super::super::every_log::Disk::new(), $log_checks, $home_checks);
    };
}

#[macro_use]
mod every_log;
#[path = "../support/store_files.rs"]
mod store_files;

mod commits;
mod crash;
mod damage;
mod finds;
mod history;
mod keeps;
mod recall;
mod records;
mod reports;
mod snapshots;
mod suite;
mod users;
