//! The calls of the Rust client.

use std::fmt::Write;

use crate::described::{Protocol, comment};

/// The call of `operations!` in `src/client/requests.rs`.
pub fn calls(protocol: &Protocol) -> String {
    let mut out = String::from("operations! {\n");
    for operation in protocol.operations.iter().filter(|operation| !operation.own_call) {
        for line in comment(&operation.request.parent_file(), operation.request.path()).lines() {
            let _ = writeln!(out, "    /// {line}");
        }
        let (name, kind, request) = (&operation.name, &operation.kind, operation.request.name());
        let _ = writeln!(out, "    {name}(pb::{request}) => {kind}, {};", protocol.held_response(operation));
    }
    out.push_str("}\n");
    out
}
