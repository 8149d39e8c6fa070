//! Code shared by dynamic tokens of both formats (chatroom.md §d.1), and the checksum of HTTP calls (rest-api.md §1.1).

use std::sync::Arc;

use md5::Md5;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::jwt::JwtKeys;
use super::model::App;
use super::secret::hex;
use super::{jwt, vendor};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits::{FIRST_APP_MADE_MS, TIME_DIGITS, TOKEN_LIVES_DEFAULT, TOKEN_SKEW_MS};

/// Which dynamic tokens an application's accounts log in with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRules {
    /// Tokens in the vendor's format are taken. JWTs always are.
    pub vendor: bool,
    /// Lives of the tokens the application mints in the vendor's format, in seconds; empty: [`TOKEN_LIVES_DEFAULT`].
    pub listed: Vec<u64>,
    /// Since when it has minted them; `None`: since it was made on this server, less the longest life.
    pub since: Option<UnixMs>,
    /// Public keys of its JWTs, beside its secret.
    pub keys: Arc<JwtKeys>,
}

impl Default for TokenRules {
    fn default() -> TokenRules {
        TokenRules { vendor: true, listed: Vec::new(), since: None, keys: Arc::default() }
    }
}

impl TokenRules {
    /// Lives of tokens in the vendor's format, in seconds.
    pub fn lives(&self) -> &[u64] {
        if self.listed.is_empty() { &TOKEN_LIVES_DEFAULT } else { &self.listed }
    }
}

/// How long a dynamic token is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term {
    /// When it expires.
    pub expires: UnixMs,
    /// For how many seconds it was made.
    pub seconds: u64,
}

/// Why a dynamic token is refused. All but `Wrong` and `FormatOff` are said only of tokens with a good signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It was never valid for this account.
    Wrong,
    /// It was, and is no more.
    Expired,
    /// The application takes no tokens in the vendor's format.
    FormatOff,
    /// Its life, in seconds, is none the application lists.
    Unlisted(u64),
    /// Its digits can be read as a token of another account.
    Ambiguous,
    /// It is a JWT, and this is wrong with it.
    Claim(&'static str),
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        let words = match refusal {
            Refusal::Wrong => return wrong_token(),
            Refusal::Expired => return Status::new(Code::TokenExpired, "the token has expired: log in with a new one"),
            Refusal::FormatOff => "the application has switched this format of tokens off: log in with a JWT".to_owned(),
            Refusal::Unlisted(seconds) => format!(
                "no tokens of {seconds} s are expected: list {seconds} in the application's token_ttls, or mint JWTs, whose lives \
                 need no list"
            ),
            Refusal::Ambiguous => {
                "the digits of this token can also be read as another account's token: list in the application's \
                 token_ttls only the lives it mints, or mint JWTs, which have one reading"
                    .to_owned()
            }
            Refusal::Claim(words) => words.to_owned(),
        };
        Status { desc: words.into(), ..wrong_token() }
    }
}

/// How long a dynamic token of either format is good. `spelled` is the account as the login has it: applications sign the name as they
/// know it, so that both it and the canonical one are tried.
pub(super) fn verify(app: &App, id: &AccountId, spelled: &str, token: &str, now: UnixMs) -> Result<Term, Refusal> {
    // A character that base64 lacks.
    if token.contains('.') {
        return jwt::verify(app, id, token, now);
    }
    let names: &[&str] = if spelled == id.as_str() { &[spelled] } else { &[spelled, id.as_str()] };
    vendor::verify(app, names, token, now)
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

/// True if `found` is that checksum, in hex digits of either case. What is no checksum at all is compared all the same.
pub(super) fn check_sum_matches(secret: &str, nonce: &str, cur_time: &str, found: &str) -> bool {
    let (is_hex, found) = unhex(found).map_or((false, [0; 20]), |found| (true, found));
    bool::from(check_sum_bytes(secret, nonce, cur_time).ct_eq(&found)) & is_hex
}

/// True if a webhook posted by now has the signature of this nonce and time. A webhook signs the MD5 of its body, in lower-case
/// hex, and its time in milliseconds, whose last ten digits may be a time in seconds still to come: an eavesdropper could wait
/// for that time.
pub(super) fn is_of_a_webhook(nonce: &str, cur_time: &str, now: UnixMs) -> bool {
    const DIGEST_DIGITS: usize = 32;
    let Some((digest, before)) = nonce.split_at_checked(DIGEST_DIGITS) else { return false };
    let is_digest = digest.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let posted = before.len() + cur_time.len() == TIME_DIGITS && before.bytes().all(|digit| digit.is_ascii_digit());
    let posted = if posted { format!("{before}{cur_time}").parse::<i64>().ok() } else { None };
    is_digest && posted.is_some_and(|at| (FIRST_APP_MADE_MS..=now.0.saturating_add(TOKEN_SKEW_MS)).contains(&at))
}

fn check_sum_bytes(secret: &str, nonce: &str, cur_time: &str) -> [u8; 20] {
    Sha1::new().chain_update(secret).chain_update(nonce).chain_update(cur_time).finalize().into()
}

/// The 20 bytes behind 40 hex digits.
pub(super) fn unhex(text: &str) -> Option<[u8; 20]> {
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
    use super::*;

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
    fn every_refusal_but_of_an_expired_token_is_302_and_says_the_ways_out() {
        let status = |refusal: Refusal| Status::from(refusal);
        assert_eq!(status(Refusal::Wrong), wrong_token());
        assert_eq!(status(Refusal::Expired).code, Code::TokenExpired);
        for refusal in [Refusal::Unlisted(61), Refusal::Ambiguous] {
            let status = status(refusal);
            assert_eq!((status.code, status.sub), (Code::WrongToken, Some(Sub::InvalidToken)));
            assert!(status.desc.contains("token_ttls") && status.desc.contains("JWT"), "{}", status.desc);
        }
        assert!(status(Refusal::Unlisted(61)).desc.contains("61"));
        assert!(status(Refusal::FormatOff).desc.contains("JWT"));
    }
}
