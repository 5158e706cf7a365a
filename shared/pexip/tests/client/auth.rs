//! Signing in: basic, and OAuth2 with assertions that another implementation verifies.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, EcPrivateKeyRfc5915Der, PublicKeyX509Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use spillway_core::fault::FaultKind;
use spillway_engine::ports::Clock;
use spillway_pexip::{Auth, ClientKey, Credentials, HttpManagement, KeyError, Problem, Tls};

use crate::support::{Answer, PASSWORD, Seen, Server, client, list, settings};

/// A clock that a test moves.
#[derive(Default)]
pub(crate) struct TestClock(AtomicI64);

const START: i64 = 1_795_000_000;

impl TestClock {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(START + self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst) as u64)
    }
}

/// A key in the three forms in which it may be kept, and its public half.
pub(crate) struct TestKey {
    pub(crate) pkcs8: String,
    sec1: String,
    pub(crate) jwk: String,
    public: DecodingKey,
}

fn pem(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    let lines: Vec<&str> =
        digits.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub(crate) fn test_key() -> TestKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let secret = pair.private_key();
    let d: EcPrivateKeyBin<'_> = secret.as_be_bytes().unwrap();
    let sec1: EcPrivateKeyRfc5915Der<'_> = secret.as_der().unwrap();
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let point = pair.public_key().as_ref();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    TestKey {
        pkcs8: pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref()),
        sec1: pem("EC PRIVATE KEY", sec1.as_ref()),
        jwk: json!({"kty": "EC", "crv": "P-256", "d": part(d.as_ref()), "x": part(&point[1..33]), "y": part(&point[33..])})
            .to_string(),
        public: DecodingKey::from_ec_pem(pem("PUBLIC KEY", spki.as_ref()).as_bytes()).unwrap(),
    }
}

fn oauth2(key: &str, audience: Option<&str>) -> Auth {
    Auth::OAuth2 {
        client_id: "client-7".into(),
        key: ClientKey::parse(&key.into()).unwrap(),
        audience: audience.map(str::to_owned),
    }
}

fn form(body: &str) -> Vec<(String, String)> {
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

fn claims(key: &TestKey, seen: &Seen) -> Value {
    let assertion = form(&seen.body).into_iter().find(|(key, _)| key == "client_assertion").unwrap().1;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let token = jsonwebtoken::decode::<Value>(&assertion, &key.public, &validation).unwrap();
    assert_eq!(token.header.typ.as_deref(), Some("JWT"));
    token.claims
}

/// Issues tokens numbered from 1, good for an hour; accepts those that `good` says.
fn oauth_server(
    lifetime: Option<u64>,
    good: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Answer + Send + Sync + 'static {
    let issued = AtomicUsize::new(0);
    move |seen| {
        if seen.path == "/oauth/token/" {
            let n = issued.fetch_add(1, Ordering::SeqCst) + 1;
            let mut token = json!({"access_token": format!("token-{n}"), "token_type": "Bearer"});
            if let Some(lifetime) = lifetime {
                token["expires_in"] = json!(lifetime);
            }
            return Answer::json(&token);
        }
        match seen.header("authorization").strip_prefix("Bearer ") {
            Some(token) if good(token) => list(&[]),
            _ => Answer::new(401, ""),
        }
    }
}

fn requests(server: &Server) -> Vec<String> {
    server
        .seen()
        .iter()
        .map(|seen| {
            if seen.path == "/oauth/token/" {
                "token".to_owned()
            } else {
                seen.header("authorization").to_owned()
            }
        })
        .collect()
}

#[tokio::test]
async fn basic_sends_name_and_password() {
    let server = Server::start(|_| list(&[])).await;
    client(&server).read_licensing().await.unwrap();
    let expected = format!("Basic {}", STANDARD.encode(format!("spillway:{PASSWORD}")));
    assert_eq!(server.seen()[0].header("authorization"), expected);
}

#[tokio::test]
async fn a_401_with_basic_is_final_and_says_what_to_check() {
    let server =
        Server::start(|_| Answer::new(401, "").header("www-authenticate", "Basic realm=\"x\"")).await;
    let error = client(&server).read_licensing().await.unwrap_err();
    assert_eq!(server.seen().len(), 1, "an account must not be locked by repeating a wrong password");
    assert_eq!(error.kind(), FaultKind::Unauthorized);
    assert!(error.remedy().contains("`username` and `password` in the parameter `credentials`"));
}

#[tokio::test]
async fn an_assertion_is_what_the_token_endpoint_expects() {
    for (nth, audience) in
        [None, None, None, Some("https://mgr.internal/oauth/token/")].into_iter().enumerate()
    {
        let key = test_key();
        let form_of_key = [&key.pkcs8, &key.sec1, &key.jwk][nth % 3];
        let server = Server::start(oauth_server(None, |_| true)).await;
        let clock = Arc::new(TestClock::default());
        let settings = settings(&[&server.address], oauth2(form_of_key, audience), Tls::PublicCas);
        let management = HttpManagement::with_clock(settings, clock).unwrap();
        management.read_licensing().await.unwrap();
        let asked = &server.seen()[0];
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str(), asked.query.as_str()),
            ("POST", "/oauth/token/", "")
        );
        assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(asked.header("authorization"), "");
        let fields = form(&asked.body);
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(field("grant_type"), Some("client_credentials"));
        assert_eq!(
            field("client_assertion_type"),
            Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        );
        assert_eq!(field("scope"), Some("is_admin use_api"));
        let claims = claims(&key, asked);
        let default = format!("{}/oauth/token/", server.address);
        assert_eq!(claims["aud"], json!(audience.unwrap_or(&default)));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("client-7"), &json!("client-7")));
        assert_eq!(claims["iat"], json!(START));
        let lifetime = claims["exp"].as_i64().unwrap() - START;
        assert!((1..=3600).contains(&lifetime), "{lifetime}");
        assert!(claims["jti"].as_str().unwrap().len() >= 32);
        assert_eq!(server.seen()[1].header("authorization"), "Bearer token-1");
    }
}

