//! JSON Web Tokens at login: which let in, whom, and until when (chatroom.md §d.1).

use std::sync::Arc;

use crate::world::{APP, SECRET, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chatroom::account::{JwtKeys, jwt};
use chatroom::error::Code;
use chatroom::id::UnixMs;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const NOW: i64 = 1_796_000_000_000;
const NOW_S: i64 = NOW / 1000;
const RSA_PEM: &str = include_str!("../data/tokens/rsa_public.pem");
const RSA_PKCS1_PEM: &str = include_str!("../data/tokens/rsa_public_pkcs1.pem");
const RSA_1024_PEM: &str = include_str!("../data/tokens/rsa_1024_public.pem");
/// Of `alice` until 2100, signed with the private key that belongs to the public one.
const RS256: &str = include_str!("../data/tokens/rs256.jwt");
const RSA_MODULUS: &str = "6Zw5lXnPtL3J46mxAp5ZAhRXhyTCi8kXB1mLoaYsJJcpOxACr1cHGswHYYiYy0gMI5_oH3Z34z46ONx7xZgFRg1K1EBSlalwqQY7NBoWkzEs5q7Gf6Pl55pU7Uly6XDJt6wyxvgye6Cf_LzDPjOpIlRGrFSReJFfzA-7HHkktQukcQtbBYitm58C4nUTiVyg-GlfFD_LKhqp1mDseY0DKoSE478Xx0TT5SZzFBS-fnkLmvxQBxdNT6llx5IGGAlMmfNBUfTYS3NVNOTH3pXFwpP4-XOEeraQIPv47cXQrOVqzXndI_dObh_TWjM_yG0pAcs0r_2DJw86BmzBowf08Q";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with this header and these claims, signed by `sign`.
fn signed(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", b64(signature))
}

fn hs(secret: &str) -> impl FnOnce(&[u8]) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    move |message| ring::hmac::sign(&key, message).as_ref().to_vec()
}

fn hs256(claims: &Value) -> String {
    signed(&json!({ "alg": "HS256", "typ": "JWT" }), claims, hs(SECRET))
}

fn with_keys(text: &str) -> World {
    let keys = JwtKeys::parse(text.as_bytes()).unwrap();
    World::new(NOW, |tokens| tokens.keys = Arc::new(keys))
}

fn plain() -> World {
    World::new(NOW, |_| {})
}

/// A key pair for ES256: the pair, its public key in PEM, and as the members of a JWK.
fn p256() -> (EcdsaKeyPair, String, Value) {
    let made = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let random = ring::rand::SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &made.serialize_der(), &random).unwrap();
    let point = made.der_bytes().to_vec();
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) });
    (pair, made.public_key_pem(), jwk)
}

fn es256(pair: &EcdsaKeyPair) -> impl FnOnce(&[u8]) -> Vec<u8> {
    |message| pair.sign(&ring::rand::SystemRandom::new(), message).unwrap().as_ref().to_vec()
}

fn ed25519() -> (Ed25519KeyPair, String, Value) {
    let made = rcgen::KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&made.serialize_der()).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key()) });
    (pair, made.public_key_pem(), jwk)
}

/// A JWK with more members.
fn and(jwk: &Value, more: Value) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwk
}

fn good() -> Value {
    json!({ "sub": "alice", "exp": NOW_S + 60 })
}

#[test]
fn a_jwt_signed_with_the_secret_lets_its_subject_in_until_it_expires() {
    let world = plain();
    let token = hs256(&good());
    assert_eq!(world.expires("alice", &token, NOW), Ok(NOW + 60_000));
    assert_eq!(world.code("ALICE", &token, NOW + 59_999), Code::Ok);
    assert_eq!(world.code("alice", &token, NOW + 60_000), Code::TokenExpired);
    assert_eq!(world.code("bob", &token, NOW), Code::WrongToken);
    assert_eq!(world.expires("alice", &jwt(APP, SECRET, "alice", UnixMs(NOW), 30), NOW), Ok(NOW + 30_000));
    // A subject is compared as accounts are, and a time may have a fraction.
    assert_eq!(world.expires("alice", &hs256(&json!({ "sub": "ALICE", "exp": NOW_S as f64 + 0.5 })), NOW), Ok(NOW + 500));
    // 24 days count from iat.
    let long = hs256(&json!({ "sub": "alice", "iat": NOW_S - 10, "exp": NOW_S + 60 }));
    assert_eq!(world.log_in("alice", &long, NOW).unwrap().token_seconds, Some(70));
}

