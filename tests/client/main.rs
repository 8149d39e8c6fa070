//! The client library: against a peer that plays the server, and against the real one.
#![cfg(all(feature = "client", feature = "server"))]

#[path = "../support/pki.rs"]
mod pki;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/terminal.rs"]
mod terminal;
#[path = "../support/wire_files.rs"]
mod wire_files;

mod asks_for_everything;
mod carries_tags;
mod comes_back_after_a_cut;
mod completes_everything_once;
mod connects_to_the_address_that_works;
mod dialogues;
mod hall;
mod in_a_real_room;
mod lives_with_a_server;
mod loses_nothing_over_a_bad_link;
mod makes_rooms;
mod notices_a_dead_connection;
mod over_tls;
mod peer;
mod says_why_it_cannot_connect;
mod server_keeps_positions;
mod waits_for_a_slow_host;
