//! All checks of a log as one function, for test programs that have a log of a kind of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::every_log::{Check, Home, Memory};
use super::{commits, finds, history, keeps, recall, reports, snapshots, users};

/// The checks of every file.
const ALL: [&[Check]; 8] = [
    commits::CHECKS,
    finds::CHECKS,
    history::CHECKS,
    keeps::CHECKS,
    recall::CHECKS,
    reports::CHECKS,
    snapshots::CHECKS,
    users::CHECKS,
];

/// Runs every check over a home of its own, to the last one, and names those that failed.
#[track_caller]
pub fn every_check(home: impl Fn() -> Box<dyn Home>) {
    let failed = |(_, check): &&Check| catch_unwind(AssertUnwindSafe(|| check(&*home()))).is_err();
    let failed: Vec<&str> = ALL.iter().copied().flatten().filter(failed).map(|(name, _)| *name).collect();
    assert!(failed.is_empty(), "{} checks failed: {failed:?}", failed.len());
}

#[test]
fn every_check_holds_for_a_log_that_is_made_by_a_function() {
    every_check(|| Box::new(Memory));
}
