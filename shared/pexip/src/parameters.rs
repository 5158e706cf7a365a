//! The parameters as an operator writes them, read into [`ManagementSettings`].
//!
//! * `management`: `{"addresses": ["https://mgr.example.com"], "authentication": "basic" | "oauth2",
//!   "pin_sha256": "…", "token_audience": "…"}`, the last two optional; `pin_sha256` may be a list.
//! * `credentials`, a secret: `{"username": "…", "password": "…"}` or `{"client_id": "…", "private_key": "…"}`, the key
//!   as PEM (PKCS#8 or SEC1) or as a JWK.
//! * `ca`: PEM, its own parameter because of its size.
//!
//! Unknown keys are refused. An error names the parameter, the key and what to write; it never shows a value from
//! `credentials`, and not even a syntax error's surroundings.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use spillway_core::json::read_value;

use crate::key::{ClientKey, KeyError};
use crate::settings::{Auth, CA, CREDENTIALS, MANAGEMENT, ManagementSettings, Pin, SettingError, Tls};
use crate::tls::check_ca;

/// Reads the three parameters.
pub fn parse_parameters(
    management: &str,
    credentials: &SecretString,
    ca: Option<&str>,
) -> Result<ManagementSettings, SettingError> {
    let mut object = Object::parse(MANAGEMENT, management)?;
    let addresses = object.texts("addresses", "write a list such as [\"https://mgr.example.com\"]")?;
    let authentication = object.text("authentication", "write \"basic\" or \"oauth2\"")?;
    let pins = object.texts_if_any("pin_sha256", PIN)?;
    let audience = object.text_if_any("token_audience", "write the URL of the token endpoint")?;
    object.finish("addresses, authentication, pin_sha256, token_audience")?;

    let secret = Object::parse(CREDENTIALS, credentials.expose_secret())?;
    let auth = match authentication.as_str() {
        "basic" if audience.is_some() => {
            return Err(SettingError::new(
                MANAGEMENT,
                "token_audience",
                "does not go with basic authentication",
                "leave it out, or write \"oauth2\" into `authentication`",
            ));
        }
        "basic" => basic(secret)?,
        "oauth2" => oauth2(secret, audience)?,
        _ => {
            return Err(SettingError::new(
                MANAGEMENT,
                "authentication",
                "is neither \"basic\" nor \"oauth2\"",
                "write one of the two",
            ));
        }
    };
    let tls = match (ca.filter(|pem| !pem.trim().is_empty()), pins) {
        (None, None) => Tls::PublicCas,
        (Some(pem), None) => {
            check_ca(pem)?;
            Tls::PrivateCa { pem: pem.to_owned() }
        }
        (None, Some(pins)) => Tls::Pinned { sha256: parse_pins(&pins)? },
        (Some(_), Some(_)) => {
            return Err(SettingError::new(
                CA,
                "",
                "and `pin_sha256` in `management` are both given",
                "keep one: the pin trusts exactly that certificate, the CA whatever it has issued for the host",
            ));
        }
    };
    ManagementSettings::new(&addresses, auth, tls)
}

const PIN: &str = "write the SHA-256 of the Management Node's certificate, 64 hexadecimal digits with or without colons (`openssl x509 -noout -fingerprint -sha256`)";

fn parse_pins(pins: &[String]) -> Result<Vec<Pin>, SettingError> {
    pins.iter()
        .map(|pin| {
            pin.parse().map_err(|problem: String| SettingError::new(MANAGEMENT, "pin_sha256", problem, PIN))
        })
        .collect()
}

const BASIC: &str = "write {\"username\": \"…\", \"password\": \"…\"}, or \"oauth2\" into `authentication` of the parameter `management`";
const OAUTH2: &str = "write {\"client_id\": \"…\", \"private_key\": \"…\"}, or \"basic\" into `authentication` of the parameter `management`";

