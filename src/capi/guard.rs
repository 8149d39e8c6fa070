//! Refuses to be built where a panic would end the host's process. Stands alone, so that a test can compile it by itself.

#[cfg(panic = "abort")]
compile_error!("the C ABI cannot be built with panic = \"abort\": a defect of this library would end the host's process");
