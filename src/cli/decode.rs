//! `chatroom decode`: frames as text for people.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use bytes::BytesMut;
use clap::Args;
use tokio_util::codec::Decoder;

use super::failure::Failure;
use super::text::printable;
use crate::limits;
use crate::wire::frame::MAGIC_V1;
use crate::wire::{FrameCodec, describe};

#[derive(Args)]
pub(super) struct Flags {
    /// Frames as hexadecimal digits, with or without blanks; none reads standard input
    #[arg(value_name = "HEX")]
    hex: Vec<String>,
    /// Read a file instead: bytes as they were on the wire, or hexadecimal digits with comments behind #
    #[arg(long, value_name = "PATH", conflicts_with = "hex")]
    file: Option<PathBuf>,
}

/// Prints every frame of the input; fails at the first byte that is no frame's.
pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    let input = match &flags.file {
        Some(path) => std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?,
        None if flags.hex.is_empty() => {
            let mut input = Vec::new();
            io::stdin().read_to_end(&mut input)?;
            input
        }
        None => flags.hex.join(" ").into_bytes(),
    };
    print_frames(&to_frame_bytes(input)?, &mut io::stdout().lock())
}

/// The bytes of the frames: the input itself if it begins like a frame, else what its digits stand for.
fn to_frame_bytes(input: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if input.first() == Some(&MAGIC_V1) {
        return Ok(input);
    }
    let text = String::from_utf8(input)
        .map_err(|_| Failure::usage(format!("the input neither begins with {MAGIC_V1:#04X}, as frames do, nor is it text")))?;
    let mut digits = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("");
        for word in line.split(|c: char| c.is_whitespace() || c == ',') {
            let word = word.strip_prefix("0x").unwrap_or(word);
            for c in word.chars() {
                let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let wrong = || Failure::usage(format!("line {}: {c:?} is not a hexadecimal digit", number + 1));
                digits.push(digit.ok_or_else(wrong)?);
            }
        }
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Failure::usage(format!("{} digits are half a byte too many or too few", digits.len())));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn print_frames(bytes: &[u8], out: &mut impl Write) -> Result<(), Failure> {
    let mut rest = BytesMut::from(bytes);
    let mut codec = FrameCodec::new(limits::FRAME_BYTES_CEILING);
    let mut frames = 0_usize;
    loop {
        let at = bytes.len() - rest.len();
        match codec.decode(&mut rest) {
            Ok(Some(frame)) => {
                frames += 1;
                for line in describe(&frame).lines() {
                    writeln!(out, "{}", printable(line))?;
                }
            }
            Ok(None) if rest.is_empty() && frames > 0 => return Ok(()),
            Ok(None) if rest.is_empty() => return Err(Failure::usage("there is nothing to decode")),
            Ok(None) => {
                return Err(Failure::usage(format!("byte {at}: the {} bytes from here are not a whole frame", rest.len())));
            }
            Err(error) => return Err(Failure::usage(format!("byte {at}: {error}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = "C1 00 01 00 00 00 00 00 01 00 00 00 4B 5E AA E7";

    fn decode(input: &[u8]) -> Result<String, String> {
        let mut out = Vec::new();
        let frames = to_frame_bytes(input.to_vec()).and_then(|bytes| print_frames(&bytes, &mut out));
        frames.map(|()| String::from_utf8(out).unwrap()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn digits_in_any_dress_and_raw_bytes_are_the_same_frame() {
        let expected = decode(GOLDEN.as_bytes()).unwrap();
        assert!(expected.starts_with("PING 0x0001 request, sequence 1"), "{expected}");
        let raw = to_frame_bytes(GOLDEN.into()).unwrap();
        for dress in [
            GOLDEN.replace(' ', "").to_lowercase().into_bytes(),
            format!("# a ping\n{GOLDEN} # the end\n").into_bytes(),
            GOLDEN.split(' ').map(|byte| format!("0x{byte}, ")).collect::<String>().into_bytes(),
            raw,
        ] {
            assert_eq!(decode(&dress).unwrap(), expected);
        }
    }

    #[test]
    fn several_frames_are_printed_one_after_the_other() {
        let out = decode(format!("{GOLDEN}\n{GOLDEN}").as_bytes()).unwrap();
        assert_eq!(out.matches("PING").count(), 2);
    }

    #[test]
    fn what_is_no_frame_is_said_with_its_place() {
        for (input, words) in [
            ("", "nothing to decode"),
            ("C1 0", "half a byte"),
            ("C1 xy", "line 1: 'x'"),
            ("AA", "byte 0: first byte 0xaa"),
            ("C1 00", "byte 0: the 2 bytes"),
            (&format!("{GOLDEN} C1"), "byte 16: the 1 bytes"),
            (&GOLDEN.replace("4B", "4C"), "checksum"),
        ] {
            let error = decode(input.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{input}: {error}");
        }
    }
}
