//! The private key of an OAuth2 client, in whichever form it was kept: PKCS#8 PEM, SEC1 PEM or JWK. It signs
//! client assertions and can do nothing else; it cannot be read back, printed or compared.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// A P-256 key for ES256.
#[derive(Clone)]
pub struct ClientKey(Arc<EcdsaKeyPair>);

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKey(P-256)")
    }
}

/// Why a key was not accepted. Quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither PEM nor JSON.
    #[error("is neither a PEM private key nor a JWK")]
    Form,
    /// A PEM block that is not closed or not base64.
    #[error("is a PEM block that is cut off or damaged")]
    Damaged,
    /// `ENCRYPTED PRIVATE KEY`, or a `Proc-Type` header.
    #[error("is encrypted with a passphrase")]
    Encrypted,
    /// A public key or a certificate.
    #[error("holds no private key")]
    NotPrivate,
    /// RSA, another curve.
    #[error("is not an EC key on the curve P-256")]
    Curve,
}

/// The claims of a client assertion.
pub(crate) struct Claims<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) id: String,
}

impl ClientKey {
    /// Reads a key. PEM whose line breaks were lost or written as `\n` on the way into a JSON parameter is accepted.
    pub fn parse(text: &SecretString) -> Result<Self, KeyError> {
        let text = text.expose_secret().trim();
        let der = if text.starts_with('{') { sec1_from_jwk(text)? } else { der_from_pem(text)? };
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
            .map(|pair| Self(Arc::new(pair)))
            .map_err(|_| KeyError::Curve)
    }

    /// A signed JWT (RFC 7519, ES256): header and claims as JSON, signature as r and s joined.
    pub(crate) fn sign(&self, claims: &Claims<'_>) -> Result<SecretString, aws_lc_rs::error::Unspecified> {
        let Claims { client_id, audience, issued_at, expires_at, id } = claims;
        let header = json!({"alg": "ES256", "typ": "JWT"}).to_string();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience,
            "iat": issued_at, "exp": expires_at, "jti": id,
        })
        .to_string();
        let mut jwt = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(&SystemRandom::new(), jwt.as_bytes())?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(jwt.into())
    }
}

/// The first private key block; an `EC PARAMETERS` block before it, as OpenSSL writes one, is passed over.
fn der_from_pem(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if !text.contains("-----BEGIN ") {
        return Err(KeyError::Form);
    }
    for block in text.split("-----BEGIN ").skip(1) {
        let (label, rest) = block.split_once("-----").ok_or(KeyError::Damaged)?;
        match label {
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            "PRIVATE KEY" | "EC PRIVATE KEY" => {
                let (body, _) = rest.split_once("-----END ").ok_or(KeyError::Damaged)?;
                if body.contains("Proc-Type") {
                    return Err(KeyError::Encrypted);
                }
                let body = Zeroizing::new(body.replace("\\r", "").replace("\\n", ""));
                let digits: Zeroizing<String> =
                    Zeroizing::new(body.chars().filter(|c| !c.is_whitespace()).collect());
                return STANDARD.decode(digits.as_bytes()).map(Zeroizing::new).map_err(|_| KeyError::Damaged);
            }
            "RSA PRIVATE KEY" => return Err(KeyError::Curve),
            _ => {}
        }
    }
    Err(KeyError::NotPrivate)
}

/// A JWK's `d` in SEC1 form (RFC 5915): version 1, the 32 bytes, the curve's OID. The public half is derived.
fn sec1_from_jwk(text: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    const PREFIX: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    const P256: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let jwk: Value = serde_json::from_str(text).map_err(|_| KeyError::Form)?;
    let field = |name: &str| jwk.get(name).and_then(Value::as_str);
    if field("kty") != Some("EC") || field("crv") != Some("P-256") {
        return Err(KeyError::Curve);
    }
    let d = field("d").ok_or(KeyError::NotPrivate)?;
    let d =
        URL_SAFE_NO_PAD.decode(d.trim_end_matches('=')).map(Zeroizing::new).map_err(|_| KeyError::Damaged)?;
    let padding = 32_usize.checked_sub(d.len()).ok_or(KeyError::Curve)?;
    let mut der = Zeroizing::new(Vec::with_capacity(51));
    der.extend_from_slice(&PREFIX);
    der.extend(std::iter::repeat_n(0, padding));
    der.extend_from_slice(&d);
    der.extend_from_slice(&P256);
    Ok(der)
}
