//! The matrix of permissions, walked over a real server: what the specification says, rooms in which each cell comes true, and
//! the requests that ask.

pub mod operations;
pub mod scene;
pub mod spec;
pub mod targets;
