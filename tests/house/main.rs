//! What this repository says about itself: the architecture, the documents, the configuration and the mission.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/terminal.rs"]
mod terminal;

mod architecture;
mod citations;
#[cfg(feature = "server")]
mod config;
mod docs_moving;
mod mission;
mod readme;
