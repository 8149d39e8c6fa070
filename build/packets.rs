//! The table of packets: kinds, and the types of their bodies.

use std::fmt::Write;

use crate::described::Protocol;

/// The call of `packets!` in `src/wire/packet.rs`.
pub fn table(protocol: &Protocol) -> String {
    let mut out = String::from("packets! {\n    requests {\n");
    for operation in &protocol.operations {
        let (kind, request, response) = (&operation.kind, protocol.held(&operation.request), protocol.held_response(operation));
        let _ = writeln!(out, "        {kind}({request}) => {response}, {kind};");
    }
    out.push_str("    }\n    pushes {\n");
    for push in &protocol.pushes {
        let _ = writeln!(out, "        {kind}({held}), {kind};", kind = push.kind, held = protocol.held(&push.message));
    }
    out.push_str("    }\n}\n");
    out
}
