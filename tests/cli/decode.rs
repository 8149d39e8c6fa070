//! `chatroom decode` prints frames for people; a ping is the golden frame of the wire page.

use crate::terminal::{chatroom, complained, said};

/// wire.md §1.
const GOLDEN: &str = "C1 00 01 00 00 00 00 00 01 00 00 00 4B 5E AA E7";

#[test]
fn the_golden_frame_is_read_from_arguments_input_and_file() {
    let from_arguments = chatroom(&["decode", GOLDEN], "");
    assert_eq!(from_arguments.status.code(), Some(0));
    let text = said(&from_arguments);
    assert!(text.starts_with("PING 0x0001 request, sequence 1, 0 body bytes, checksum 0xe7aa5e4b ok"), "{text}");
    assert_eq!(said(&chatroom(&["decode"], &format!("# the golden frame\n{GOLDEN}\n"))), text);

    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let bytes: Vec<u8> = GOLDEN.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal digits")).collect();
    let path = folder.path().join("frames.bin");
    std::fs::write(&path, [bytes.as_slice(), &bytes].concat()).expect("the temporary folder is writable");
    let from_file = chatroom(&["decode", "--file", path.to_str().expect("a plain path")], "");
    assert_eq!(said(&from_file), text.repeat(2));
}

#[test]
fn a_frame_that_lies_is_refused_with_code_2() {
    let output = chatroom(&["decode", &GOLDEN.replace("4B", "4C")], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(complained(&output).contains("byte 0: checksum"), "{}", complained(&output));
}

#[test]
fn the_help_lists_commands_and_exit_codes() {
    let help = said(&chatroom(&["--help"], ""));
    for word in ["join", "send", "load", "decode", "Exit codes:"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert_eq!(chatroom(&["join"], "").status.code(), Some(2));
}
