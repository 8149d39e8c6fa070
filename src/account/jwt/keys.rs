//! Public keys of an application's JWTs: a JWKS, a single JWK, or public keys in PEM.

use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Header};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::{PublicKey, RSAPublicKey};
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::limits::{JWT_KEYS_BYTES_MAX, JWT_KEYS_MAX, JWT_RSA_BYTES};

/// The public keys of an application's JWTs, none unless it has a file of them.
#[derive(Clone, Default)]
pub struct JwtKeys {
    keys: Vec<JwtKey>,
    /// Text the keys were read from; it tells one set from another.
    source: Box<[u8]>,
}

/// One key, for one algorithm.
#[derive(Clone)]
pub(super) struct JwtKey {
    /// Its name, which a token gives to say that this key signed it.
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl JwtKeys {
    /// Reads the text of a file: a JWKS, a single JWK, or public keys in PEM. Keys of a JWKS that are of other kinds or uses are passed over;
    /// the words of a refusal say what is wrong.
    pub fn parse(text: &[u8]) -> Result<JwtKeys, String> {
        if text.len() > JWT_KEYS_BYTES_MAX {
            return Err(format!("has more than {} KiB", JWT_KEYS_BYTES_MAX / 1024));
        }
        let is_json = text.trim_ascii_start().starts_with(b"{");
        let keys = if is_json { from_json(text)? } else { from_pem(text)? };
        match keys.len() {
            0 => Err("holds no public key for EdDSA (Ed25519), ES256 (P-256) or RS256".to_owned()),
            1..=JWT_KEYS_MAX => Ok(JwtKeys { keys, source: text.into() }),
            _ => Err(format!("holds more than {JWT_KEYS_MAX} keys")),
        }
    }

    /// The keys that may have signed a token with this header: of its algorithm, and of the name it gives, if it gives one and the
    /// key has one.
    pub(super) fn fitting(&self, header: &Header) -> impl Iterator<Item = &JwtKey> {
        let is_named = |key: &JwtKey| key.id.is_none() || header.kid.is_none() || key.id == header.kid;
        self.keys.iter().filter(move |key| key.algorithm == header.alg && is_named(key))
    }
}

impl PartialEq for JwtKeys {
    fn eq(&self, other: &JwtKeys) -> bool {
        self.source == other.source
    }
}

impl Eq for JwtKeys {}

impl fmt::Debug for JwtKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JwtKeys({})", self.keys.len())
    }
}

fn from_json(text: &[u8]) -> Result<Vec<JwtKey>, String> {
    let not_a_set = |error: serde_json::Error| format!("is no JWKS: {error}");
    let value: serde_json::Value = serde_json::from_slice(text).map_err(not_a_set)?;
    let set = match value.get("keys") {
        Some(_) => serde_json::from_value::<JwkSet>(value).map_err(not_a_set)?.keys,
        None => vec![serde_json::from_value(value).map_err(not_a_set)?],
    };
    let mut keys = Vec::new();
    for jwk in &set {
        keys.extend(from_jwk(jwk)?);
    }
    Ok(keys)
}

/// The key of a JWK; `None` for one of another kind or use.
fn from_jwk(jwk: &Jwk) -> Result<Option<JwtKey>, String> {
    let (algorithm, kind) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => (Algorithm::ES256, KeyAlgorithm::ES256),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return Ok(None),
    };
    let common = &jwk.common;
    let is_for_this = common.key_algorithm.is_none_or(|of| of == kind)
        && common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|of| of.contains(&KeyOperations::Verify));
    if !is_for_this {
        return Ok(None);
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|error| format!("holds a key that cannot be read: {error}"))?;
    check(algorithm, key).map(|key| Some(JwtKey { id: common.key_id.clone(), algorithm, key }))
}

fn from_pem(text: &[u8]) -> Result<Vec<JwtKey>, String> {
    let mut keys = Vec::new();
    for block in Pem::iter_from_buffer(text) {
        let block = block.map_err(|error| format!("is neither a JWKS nor PEM: {error}"))?;
        let (algorithm, key) = match block.label.as_str() {
            "PUBLIC KEY" => from_spki(&block.contents)?,
            "RSA PUBLIC KEY" => match RSAPublicKey::from_der(&block.contents) {
                Ok((_, key)) => (Algorithm::RS256, from_rsa(&key)),
                Err(_) => return Err("holds an RSA key that cannot be read".to_owned()),
            },
            label if label.contains("PRIVATE") => {
                return Err("holds a private key, which stays with the signer: give its public key".to_owned());
            }
            label => return Err(format!("holds a {label}: give a PUBLIC KEY")),
        };
        keys.push(JwtKey { id: None, algorithm, key: check(algorithm, key)? });
    }
    Ok(keys)
}

/// The key of a `SubjectPublicKeyInfo`.
fn from_spki(der: &[u8]) -> Result<(Algorithm, DecodingKey), String> {
    const P256: &str = "1.2.840.10045.3.1.7";
    const ED25519: &str = "1.3.101.112";
    let unreadable = || "holds a public key that cannot be read".to_owned();
    let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| unreadable())?;
    let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
    match info.parsed().map_err(|_| unreadable())? {
        PublicKey::RSA(key) => Ok((Algorithm::RS256, from_rsa(&key))),
        PublicKey::EC(point) if curve.is_some_and(|curve| curve.to_id_string() == P256) => {
            Ok((Algorithm::ES256, DecodingKey::from_ec_der(point.data())))
        }
        PublicKey::Unknown(point) if info.algorithm.algorithm.to_id_string() == ED25519 => {
            Ok((Algorithm::EdDSA, DecodingKey::from_ed_der(point)))
        }
        _ => Err("holds a public key of another kind: give one for EdDSA (Ed25519), ES256 (P-256) or RS256".to_owned()),
    }
}

fn from_rsa(key: &RSAPublicKey<'_>) -> DecodingKey {
    DecodingKey::from_rsa_raw_components(without_zeros(key.modulus), without_zeros(key.exponent))
}

/// A number without the zeros before it.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The key in the form the provider takes, if its length is that of its kind.
fn check(algorithm: Algorithm, key: DecodingKey) -> Result<DecodingKey, String> {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, e } => {
            let (modulus, exponent) = (without_zeros(n), without_zeros(e));
            if !JWT_RSA_BYTES.contains(&modulus.len()) {
                return Err(format!("holds an RSA key of {} bits: use 2048 to 8192", modulus.len().saturating_mul(8)));
            }
            Ok(DecodingKey::from_rsa_raw_components(modulus, exponent))
        }
        DecodingKeyKind::SecretOrDer(point) => {
            let is_whole = match algorithm {
                Algorithm::ES256 => point.len() == 65 && point.first() == Some(&4),
                _ => point.len() == 32,
            };
            if is_whole { Ok(key) } else { Err("holds an elliptic key that is not whole, or is compressed".to_owned()) }
        }
    }
}
