//! Dynamic tokens as JSON Web Tokens (chatroom.md §d.1): HS256 with the application's secret, or EdDSA, ES256 and RS256 with one of its
//! public keys.

mod keys;
mod provider;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

pub use keys::JwtKeys;

use super::model::App;
use super::token::{Refusal, Term};
use crate::id::{AccountId, UnixMs};
use crate::limits;

/// A time in seconds since 1970, with or without a fraction.
#[derive(Clone, Copy, Deserialize)]
struct Seconds(f64);

impl Seconds {
    /// Milliseconds since 1970, the nearest there are where they are more than 64 bits hold.
    fn ms(self) -> i64 {
        (self.0 * 1000.0).floor() as i64
    }
}

/// The claims that say who may log in and when.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: Seconds,
    nbf: Option<Seconds>,
    iat: Option<Seconds>,
    aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// A JWT for an account, signed with the application's secret (HS256), good from `now` on for so many seconds.
pub fn jwt(app_key: &str, secret: &str, account: &str, now: UnixMs, seconds: u64) -> String {
    #[derive(Serialize)]
    struct Claims<'a> {
        sub: &'a str,
        aud: &'a str,
        iat: i64,
        exp: i64,
    }
    provider::install();
    let iat = now.0.div_euclid(1000);
    let exp = iat.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX));
    let claims = Claims { sub: account, aud: app_key, iat, exp };
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .expect("two texts and two numbers have a JSON form, and HMAC takes keys of any length")
}

/// How long a JWT is good, if one of the application's keys signed it, it names this account and is valid at `now`.
pub(super) fn verify(app: &App, id: &AccountId, token: &str, now: UnixMs) -> Result<Term, Refusal> {
    provider::install();
    let header = decode_header(token).map_err(|_| Refusal::Wrong)?;
    // What a signer calls critical has to be understood, and nothing of it is (RFC 7515 §4.1.11).
    if header.crit.is_some() {
        return Err(Refusal::Wrong);
    }
    let claims = match header.alg {
        Algorithm::HS256 => open(token, Algorithm::HS256, &DecodingKey::from_secret(app.secret.reveal().as_bytes())),
        _ => app.tokens.keys.fitting(&header).find_map(|key| open(token, key.algorithm, &key.key)),
    };
    let claims: Claims = serde_json::from_value(claims.ok_or(Refusal::Wrong)?).map_err(|_| {
        Refusal::Claim("the JWT must have sub, a text, and exp, a number; nbf and iat are numbers, aud is a text or a list")
    })?;
    if !AccountId::parse(&claims.sub).is_ok_and(|sub| sub == *id) {
        return Err(Refusal::Wrong);
    }
    let is_for_us = |audience: &Audience| match audience {
        Audience::One(name) => *name == app.key,
        Audience::Many(names) => names.contains(&app.key),
    };
    if !claims.aud.as_ref().is_none_or(is_for_us) {
        return Err(Refusal::Claim("the aud of the JWT is not this application's key"));
    }
    let latest = now.0.saturating_add(limits::TOKEN_SKEW_MS);
    if [claims.nbf, claims.iat].into_iter().flatten().any(|time| time.ms() > latest) {
        return Err(Refusal::Claim("the JWT is not valid yet: its nbf or iat is more than 60 s ahead of the server's clock"));
    }
    let expires = claims.exp.ms();
    if now.0 >= expires {
        return Err(Refusal::Expired);
    }
    let made = claims.iat.or(claims.nbf).map_or(now.0, Seconds::ms);
    let seconds = u64::try_from(expires.saturating_sub(made)).unwrap_or_default() / 1000;
    Ok(Term { expires: UnixMs(expires), seconds })
}

/// The claims of a JWT that this key signed with this algorithm. Nothing of them has been judged.
fn open(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Option<serde_json::Value> {
    let mut validation = Validation::new(algorithm);
    // The caller's clock counts, not the library's.
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    validation.required_spec_claims.clear();
    decode(token, key, &validation).ok().map(|opened| opened.claims)
}
