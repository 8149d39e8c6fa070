//! Dynamic tokens in the vendor's format (chatroom.md §d.1): Base64 of JSON with a time, a life and a SHA1 of both, the account and the
//! application's secret.
//!
//! The signed text has no separators, so digits could move between the account, the time and the life. A token is therefore good only
//! if its digits are exact, its life is one the application mints, and no other account's token has the same digits.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::model::App;
use super::secret::hex;
use super::token::{Refusal, Term, unhex};
use crate::id::UnixMs;
use crate::limits::{self, TIME_DIGITS};

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

/// How long a token is good, if it was made for one of `names` with the application's secret and is valid at `now`.
pub(super) fn verify(app: &App, names: &[&str], token: &str, now: UnixMs) -> Result<Term, Refusal> {
    if !app.tokens.vendor {
        return Err(Refusal::FormatOff);
    }
    let bytes = BASE64.decode(token).map_err(|_| Refusal::Wrong)?;
    let claims: Claims<'_> = serde_json::from_slice(&bytes).map_err(|_| Refusal::Wrong)?;
    let Claims { cur_time_ms, ttl_seconds, .. } = claims;
    let found = unhex(&claims.signature).ok_or(Refusal::Wrong)?;
    let is_signed = |name: &&str| {
        let expected = signature(&app.key, app.secret.reveal(), name, cur_time_ms, ttl_seconds);
        bool::from(expected.ct_eq(&found))
    };
    let name = names.iter().copied().find(is_signed).ok_or(Refusal::Wrong)?;
    if !limits::TOKEN_TIMES_MS.contains(&cur_time_ms) || cur_time_ms > latest(now) {
        return Err(Refusal::Wrong);
    }
    if !app.tokens.lives().contains(&ttl_seconds) {
        return Err(Refusal::Unlisted(ttl_seconds));
    }
    if has_another_reading(app, name, cur_time_ms, ttl_seconds, now) {
        return Err(Refusal::Ambiguous);
    }
    let expires = cur_time_ms.saturating_add(milliseconds(ttl_seconds));
    if now.0 >= expires {
        return Err(Refusal::Expired);
    }
    Ok(Term { expires: UnixMs(expires), seconds: ttl_seconds })
}

/// True if the signed digits, cut elsewhere, are a token that the application may have minted by now for another account.
///
/// Such a token need not be valid any more: who holds one could cut it into this one.
fn has_another_reading(app: &App, name: &str, cur_time_ms: i64, ttl_seconds: u64, now: UnixMs) -> bool {
    let text = format!("{name}{cur_time_ms}{ttl_seconds}");
    let minted = earliest(app, now)..=latest(now);
    // A life has no more digits than this.
    (1..=limits::TOKEN_LIFE_DIGITS_MAX).any(|life_digits| {
        let Some(account_end) = text.len().checked_sub(TIME_DIGITS + life_digits) else { return false };
        if account_end == name.len() || !(1..=limits::ACCOUNT_BYTES_MAX).contains(&account_end) {
            return false;
        }
        let Some((time, life)) = text.get(account_end..).and_then(|rest| rest.split_at_checked(TIME_DIGITS)) else {
            return false;
        };
        let is_time = |time| limits::TOKEN_TIMES_MS.contains(&time) && minted.contains(&time);
        digits(life).is_some_and(|life| app.tokens.lives().iter().any(|listed| i64::try_from(*listed) == Ok(life)))
            && digits(time).is_some_and(is_time)
    })
}

/// The number that digits alone make, the first of which is no zero.
fn digits(text: &str) -> Option<i64> {
    let is_number = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// The latest time of a token that may have been minted by now.
fn latest(now: UnixMs) -> i64 {
    now.0.saturating_add(limits::TOKEN_SKEW_MS)
}

/// The earliest time of a token that the application may have minted and whose holder can still be around: its `tokens_since`, or the
/// moment it was made on this server, less the longest life. A clock that stands before that moment makes it no later.
fn earliest(app: &App, now: UnixMs) -> i64 {
    app.tokens.since.map_or_else(
        || {
            let longest = app.tokens.lives().iter().copied().max().unwrap_or_default();
            let made = app.made.unwrap_or(UnixMs(limits::FIRST_APP_MADE_MS));
            made.0.min(now.0).saturating_sub(milliseconds(longest))
        },
        |since| since.0,
    )
}

fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}

fn signature(app_key: &str, secret: &str, account: &str, cur_time_ms: i64, ttl_seconds: u64) -> [u8; 20] {
    let sha = Sha1::new().chain_update(app_key).chain_update(account);
    sha.chain_update(cur_time_ms.to_string()).chain_update(ttl_seconds.to_string()).chain_update(secret).finalize().into()
}
