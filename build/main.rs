//! Compiles `proto/` into `OUT_DIR` without an installed protoc, writes there the tables that follow from the options of requests and
//! pushes (`proto/chatroom/v1/options.proto`), and names the shared library's ABI version.

mod client;
mod described;
mod packets;
mod subjects;
mod tables;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use described::Protocol;

/// Parts of proto/ that are used here only and need no type in the library.
const OPTIONS: [&str; 2] = ["chatroom/v1/options.proto", "google/protobuf/descriptor.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_files(protos(Path::new("proto"))?)?;
    let mut files = compiler.file_descriptor_set();
    files.file.retain(|file| !OPTIONS.contains(&file.name()));
    prost_build::Config::new().bytes(["."]).btree_map(["."]).include_file("proto.rs").compile_fds(files)?;

    let pool = compiler.descriptor_pool();
    let protocol = Protocol::read(&pool)?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("client.rs"), client::calls(&protocol))?;
    fs::write(out.join("packets.rs"), packets::table(&protocol))?;
    fs::write(out.join("operations.rs"), tables::operations(&protocol))?;
    fs::write(out.join("room.rs"), subjects::macros(&protocol, &pool, &subjects::ROOM)?)?;
    fs::write(out.join("user.rs"), subjects::macros(&protocol, &pool, &subjects::USER)?)?;

    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libchatroom.so.0");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    Ok(())
}

/// Every file of protobuf below a folder, sorted.
fn protos(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(protos(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}
