//! OAuth2 with signed client assertions: key pairs made for clients, assertions verified (ES256), access tokens given
//! out and remembered. The private key leaves in the reply that creates the client and is not kept.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use serde_json::{Value, json};
use uuid::Uuid;

use super::options::KeyForm;
use super::reply::Reply;
use super::text::parameters;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What a token can be asked for.
const SCOPES: [&str; 2] = ["is_admin", "use_api"];
/// An assertion may be good for an hour at most; clocks may differ by a minute.
const LONGEST: i64 = 3600;
const LEEWAY: i64 = 60;

#[derive(Debug, Clone)]
struct Grant {
    client: String,
    expires: Timestamp,
}

/// Keys of clients, tokens given out, assertions seen.
#[derive(Default)]
pub(super) struct Grants {
    keys: HashMap<String, DecodingKey>,
    tokens: HashMap<String, Grant>,
    seen: HashMap<String, i64>,
}

/// What the token endpoint needs to know beside the form.
pub(super) struct TokenRules {
    /// The audiences that are ours.
    pub(super) audiences: Vec<String>,
    /// The model's clock.
    pub(super) now: Timestamp,
    /// Seconds that a token lives.
    pub(super) lifetime: i64,
    /// Fault: the audience is found wrong.
    pub(super) wrong_audience: bool,
    /// Fault: the assertion is found expired.
    pub(super) expired: bool,
}

/// A new key pair's private half, as text for the client, and the client's identifier.
pub(super) struct NewClient {
    pub(super) client_id: String,
    pub(super) private_key: String,
}

impl Grants {
    /// Makes a key pair for a client and keeps the public half.
    pub(super) fn enrol(&mut self, client_id: Option<String>, form: KeyForm) -> Result<NewClient, String> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| error.to_string())?;
        // An uncompressed point: 4, then both coordinates.
        let point = pair.der_bytes();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else {
            return Err("the key pair has no usable public point".into());
        };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let key = DecodingKey::from_ec_components(&x, &y).map_err(|error| error.to_string())?;
        let private_key = match form {
            KeyForm::Pem => pair.serialize_pem(),
            KeyForm::Jwk => {
                let d = private_scalar(pair.serialized_der())
                    .ok_or("the key pair has no readable private part")?;
                json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": x, "y": y, "d": d})
                    .to_string()
            }
        };
        let client_id = client_id.unwrap_or_else(|| Uuid::new_v4().to_string());
        self.keys.insert(client_id.clone(), key);
        Ok(NewClient { client_id, private_key })
    }

    /// The client that a token was given to, while it is valid.
    pub(super) fn client_of(&self, token: &str, now: Timestamp) -> Option<String> {
        self.tokens.get(token).filter(|grant| grant.expires > now).map(|grant| grant.client.clone())
    }

    /// Answers a request for a token; `known` tells whether a client still exists.
    pub(super) fn token(&mut self, form: &str, rules: &TokenRules, known: &dyn Fn(&str) -> bool) -> Reply {
        let form: HashMap<String, String> = parameters(form).into_iter().collect();
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("grant_type") != "client_credentials" {
            return refused(400, "unsupported_grant_type", "grant_type must be client_credentials");
        }
        if field("client_assertion_type") != ASSERTION_TYPE || field("client_assertion").is_empty() {
            return refused(401, "invalid_client", "a signed client assertion is needed");
        }
        if !field("scope").split_whitespace().all(|word| SCOPES.contains(&word)) {
            return refused(400, "invalid_scope", "scopes are is_admin and use_api");
        }
        match self.verify(field("client_assertion"), rules, known) {
            Err(why) => refused(401, "invalid_client", &why),
            Ok(client) => {
                let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
                let expires = rules.now + SignedDuration::from_secs(rules.lifetime);
                self.tokens.retain(|_, grant| grant.expires > rules.now);
                self.tokens.insert(token.clone(), Grant { client, expires });
                let scope = if field("scope").is_empty() { "is_admin use_api" } else { field("scope") };
                let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": rules.lifetime, "scope": scope});
                Reply::data(200, body).with("cache-control", "no-store")
            }
        }
    }

    fn verify(
        &mut self,
        jwt: &str,
        rules: &TokenRules,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<String, String> {
        let header = jsonwebtoken::decode_header(jwt).map_err(|_| "the assertion is not a JWT")?;
        if header.alg != Algorithm::ES256 {
            return Err("the assertion must be signed with ES256".into());
        }
        let unverified: Value =
            jsonwebtoken::dangerous::insecure_decode_claims(jwt).map_err(|_| "the assertion is not a JWT")?;
        let client = unverified.get("iss").and_then(Value::as_str).ok_or("Invalid claim: iss")?.to_owned();
        let key = self.keys.get(&client).filter(|_| known(&client)).ok_or("unknown client")?;
        let mut only_signature = Validation::new(Algorithm::ES256);
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        only_signature.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Value>(jwt, key, &only_signature)
            .map_err(|_| "the assertion's signature does not match")?
            .claims;
        if claims.get("sub").and_then(Value::as_str) != Some(client.as_str()) {
            return Err("Invalid claim: sub".into());
        }
        let named = match claims.get("aud") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let ours = named.iter().any(|aud| rules.audiences.iter().any(|ours| ours == aud));
        if rules.wrong_audience || !ours {
            return Err("Invalid claim: aud".into());
        }
        let seconds = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
        let exp = seconds("exp").ok_or("Invalid claim: exp")?;
        // Clients sign by their own clock. A simulated clock may be elsewhere, so the real one will do as well.
        let now = [rules.now, Timestamp::now()].map(Timestamp::as_second);
        let (iat, nbf) = (seconds("iat"), seconds("nbf"));
        let wrong = |now: i64| {
            let ahead = |at: Option<i64>| at.is_some_and(|at| at > now + LEEWAY);
            let long =
                exp > now + LONGEST + 2 * LEEWAY || iat.is_some_and(|iat| exp - iat > LONGEST + LEEWAY);
            match (rules.expired || exp + LEEWAY <= now, ahead(iat), ahead(nbf), long) {
                (true, ..) => Some("exp (the assertion has expired)"),
                (_, true, ..) => Some("iat (the assertion was made in the future)"),
                (_, _, true, _) => Some("nbf (the assertion is not valid yet)"),
                (.., true) => Some("exp (the assertion is good for more than an hour)"),
                _ => None,
            }
        };
        if let [Some(_), Some(claim)] = now.map(wrong) {
            return Err(format!("Invalid claim: {claim}"));
        }
        let jti = claims.get("jti").and_then(Value::as_str).ok_or("Invalid claim: jti")?;
        let horizon = now[0].min(now[1]) - LEEWAY;
        self.seen.retain(|_, exp| *exp > horizon);
        if self.seen.insert(format!("{client} {jti}"), exp + LEEWAY).is_some() {
            return Err("Invalid claim: jti (the assertion was used before)".into());
        }
        Ok(client)
    }
}

fn refused(status: u16, error: &str, description: &str) -> Reply {
    let reply = Reply::data(status, json!({"error": error, "error_description": description}));
    reply.with("cache-control", "no-store")
}

/// The private scalar in a PKCS#8 document of a P-256 key: the 32 octets after the inner version and length.
fn private_scalar(der: &[u8]) -> Option<String> {
    let marker = [0x02, 0x01, 0x01, 0x04, 0x20];
    let at = der.windows(marker.len()).position(|window| window == marker)? + marker.len();
    der.get(at..at + 32).map(|scalar| URL_SAFE_NO_PAD.encode(scalar))
}