#[test]
fn a_jwt_without_a_good_signature_lets_nobody_in() {
    let world = plain();
    let header = |alg: &str| json!({ "alg": alg, "typ": "JWT" });
    let none = |alg: &str| signed(&header(alg), &good(), |_| Vec::new());
    let good_one = hs256(&good());
    let parts: Vec<&str> = good_one.split('.').collect();
    let other_claims = b64(json!({ "sub": "alice", "exp": NOW_S + 600 }).to_string());
    for token in [
        none("none"),
        none("None"),
        none("HS256"),
        signed(&header("HS256"), &good(), hs("guess")),
        signed(&header("HS384"), &good(), hs(SECRET)),
        signed(&header("RS256"), &good(), hs(SECRET)),
        signed(&header("EdDSA"), &good(), hs(SECRET)),
        signed(&json!({ "typ": "JWT" }), &good(), hs(SECRET)),
        signed(&json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 }), &good(), hs(SECRET)),
        format!("{}.{other_claims}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good_one}."),
        format!(".{good_one}"),
        format!("{good_one}="),
        "..".to_owned(),
    ] {
        assert_eq!(world.code("alice", &token, NOW), Code::WrongToken, "{token}");
    }
}

#[test]
fn the_claims_of_a_jwt_are_there_and_of_their_type() {
    let world = plain();
    for claims in [
        json!({ "sub": "alice" }),
        json!({ "exp": NOW_S + 60 }),
        json!({ "sub": "alice", "exp": null }),
        json!({ "sub": "alice", "exp": (NOW_S + 60).to_string() }),
        json!({ "sub": 7, "exp": NOW_S + 60 }),
        json!({ "sub": ["alice"], "exp": NOW_S + 60 }),
        json!({ "sub": "", "exp": NOW_S + 60 }),
        json!({ "sub": "alice", "exp": NOW_S + 60, "nbf": "now" }),
        json!({ "sub": "alice", "exp": NOW_S + 60, "iat": true }),
        json!({ "sub": "alice", "exp": NOW_S + 60, "aud": 1 }),
        json!("alice"),
        json!([]),
    ] {
        assert_eq!(world.code("alice", &hs256(&claims), NOW), Code::WrongToken, "{claims}");
    }
    let doubled = format!("{{\"sub\":\"bob\",\"sub\":\"alice\",\"exp\":{}}}", NOW_S + 60);
    let message = format!("{}.{}", b64(json!({ "alg": "HS256" }).to_string()), b64(doubled));
    let token = format!("{message}.{}", b64(hs(SECRET)(message.as_bytes())));
    assert_ne!((world.code("alice", &token, NOW), world.code("bob", &token, NOW)), (Code::Ok, Code::Ok), "one subject at most");
    for exp in [json!(0), json!(-1), json!(-1e300), json!(NOW_S)] {
        assert_eq!(world.code("alice", &hs256(&json!({ "sub": "alice", "exp": exp })), NOW), Code::TokenExpired, "{exp}");
    }
    assert_eq!(
        world.code("alice", &hs256(&json!({ "sub": "alice", "exp": 1e300 })), NOW),
        Code::Ok,
        "as long as the application likes"
    );
}

#[test]
fn nbf_iat_and_aud_count_where_they_are() {
    let world = plain();
    let code = |more: Value| world.code("alice", &hs256(&and(&good(), more)), NOW);
    for name in ["nbf", "iat"] {
        assert_eq!(code(json!({ name: NOW_S + 60 })), Code::Ok, "{name}: clocks may be a minute apart");
        assert_eq!(code(json!({ name: NOW_S + 61 })), Code::WrongToken, "{name}");
        assert_eq!(code(json!({ name: NOW_S - 1000 })), Code::Ok, "{name}");
        let refused = world.refusal("alice", &hs256(&and(&good(), json!({ name: NOW_S + 61 }))), NOW);
        assert!(refused.desc.contains("nbf or iat"), "{refused}");
    }
    assert_eq!(code(json!({ "aud": APP })), Code::Ok);
    assert_eq!(code(json!({ "aud": ["x", APP] })), Code::Ok);
    for aud in [json!("other"), json!(["other"]), json!([]), json!("")] {
        assert_eq!(code(json!({ "aud": aud })), Code::WrongToken, "{aud}");
    }
    assert!(world.refusal("alice", &hs256(&and(&good(), json!({ "aud": "other" }))), NOW).desc.contains("aud"));
}