#[tokio::test]
async fn a_token_is_kept_and_renewed_five_minutes_before_its_end() {
    for (lifetime, renewed_after) in
        [(Some(3600), 3300), (None, 3300), (Some(60), 30), (Some(u64::MAX), 86_100)]
    {
        let key = test_key();
        let server = Server::start(oauth_server(lifetime, |_| true)).await;
        let clock = Arc::new(TestClock::default());
        let settings = settings(&[&server.address], oauth2(&key.pkcs8, None), Tls::PublicCas);
        let management = HttpManagement::with_clock(settings, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        management.read_licensing().await.unwrap();
        clock.pass(renewed_after - 1);
        management.read_licensing().await.unwrap();
        clock.pass(1);
        management.read_licensing().await.unwrap();
        let expected = ["token", "Bearer token-1", "Bearer token-1", "token", "Bearer token-2"];
        assert_eq!(requests(&server), expected, "{lifetime:?}");
        let seen = server.seen();
        assert_ne!(claims(&key, &seen[0])["jti"], claims(&key, &seen[3])["jti"]);
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let key = test_key();
    let good = Arc::new(Mutex::new("token-1".to_owned()));
    let accepted = Arc::clone(&good);
    let server = Server::start(oauth_server(None, move |token| token == *accepted.lock().unwrap())).await;
    let settings = settings(&[&server.address], oauth2(&key.pkcs8, None), Tls::PublicCas);
    let management = HttpManagement::new(settings).unwrap();
    management.read_licensing().await.unwrap();
    "token-2".clone_into(&mut good.lock().unwrap());
    management.read_licensing().await.unwrap();
    "token-9".clone_into(&mut good.lock().unwrap());
    let error = management.read_licensing().await.unwrap_err();
    assert!(matches!(
        error.problem,
        Problem::Unauthorized { credentials: Credentials::Token, status: 401, .. }
    ));
    let expected = [
        "token",
        "Bearer token-1",
        "Bearer token-1",
        "token",
        "Bearer token-2",
        "Bearer token-2",
        "token",
        "Bearer token-3",
    ];
    assert_eq!(requests(&server), expected);
}

#[tokio::test]
async fn requests_at_the_same_time_share_one_token() {
    let key = test_key();
    let issue = oauth_server(None, |_| true);
    let server = Server::start(move |seen| issue(seen).after(Duration::from_millis(50))).await;
    let settings = settings(&[&server.address], oauth2(&key.pkcs8, None), Tls::PublicCas);
    let management = HttpManagement::new(settings).unwrap();
    let (a, b) = tokio::join!(management.read_cloud(), management.read_licensing());
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(requests(&server).iter().filter(|request| *request == "token").count(), 1);
    assert!(server.most_in_flight() <= 2);
}

#[tokio::test]
async fn while_the_endpoint_is_down_the_old_token_still_does() {
    let key = test_key();
    let down = Arc::new(Mutex::new(false));
    let is_down = Arc::clone(&down);
    let issue = oauth_server(Some(3600), |_| true);
    let server = Server::start(move |seen| {
        if seen.path == "/oauth/token/" && *is_down.lock().unwrap() {
            Answer::html(503, "x")
        } else {
            issue(seen)
        }
    })
    .await;
    let clock = Arc::new(TestClock::default());
    let settings = settings(&[&server.address], oauth2(&key.pkcs8, None), Tls::PublicCas);
    let management = HttpManagement::with_clock(settings, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    management.read_licensing().await.unwrap();
    *down.lock().unwrap() = true;
    clock.pass(3400);
    management.read_licensing().await.unwrap();
    clock.pass(200);
    let error = management.read_licensing().await.unwrap_err();
    assert!(error.request.contains("/oauth/token/"), "{error}");
    assert_eq!(error.kind(), FaultKind::Server);
}

#[tokio::test]
async fn the_token_endpoint_fails_in_each_way() {
    let key = test_key();
    for (answer, kind, said) in [
        (
            Answer::new(400, r#"{"error": "invalid_client", "error_description": "aud"}"#),
            FaultKind::Unauthorized,
            "invalid_client: aud",
        ),
        (Answer::new(401, r#"{"error": "invalid_client"}"#), FaultKind::Unauthorized, "invalid_client"),
        (Answer::new(403, ""), FaultKind::Forbidden, "403"),
        (Answer::html(404, "Not Found"), FaultKind::NotFound, "Not Found"),
        (Answer::new(429, "").header("retry-after", "60"), FaultKind::Throttled, "60 s"),
        (Answer::html(503, "Starting"), FaultKind::Server, "Starting"),
        (
            Answer::new(302, "").header("location", "https://login.example.com/"),
            FaultKind::Setting,
            "redirect",
        ),
        (Answer::html(200, "Sign in"), FaultKind::Malformed, "not a token"),
        (Answer::new(200, "{}"), FaultKind::Malformed, "no access_token"),
        (Answer::new(200, r#"{"access_token": "a\nb"}"#), FaultKind::Malformed, "header"),
        (Answer::new(200, r#"{"access_token": "abc", "token_type": "mac"}"#), FaultKind::Malformed, "bearer"),
    ] {
        let server = Server::start(move |_| answer.clone()).await;
        let settings = settings(&[&server.address], oauth2(&key.pkcs8, None), Tls::PublicCas);
        let error = HttpManagement::new(settings).unwrap().read_licensing().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.request.starts_with("POST ") && error.request.ends_with("/oauth/token/"));
        if kind == FaultKind::Unauthorized {
            assert!(error.remedy().contains("token_audience"));
            assert_eq!(server.seen().len(), 1, "a refused assertion is not repeated");
        }
    }
}

#[test]
fn keys_come_in_several_forms_and_are_refused_by_name() {
    let key = test_key();
    let escaped = key.pkcs8.replace('\n', "\\n");
    let flattened = key.sec1.replace('\n', " ");
    let with_parameters =
        format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{}", key.sec1);
    for good in [&key.pkcs8, &key.sec1, &key.jwk, &escaped, &flattened, &with_parameters] {
        assert!(ClientKey::parse(&good.as_str().into()).is_ok(), "{good}");
    }
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().serialize_pem();
    let cut = &key.pkcs8[..80];
    for (bad, error) in [
        ("", KeyError::Form),
        ("hunter2", KeyError::Form),
        ("{", KeyError::Form),
        (cut, KeyError::Damaged),
        ("-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", KeyError::Damaged),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
            KeyError::Encrypted,
        ),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", KeyError::NotPrivate),
        (r#"{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}"#, KeyError::NotPrivate),
        (r#"{"kty": "RSA", "d": "AA"}"#, KeyError::Curve),
        (&p384, KeyError::Curve),
    ] {
        assert_eq!(ClientKey::parse(&bad.into()).unwrap_err(), error, "{bad}");
    }
    assert_eq!(format!("{:?}", ClientKey::parse(&key.pkcs8.as_str().into()).unwrap()), "ClientKey(P-256)");
}
