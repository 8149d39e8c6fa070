//! The signatures behind `jsonwebtoken`, by ring: the library's own providers bring in either the crate `rsa` (RUSTSEC-2023-0071) or
//! aws-lc. Nothing but the four algorithms of chatroom.md §d.1 is here.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::hmac;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

/// Makes ring the provider of this process. A host that has chosen one keeps its own.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails where there is one already, which is as good.
        let _ = PROVIDER.install_default();
    });
}

/// A key of one of the algorithms.
enum Key {
    Hs256(hmac::Key),
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
    Rs256 { modulus: Vec<u8>, exponent: Vec<u8> },
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            Ok(Box::new(Key::Hs256(hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()))))
        }
        _ => Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let key = match (algorithm, key.family(), key.kind()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
            Key::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret))
        }
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => Key::Es256(point.clone()),
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => Key::EdDsa(point.clone()),
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            Key::Rs256 { modulus: n.clone(), exponent: e.clone() }
        }
        _ => return Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    };
    Ok(Box::new(key))
}

impl Key {
    fn algorithm(&self) -> Algorithm {
        match self {
            Key::Hs256(_) => Algorithm::HS256,
            Key::Es256(_) => Algorithm::ES256,
            Key::EdDsa(_) => Algorithm::EdDSA,
            Key::Rs256 { .. } => Algorithm::RS256,
        }
    }
}

impl Signer<Vec<u8>> for Key {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        match self {
            Key::Hs256(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            _ => Err(signature::Error::new()),
        }
    }
}

impl Verifier<Vec<u8>> for Key {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        match self {
            Key::Hs256(key) => hmac::verify(key, message, signature),
            Key::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
            Key::EdDsa(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
            Key::Rs256 { modulus, exponent } => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        }
        .map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Key {
    fn algorithm(&self) -> Algorithm {
        Key::algorithm(self)
    }
}

impl JwtVerifier for Key {
    fn algorithm(&self) -> Algorithm {
        Key::algorithm(self)
    }
}
