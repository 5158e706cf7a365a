//! The parameters as an operator writes them, and what is said about mistakes.

use secrecy::ExposeSecret;
use spillway_pexip::{Auth, HttpManagement, ManagementSettings, SettingError, Tls, parse_parameters};

const BASIC: &str = r#"{"addresses": ["https://mgr.example.com"], "authentication": "basic"}"#;
const OAUTH2: &str = r#"{"addresses": ["https://mgr.example.com"], "authentication": "oauth2"}"#;
const ADMIN: &str = r#"{"username": "admin", "password": "hunter22"}"#;

fn parse(management: &str, credentials: &str, ca: Option<&str>) -> Result<ManagementSettings, SettingError> {
    parse_parameters(management, &credentials.into(), ca)
}

/// A case: `management`, `credentials`, then the parameter, key and problem that the error names.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

fn assert_named(cases: &[Case<'_>]) {
    for (management, credentials, parameter, key, problem) in cases {
        // An empty list of pins is noticed where it would be used.
        let error = parse(management, credentials, None).and_then(HttpManagement::new).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert_eq!(
            (error.parameter, error.key.as_str()),
            (*parameter, *key),
            "{management} {credentials}: {error}"
        );
        assert!(error.problem.contains(problem), "{error}");
        assert!(!error.remedy.is_empty(), "{error}");
        for secret in ["hunter22", "1234567", "MIGHAg"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn the_documented_shapes_are_read() {
    let settings = parse(BASIC, ADMIN, None).unwrap();
    assert_eq!(settings.addresses(), ["https://mgr.example.com"]);
    assert!(matches!(&settings.auth, Auth::Basic { username, password }
        if username == "admin" && password.expose_secret() == "hunter22"));
    assert!(matches!(settings.tls, Tls::PublicCas));
    assert!(matches!(parse(BASIC, ADMIN, Some(" \n")).unwrap().tls, Tls::PublicCas));

    let pair = rcgen::KeyPair::generate().unwrap();
    let credentials = serde_json::json!({"client_id": "c", "private_key": pair.serialize_pem()}).to_string();
    let management =
        r#"{"addresses": ["https://a.example.com", "b.example.com:8443"], "authentication": "oauth2",
        "token_audience": "https://mgr/oauth/token/", "pin_sha256": "PIN"}"#
            .replace("PIN", &"aB".repeat(32));
    let settings = parse(&management, &credentials, None).unwrap();
    assert_eq!(settings.addresses(), ["https://a.example.com", "https://b.example.com:8443"]);
    assert!(matches!(&settings.auth, Auth::OAuth2 { client_id, audience: Some(audience), .. }
        if client_id == "c" && audience == "https://mgr/oauth/token/"));
    assert!(matches!(&settings.tls, Tls::Pinned { sha256 } if sha256.len() == 1));
    let one = format!("\"{}\"", "aB".repeat(32));
    let two = management.replace(&one, &format!("[{one}, \"{}\"]", "cd".repeat(32)));
    assert!(
        matches!(&parse(&two, &credentials, None).unwrap().tls, Tls::Pinned { sha256 } if sha256.len() == 2)
    );

    let certificate = rcgen::CertificateParams::new(vec!["x".into()]).unwrap().self_signed(&pair).unwrap();
    assert!(matches!(parse(BASIC, ADMIN, Some(&certificate.pem())).unwrap().tls, Tls::PrivateCa { .. }));
}

#[test]
fn a_jwk_may_be_pasted_as_an_object_or_as_a_string() {
    let jwk: serde_json::Value = serde_json::from_str(&crate::auth::test_key().jwk).unwrap();
    for private_key in [jwk.clone(), serde_json::Value::String(jwk.to_string())] {
        let credentials = serde_json::json!({"client_id": "c", "private_key": private_key}).to_string();
        assert!(parse(OAUTH2, &credentials, None).is_ok());
    }
}

#[test]
fn mistakes_in_management_are_named() {
    let with = |key: &str, value: &str| {
        format!(
            r#"{{"addresses": ["https://mgr.example.com"], "authentication": "basic", "{key}": {value}}}"#
        )
    };
    let addresses = |value: &str| format!(r#"{{"addresses": {value}, "authentication": "basic"}}"#);
    assert_named(&[
        ("", ADMIN, "management", "", "not JSON (line 1"),
        ("[]", ADMIN, "management", "", "not a JSON object"),
        ("{}", ADMIN, "management", "addresses", "missing"),
        (&addresses("[]"), ADMIN, "management", "addresses", "empty"),
        (&addresses("[1]"), ADMIN, "management", "addresses", "not a string"),
        (&addresses("{}"), ADMIN, "management", "addresses", "not a list"),
        (&addresses(r#"["http://mgr.example.com"]"#), ADMIN, "management", "addresses[0]", "plain HTTP"),
        (
            &addresses(r#"["https://a.example.com", ""]"#),
            ADMIN,
            "management",
            "addresses[1]",
            "not an address",
        ),
        (r#"{"addresses": ["mgr.example.com"]}"#, ADMIN, "management", "authentication", "missing"),
        (&BASIC.replace("basic", "ldap"), ADMIN, "management", "authentication", "neither"),
        (&with("adresses", "1"), ADMIN, "management", "adresses", "not a known key"),
        (&with("pin_sha256", "\"12\""), ADMIN, "management", "pin_sha256", "64 hexadecimal"),
        (&with("pin_sha256", "[]"), ADMIN, "management", "pin_sha256", "empty"),
        (&with("pin_sha256", "7"), ADMIN, "management", "pin_sha256", "not a list"),
        (&with("token_audience", "\"x\""), ADMIN, "management", "token_audience", "does not go with"),
    ]);
}

#[test]
fn mistakes_in_credentials_are_named_and_not_quoted() {
    assert_named(&[
        (BASIC, "hunter22", "credentials", "", "not JSON (line 1"),
        (BASIC, r#""hunter22""#, "credentials", "", "not a JSON object"),
        (BASIC, r#"{"username": "admin"}"#, "credentials", "password", "missing"),
        (BASIC, r#"{"username": "admin", "password": ""}"#, "credentials", "password", "empty"),
        (
            BASIC,
            r#"{"username": "admin", "password": ["hunter22"]}"#,
            "credentials",
            "password",
            "not a string",
        ),
        (BASIC, r#"{"username": "a:b", "password": "hunter22"}"#, "credentials", "username", "colon"),
        (
            BASIC,
            r#"{"username": "a", "password": "hunter22", "id": 1}"#,
            "credentials",
            "id",
            "not a known key",
        ),
        (BASIC, r#"{"client_id": "x", "private_key": "hunter22"}"#, "credentials", "username", "missing"),
        (OAUTH2, ADMIN, "credentials", "client_id", "missing"),
        (OAUTH2, r#"{"client_id": "x"}"#, "credentials", "private_key", "missing"),
        (
            OAUTH2,
            r#"{"client_id": "x", "private_key": 1234567}"#,
            "credentials",
            "private_key",
            "neither a string",
        ),
        (
            OAUTH2,
            r#"{"client_id": "x", "private_key": "hunter22"}"#,
            "credentials",
            "private_key",
            "neither a PEM",
        ),
        (
            OAUTH2,
            r#"{"client_id": "x", "private_key": "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49"}"#,
            "credentials",
            "private_key",
            "cut off",
        ),
        (
            OAUTH2,
            r#"{"client_id": "x", "private_key": {"kty": "EC", "crv": "P-256"}}"#,
            "credentials",
            "private_key",
            "no private key",
        ),
    ]);
}

#[test]
fn a_ca_and_a_pin_are_one_too_many() {
    let pinned = BASIC.replace("\"basic\"", &format!("\"basic\", \"pin_sha256\": \"{}\"", "00".repeat(32)));
    let error = parse(&pinned, ADMIN, Some("-----BEGIN CERTIFICATE-----")).unwrap_err();
    assert_eq!((error.parameter, error.problem.contains("both")), ("ca", true));
    let error = parse(BASIC, ADMIN, Some("-----BEGIN CERTIFICATE-----")).unwrap_err();
    assert_eq!(error.parameter, "ca");
}
