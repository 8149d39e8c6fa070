//! Checks properties that hold for any token. This is the body of the fuzz target, kept here so that an ordinary build compiles
//! it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{App, JwtKeys, Secret, dynamic_token, jwt, token};
use crate::id::{AccountId, UnixMs};
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_LIVES_DEFAULT, TOKEN_SKEW_MS};

/// When the application of [`fuzz_token`] was made.
const MADE: i64 = 1_795_305_600_000;

/// Reads `data` as a token in each format and as a file of keys, and takes a good token in the vendor's format apart as `data` says. Panics if
/// anything but the token that was made lets in.
pub fn fuzz_token(data: &[u8]) {
    let Ok(secret) = Secret::random() else { return };
    let Ok(app) = App::new("app", secret) else { return };
    let app = App { made: Some(UnixMs(MADE)), ..app };
    let Ok(alice) = AccountId::parse("alice") else { return };
    let _ = JwtKeys::parse(data);
    let text = String::from_utf8_lossy(data);
    let lets_in =
        |token: &str| token.len() <= TOKEN_BYTES_MAX && token::verify(&app, &alice, "alice", token, UnixMs(MADE)).is_ok();
    assert!(!lets_in(&text) && !lets_in(&STANDARD.encode(data)), "nothing but the secret makes a token");
    let [header, payload, signature] = jwt_parts(&app);
    for token in
        [format!("{text}.{payload}.{signature}"), format!("{header}.{text}.{signature}"), format!("{header}.{payload}.{text}")]
    {
        assert!(
            token == format!("{header}.{payload}.{signature}") || !lets_in(&token),
            "a JWT is good as it was signed: {token}"
        );
    }
    cut(&app, data);
}

fn jwt_parts(app: &App) -> [String; 3] {
    let token = jwt(&app.key, app.secret.reveal(), "alice", UnixMs(MADE), 60);
    let mut parts = token.split('.').map(str::to_owned);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Makes a token for an account, a life and a time that `data` draws, and cuts its digits at each place at the moments that matter.
fn cut(app: &App, data: &[u8]) {
    let Some(([life, age @ .., split, digits], name)) = data.split_first_chunk::<8>() else { return };
    let lives = &TOKEN_LIVES_DEFAULT;
    let life = lives[usize::from(*life) % lives.len()];
    let age = age.iter().fold(0, |age, byte| age * 256 + i64::from(*byte)) % (2 * 365 * 86_400_000);
    let name: String = name.iter().map(|byte| char::from(b'0' + byte % 75)).take(32).collect();
    let Ok(account) = AccountId::parse(&name) else { return };
    let made = MADE.saturating_add(age);
    let token = dynamic_token(&app.key, app.secret.reveal(), account.as_str(), made, life);
    let text = format!("{account}{made}{life}");
    let Some(signature) = STANDARD.decode(&token).ok().and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok())
    else {
        return;
    };
    let (name_end, time_digits) = (usize::from(*split) % text.len(), usize::from(*digits) % 16);
    for time_digits in [13, time_digits] {
        let (name, rest) = text.split_at(name_end);
        let Some((time, seconds)) = rest.split_at_checked(time_digits) else { continue };
        let (Ok(other), Ok(time), Ok(seconds)) = (AccountId::parse(name), time.parse::<i64>(), seconds.parse::<u64>()) else {
            continue;
        };
        if other == account {
            continue;
        }
        let claims = serde_json::json!({ "signature": signature["signature"], "curTime": time, "ttl": seconds }).to_string();
        let last = time.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)).saturating_sub(1);
        for now in [time.saturating_sub(TOKEN_SKEW_MS), time, last, made] {
            // Before that nobody has the token.
            if now >= made.saturating_sub(TOKEN_SKEW_MS) {
                let verdict = token::verify(app, &other, other.as_str(), &STANDARD.encode(&claims), UnixMs(now));
                assert!(verdict.is_err(), "a token of {account} lets {other} in: {text} at {now}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_fuzz_target_claims_holds(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            fuzz_token(&data);
        }
    }

    #[test]
    fn parts_of_good_tokens_and_keys_are_no_tokens() {
        for text in ["", ".", "..", "...", "{}", "{\"keys\":[]}", "-----BEGIN PUBLIC KEY-----", "eyJhbGciOiJub25lIn0"] {
            fuzz_token(text.as_bytes());
        }
    }
}
