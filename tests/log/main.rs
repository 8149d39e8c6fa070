//! The log: what it keeps, what survives a crash, and what it hands out again.
#![cfg(feature = "server")]

#[macro_use]
mod every_log;

mod commits;
mod crash;
mod damage;
mod history;
mod keeps;
mod recall;
mod records;
mod reports;
