//! Dynamic tokens (chatroom.md §d.1) and the checksum of HTTP calls (rest-api.md §1.1).

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::secret::hex;
use crate::error::{Code, Status, Sub};
use crate::id::UnixMs;
use crate::limits;

/// Standard base64; the padding at the end is written and may be missing when read.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// What a dynamic token says, under its base64.
#[derive(Serialize, Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    signature: Cow<'a, str>,
    #[serde(rename = "curTime")]
    cur_time_ms: i64,
    #[serde(rename = "ttl")]
    ttl_seconds: u64,
}

/// A dynamic token for `account`, valid from `cur_time_ms` on for `ttl_seconds`.
pub fn dynamic_token(app_key: &str, secret: &str, account: &str, cur_time_ms: i64, ttl_seconds: u64) -> String {
    let signature = hex(&signature(app_key, secret, account, cur_time_ms, ttl_seconds)).into();
    let claims = Claims { signature, cur_time_ms, ttl_seconds };
    BASE64.encode(serde_json::to_vec(&claims).expect("a text and two numbers have a JSON form"))
}

/// How long a dynamic token is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term {
    /// When it expires.
    pub expires: UnixMs,
    /// For how many seconds it was made.
    pub seconds: u64,
}

/// When a dynamic token expires, if it was made for one of `names` with the application's secret and is valid at `now`.
///
/// 302 for a token that was never valid for these names, 508 for one that is no more.
pub(super) fn verify_dynamic(app_key: &str, secret: &str, names: &[&str], token: &str, now: UnixMs) -> Result<Term, Status> {
    let bytes = BASE64.decode(token).map_err(|_| wrong_token())?;
    let claims: Claims<'_> = serde_json::from_slice(&bytes).map_err(|_| wrong_token())?;
    let found = unhex(&claims.signature).ok_or_else(wrong_token)?;
    let signed = names.iter().any(|name| {
        let expected = signature(app_key, secret, name, claims.cur_time_ms, claims.ttl_seconds);
        bool::from(expected.ct_eq(&found))
    });
    if !signed || claims.cur_time_ms > now.0.saturating_add(limits::TOKEN_SKEW_MS) {
        return Err(wrong_token());
    }
    let ttl_ms = i64::try_from(claims.ttl_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    let expires = claims.cur_time_ms.saturating_add(ttl_ms);
    if now.0 >= expires {
        return Err(Status::new(Code::TokenExpired, "the token has expired: log in with a new one"));
    }
    Ok(Term { expires: UnixMs(expires), seconds: claims.ttl_seconds })
}

/// 302, in the same words whether the account or the token is wrong, so that nobody learns which accounts exist.
pub(crate) fn wrong_token() -> Status {
    Status::with_sub(Code::WrongToken, Sub::InvalidToken)
}

/// The checksum an HTTP caller sends: SHA1(secret + nonce + cur_time) in lower-case hex.
pub fn check_sum(secret: &str, nonce: &str, cur_time: &str) -> String {
    hex(&check_sum_bytes(secret, nonce, cur_time))
}

/// The MD5 of what is posted to an application, in lower-case hex; [`check_sum`] signs it in the place of the nonce.
pub fn body_digest(body: &[u8]) -> String {
    hex(&Md5::digest(body))
}

/// Whether `found` is that checksum, in hex digits of either case. What is no checksum at all is compared all the same.
pub(super) fn check_sum_matches(secret: &str, nonce: &str, cur_time: &str, found: &str) -> bool {
    let (is_hex, found) = unhex(found).map_or((false, [0; 20]), |found| (true, found));
    bool::from(check_sum_bytes(secret, nonce, cur_time).ct_eq(&found)) & is_hex
}

fn check_sum_bytes(secret: &str, nonce: &str, cur_time: &str) -> [u8; 20] {
    Sha1::new().chain_update(secret).chain_update(nonce).chain_update(cur_time).finalize().into()
}

fn signature(app_key: &str, secret: &str, account: &str, cur_time_ms: i64, ttl_seconds: u64) -> [u8; 20] {
    let sha = Sha1::new().chain_update(app_key).chain_update(account);
    sha.chain_update(cur_time_ms.to_string()).chain_update(ttl_seconds.to_string()).chain_update(secret).finalize().into()
}

/// The 20 bytes behind 40 hex digits.
fn unhex(text: &str) -> Option<[u8; 20]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != 20 || !rest.is_empty() {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = [0; 20];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_but_the_secret_makes_a_token(token in ".*", json in ".*", signature in "[0-9a-f]{40}", time: i64, life: u64) {
            prop_assert!(verify(&token, NOW.0).is_err());
            prop_assert!(verify(&BASE64.encode(json), NOW.0).is_err());
            let claims = format!(r#"{{"signature":"{signature}","curTime":{time},"ttl":{life}}}"#);
            prop_assert!(verify(&BASE64.encode(claims), NOW.0).is_err());
        }
    }

    const NOW: UnixMs = UnixMs(1_700_000_000_000);

    fn verify(token: &str, now: i64) -> Result<UnixMs, Code> {
        verify_dynamic("key", "secret", &["alice"], token, UnixMs(now)).map(|term| term.expires).map_err(|status| status.code)
    }

    #[test]
    fn the_check_sum_is_that_of_the_published_vector() {
        // S002-002
        let sum = "0687168be8ee7e9b57a548e644b310ffa9e7fc39";
        assert_eq!(check_sum("0123456789abcdef", "12345", "1451217360"), sum);
        assert!(check_sum_matches("0123456789abcdef", "12345", "1451217360", sum));
        assert!(check_sum_matches("0123456789abcdef", "12345", "1451217360", &sum.to_uppercase()));
        assert!(!check_sum_matches("0123456789abcdef", "12345", "1451217361", sum));
        assert!(!check_sum_matches("0123456789abcdef", "12345", "1451217360", &sum[1..]));
    }

    #[test]
    fn a_dynamic_token_is_base64_of_the_json_of_signature_time_and_life() {
        let json = BASE64.decode(dynamic_token("key", "secret", "alice", 1_700_000_000_000, 600)).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected = hex(&Sha1::digest("keyalice1700000000000600secret"));
        assert_eq!(claims, serde_json::json!({ "signature": expected, "curTime": 1_700_000_000_000_i64, "ttl": 600 }));
    }

    #[test]
    fn a_dynamic_token_is_valid_until_its_last_millisecond() {
        let token = dynamic_token("key", "secret", "alice", NOW.0, 600);
        assert_eq!(verify(&token, NOW.0), Ok(UnixMs(NOW.0 + 600_000)));
        assert_eq!(verify(&token, NOW.0 + 599_999), Ok(UnixMs(NOW.0 + 600_000)));
        assert_eq!(verify(&token, NOW.0 + 600_000), Err(Code::TokenExpired));
    }

    #[test]
    fn a_dynamic_token_from_a_clock_that_is_a_minute_ahead_is_taken_and_no_more() {
        let token = dynamic_token("key", "secret", "alice", NOW.0 + limits::TOKEN_SKEW_MS, 600);
        assert!(verify(&token, NOW.0).is_ok());
        assert_eq!(verify(&token, NOW.0 - 1), Err(Code::WrongToken));
    }

    #[test]
    fn a_token_of_somebody_else_or_changed_in_any_part_is_refused() {
        let wrong = [
            dynamic_token("key", "secret", "bob", NOW.0, 600),
            dynamic_token("kez", "secret", "alice", NOW.0, 600),
            dynamic_token("key", "secres", "alice", NOW.0, 600),
            BASE64.encode(r#"{"signature":"","curTime":1700000000000,"ttl":600}"#),
            BASE64.encode(r#"{"signature":"zz","curTime":"1700000000000","ttl":600}"#),
            BASE64.encode(r#"{"curTime":1700000000000,"ttl":600}"#),
            BASE64.encode("[]"),
            "not base64!".to_owned(),
            String::new(),
        ];
        for token in &wrong {
            assert_eq!(verify(token, NOW.0), Err(Code::WrongToken), "{token}");
        }
    }

    #[test]
    fn numbers_at_the_edge_of_their_types_neither_panic_nor_open_the_door() {
        for (cur_time_ms, ttl_seconds) in [(i64::MIN, u64::MAX), (i64::MAX, u64::MAX), (i64::MIN, 0), (0, 0), (-1, 1)] {
            assert!(verify(&dynamic_token("key", "secret", "alice", cur_time_ms, ttl_seconds), NOW.0).is_err());
        }
        // A life without end is valid: the application said so.
        assert_eq!(verify(&dynamic_token("key", "secret", "alice", 0, u64::MAX), NOW.0), Ok(UnixMs(i64::MAX)));
    }

    #[test]
    fn padding_may_be_missing() {
        let token = dynamic_token("key", "secret", "alice", NOW.0, 6);
        assert!(verify(token.trim_end_matches('='), NOW.0).is_ok());
    }
}
