//! Text that is compared in constant time and never printed.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::error::{Code, Status};

/// An application's secret or an account's token. `Debug` shows nothing of it, comparison takes the same time wherever two
/// secrets of one length differ.
#[derive(Clone, Default)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<Box<str>>) -> Secret {
        Secret(text.into())
    }

    /// 128 random bits from the operating system, as 32 hex digits.
    pub fn random() -> Result<Secret, Status> {
        random_hex::<16>().map(Secret::new)
    }

    /// The text itself, for those who store it, hash it or hand it to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `offered` is the secret. An empty secret matches nothing.
    pub fn matches(&self, offered: &str) -> bool {
        !self.is_empty() & bool::from(self.0.as_bytes().ct_eq(offered.as_bytes()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Secret(none)" } else { "Secret(…)" })
    }
}

/// `BYTES` random bytes from the operating system as lower-case hex; 500 if it has none to give.
pub fn random_hex<const BYTES: usize>() -> Result<String, Status> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Status::new(Code::ServerError, "the operating system gives no random numbers"))?;
    Ok(hex(&bytes))
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
        assert_eq!(format!("{:?}", Secret::default()), "Secret(none)");
    }

    #[test]
    fn a_secret_matches_itself_only_and_an_empty_one_nothing() {
        let secret = Secret::new("abc");
        assert!(secret.matches("abc"));
        for wrong in ["", "ab", "abcd", "abd", "ABC"] {
            assert!(!secret.matches(wrong), "{wrong}");
        }
        assert!(!Secret::default().matches(""));
    }

    #[test]
    fn random_hex_has_two_digits_a_byte_and_does_not_repeat() {
        let (one, two) = (random_hex::<16>().unwrap(), random_hex::<16>().unwrap());
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(one, two);
        assert_eq!(hex(&[0x00, 0x9f, 0xff]), "009fff");
    }
}
