//! Frames and packets: golden bytes, the corpus of the fuzzers, and the documents made from the tables.

#[path = "../support/wire_files.rs"]
mod wire_files;

mod corpus;
mod described;
mod docs;
mod golden;
mod made_up;
mod samples;