#[test]
fn public_keys_in_pem_or_a_jwks_verify_their_algorithm_and_no_other() {
    let ((ec, ec_pem, ec_jwk), (ed, ed_pem, ed_jwk)) = (p256(), ed25519());
    let es = signed(&json!({ "alg": "ES256" }), &good(), es256(&ec));
    let eddsa = signed(&json!({ "alg": "EdDSA" }), &good(), |message| ed.sign(message).as_ref().to_vec());
    let rsa_jwk = json!({ "kty": "RSA", "n": RSA_MODULUS, "e": "AQAB", "use": "sig", "alg": "RS256" });
    let rs = RS256.trim();
    let set = json!({ "keys": [ec_jwk, ed_jwk, rsa_jwk] }).to_string();
    let codes = |world: &World| [&es, &eddsa, rs].map(|token| world.code("alice", token, NOW));
    let (yes, no) = (Code::Ok, Code::WrongToken);
    assert_eq!(codes(&plain()), [no, no, no]);
    assert_eq!(codes(&with_keys(&ec_pem)), [yes, no, no]);
    assert_eq!(codes(&with_keys(&ed_pem)), [no, yes, no]);
    assert_eq!(codes(&with_keys(RSA_PEM)), [no, no, yes]);
    assert_eq!(codes(&with_keys(RSA_PKCS1_PEM)), [no, no, yes]);
    assert_eq!(codes(&with_keys(&format!("{ec_pem}\n{ed_pem}{RSA_PEM}"))), [yes, yes, yes]);
    assert_eq!(codes(&with_keys(&set)), [yes, yes, yes]);
    assert_eq!(codes(&with_keys(&ec_jwk.to_string())), [yes, no, no], "a single JWK");
    let all = with_keys(&set);
    assert_eq!(all.code("bob", rs, NOW), no);
    assert_eq!(all.code("alice", &hs256(&good()), NOW), yes, "the secret signs too");
    // The public key as the secret of HS256, in every form somebody may have it.
    let (point, jwk) = (ed.public_key().as_ref().to_vec(), ed_jwk.to_string());
    for secret in [ed_pem.as_bytes(), ed_pem.trim().as_bytes(), &point, jwk.as_bytes(), set.as_bytes(), b""] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        let forged = signed(&json!({ "alg": "HS256" }), &good(), |message| ring::hmac::sign(&key, message).as_ref().to_vec());
        assert_eq!((with_keys(&ed_pem).code("alice", &forged, NOW), all.code("alice", &forged, NOW)), (no, no));
    }
    // A good signature under the name of another algorithm.
    for alg in ["ES256", "RS256", "HS256", "ES384", "PS256"] {
        let renamed = signed(&json!({ "alg": alg }), &good(), |message| ed.sign(message).as_ref().to_vec());
        assert_eq!(all.code("alice", &renamed, NOW), no, "{alg}");
    }
}

#[test]
fn a_token_that_names_its_key_is_verified_by_that_one() {
    let ((one, _, one_jwk), (two, two_pem, two_jwk)) = (p256(), p256());
    let set = |first: Value, second: Value| json!({ "keys": [and(&one_jwk, first), and(&two_jwk, second)] }).to_string();
    let token = |kid: Option<&str>, pair| {
        let header = kid.map_or(json!({ "alg": "ES256" }), |kid| json!({ "alg": "ES256", "kid": kid }));
        signed(&header, &good(), es256(pair))
    };
    let world = with_keys(&set(json!({ "kid": "1" }), json!({ "kid": "2" })));
    for (kid, pair, expected) in [
        (Some("1"), &one, Code::Ok),
        (Some("2"), &two, Code::Ok),
        (Some("2"), &one, Code::WrongToken),
        (Some("3"), &one, Code::WrongToken),
        (None, &two, Code::Ok),
    ] {
        assert_eq!(world.code("alice", &token(kid, pair), NOW), expected, "{kid:?}");
    }
    assert_eq!(with_keys(&two_pem).code("alice", &token(Some("any"), &two), NOW), Code::Ok, "a key in PEM has no name");
    // Keys for something else are passed over.
    for other in
        [json!({ "use": "enc" }), json!({ "alg": "ECDH-ES" }), json!({ "alg": "ES384" }), json!({ "key_ops": ["sign"] })]
    {
        let world = with_keys(&set(other.clone(), json!({ "use": "sig", "key_ops": ["verify"], "alg": "ES256" })));
        let codes = [&one, &two].map(|pair| world.code("alice", &token(None, pair), NOW));
        assert_eq!(codes, [Code::WrongToken, Code::Ok], "{other}");
    }
}

#[test]
fn a_file_without_a_key_that_can_be_used_is_refused_in_words() {
    let oct = json!({ "keys": [{ "kty": "oct", "k": b64("secret") }] }).to_string();
    let key_without_end = json!({ "kty": "EC", "crv": "P-256", "x": b64([1; 31]), "y": b64([1; 32]) }).to_string();
    let other_curve = json!({ "keys": [{ "kty": "EC", "crv": "P-384", "x": b64([1; 48]), "y": b64([1; 48]) }] }).to_string();
    let private = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let many = json!({ "keys": vec![ed25519().2; 33] }).to_string();
    let long = " ".repeat(256 * 1024 + 1);
    for (text, words) in [
        ("", "no public key"),
        ("{}", "no public key"),
        ("{\"keys\":[]}", "no public key"),
        ("{\"keys\":7}", "JWKS"),
        (&oct, "no public key"),
        (&other_curve, "no public key"),
        (&key_without_end, "not whole"),
        (&private, "private key"),
        (RSA_1024_PEM, "1024 bits"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "CERTIFICATE"),
        (&many, "more than 32"),
        (&long, "256 KiB"),
    ] {
        let refused = JwtKeys::parse(text.as_bytes()).expect_err("no keys to use");
        assert!(refused.contains(words), "{refused} instead of {words}");
    }
}