fn basic(mut secret: Object) -> Result<Auth, SettingError> {
    let username = secret.text("username", BASIC)?;
    let password = secret.text("password", BASIC)?.into();
    if username.contains(':') {
        return Err(SettingError::new(
            CREDENTIALS,
            "username",
            "has a colon, which basic authentication cannot carry",
            "use an account without one",
        ));
    }
    secret.finish("username, password")?;
    Ok(Auth::Basic { username, password })
}

fn oauth2(mut secret: Object, audience: Option<String>) -> Result<Auth, SettingError> {
    let client_id = secret.text("client_id", OAUTH2)?;
    let key: SecretString = match secret.fields.remove("private_key") {
        Some(Value::String(text)) => text.into(),
        // A JWK pasted as it is, not as a string.
        Some(jwk @ Value::Object(_)) => jwk.to_string().into(),
        Some(_) => return Err(secret.wrong("private_key", "is neither a string nor a JWK", OAUTH2)),
        None => return Err(secret.wrong("private_key", "is missing", OAUTH2)),
    };
    secret.finish("client_id, private_key")?;
    let key = ClientKey::parse(&key).map_err(|error| {
        let remedy = match error {
            KeyError::Encrypted => "decrypt it: `openssl pkcs8 -topk8 -nocrypt`",
            KeyError::Curve => "use the key that the Management Node showed when the OAuth2 client was made",
            KeyError::Form | KeyError::Damaged | KeyError::NotPrivate => {
                "write the whole private key as PEM, with its line breaks as \\n, or as a JWK"
            }
        };
        SettingError::new(CREDENTIALS, "private_key", error.to_string(), remedy)
    })?;
    Ok(Auth::OAuth2 { client_id, key, audience })
}

/// A JSON object whose keys are taken out one by one; what is left at the end is unknown.
struct Object {
    parameter: &'static str,
    fields: Map<String, Value>,
}

impl Object {
    fn parse(parameter: &'static str, text: &str) -> Result<Self, SettingError> {
        match read_value(text) {
            Ok(Value::Object(fields)) => Ok(Self { parameter, fields }),
            Ok(_) => {
                Err(SettingError::new(parameter, "", "is not a JSON object", "write {\"key\": \"value\", …}"))
            }
            // What the parser quotes of a text may be a secret: where it is wrong is said, and what a doubled key is called.
            Err(error) => {
                let (line, column) = error.position.unwrap_or_default();
                let problem = if error.message.contains("stands twice") {
                    error.message
                } else {
                    format!("is not JSON (line {line}, column {column})")
                };
                let remedy = "write {\"key\": \"value\", …}; line breaks inside a string are written \\n";
                Err(SettingError::new(parameter, "", problem, remedy))
            }
        }
    }

    fn wrong(&self, key: &str, problem: &str, remedy: &str) -> SettingError {
        SettingError::new(self.parameter, key, problem, remedy)
    }

    fn text(&mut self, key: &str, remedy: &str) -> Result<String, SettingError> {
        self.text_if_any(key, remedy)?.ok_or_else(|| self.wrong(key, "is missing", remedy))
    }

    fn text_if_any(&mut self, key: &str, remedy: &str) -> Result<Option<String>, SettingError> {
        match self.fields.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Err(self.wrong(key, "is empty", remedy)),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "is not a string", remedy)),
        }
    }

    fn texts(&mut self, key: &str, remedy: &str) -> Result<Vec<String>, SettingError> {
        self.texts_if_any(key, remedy)?.ok_or_else(|| self.wrong(key, "is missing", remedy))
    }

    fn texts_if_any(&mut self, key: &str, remedy: &str) -> Result<Option<Vec<String>>, SettingError> {
        match self.fields.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(vec![text])),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(self.wrong(key, "holds something that is not a string", remedy)),
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(self.wrong(key, "is not a list of strings", remedy)),
        }
    }

    fn finish(self, known: &str) -> Result<(), SettingError> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(key) => Err(SettingError::new(
                self.parameter,
                key,
                "is not a known key",
                format!("remove it or correct its spelling; the keys are {known}"),
            )),
        }
    }
}
