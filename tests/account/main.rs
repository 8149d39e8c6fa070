//! Accounts: the checksum of HTTP calls, and what a login needs to be believed.
#![cfg(feature = "server")]

mod check_sum;
mod jwt;
mod login;
mod reads;
mod tokens;
mod world;
