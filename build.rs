//! Compiles `proto/` into `OUT_DIR` without an installed protoc, and names the shared library's ABI version.

use std::error::Error;

const PROTOS: [&str; 8] = [
    "chatroom/v1/kind.proto",
    "chatroom/v1/attributes.proto",
    "chatroom/v1/session.proto",
    "chatroom/v1/room.proto",
    "chatroom/v1/member.proto",
    "chatroom/v1/message.proto",
    "chatroom/v1/queue.proto",
    "chatroom/store/v1/store.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    prost_build::Config::new().bytes(["."]).btree_map(["."]).include_file("proto.rs").compile_fds(descriptors)?;
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libchatroom.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    Ok(())
}
