//! No secret is shown, on any path: not by errors, faults, debug output or logs, and not when the server sends the
//! credentials back.

use std::collections::HashSet;
use std::fmt::{Debug, Write};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::ids::{InstanceId, NodeId};
use spillway_core::observation::PlatformScope;
use spillway_engine::ports::{ManagementRead, ManagementWrite};
use spillway_pexip::{Auth, ClientKey, HttpManagement, ManagementSettings, Pin, Tls};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::auth::test_key;
use crate::support::{Answer, PASSWORD, Seen, Server, basic, nobody, raw_server, settings};
use crate::trust::server_config;

const TOKEN: &str = "an-access-token-that-nobody-may-see";
const STORED: &str = "$~!1stored-cloud-secret";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs every operation, and gives back everything that was shown: errors as text and as debug, and all logs.
async fn everything_shown(settings: ManagementSettings) -> (String, Vec<Fault>) {
    let logs = Captured::default();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::filter::LevelFilter::TRACE)
        .with(tracing_subscriber::fmt::layer().with_writer(logs.clone()).with_ansi(false));
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut shown = format!("{settings:?}");
    let management = match HttpManagement::new(settings) {
        Ok(management) => management,
        Err(error) => return (format!("{shown}{error}{error:?}"), vec![Fault::from(error)]),
    };
    write!(shown, "{management:?}").unwrap();
    let mut faults = Vec::new();
    let mut add = |error: &dyn Debug, fault: Fault| {
        let stored = serde_json::to_string(&fault).unwrap();
        write!(shown, "{error:?}\n{fault}\n{fault:?}\n{stored}\n").unwrap();
        faults.push(fault);
    };
    if let Err(fault) = management.read_platform(PlatformScope { shards: true }).await {
        add(&(), fault);
    }
    if let Err(fault) = management.read_activity(Ipv4Addr::LOCALHOST).await {
        add(&(), fault);
    }
    if let Err(fault) = management.set_static_nat(NodeId(1), None).await {
        add(&(), fault);
    }
    if let Err(error) = management.start_cloudnode(&InstanceId::from("i-0abc")).await {
        add(&error.to_string(), Fault::from(error.clone()));
        add(&error.clone(), error.into());
    }
    if let Err(error) = management.read_cloud().await {
        add(&error.to_string(), error.into());
    }
    let logs = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    (shown + &logs, faults)
}

/// Everything that must not be shown, and every shorter piece of it that would still help.
fn assert_nothing_given_away(shown: &str, secrets: &[String], context: &str) {
    let pieces: HashSet<&[u8]> = shown.as_bytes().windows(10).collect();
    for secret in secrets {
        for piece in secret.as_bytes().windows(10) {
            let readable = String::from_utf8_lossy(piece);
            assert!(!pieces.contains(piece), "{context} shows {readable:?} of a secret in: {shown}");
        }
    }
}

fn basic_secrets() -> Vec<String> {
    vec![PASSWORD.to_owned(), STANDARD.encode(format!("spillway:{PASSWORD}")), STORED.to_owned()]
}

type Behaviour = fn(&Seen) -> Answer;

/// What a server may do to a request, by name.
fn behaviours() -> Vec<(&'static str, Behaviour)> {
    fn echo(seen: &Seen) -> String {
        let headers: Vec<String> =
            seen.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        let decoded = seen
            .header("authorization")
            .strip_prefix("Basic ")
            .map(|pair| String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap())
            .unwrap_or_default();
        format!("{}\n{decoded}\n{}", headers.join("\n"), seen.body)
    }
    vec![
        ("401", |_| Answer::new(401, "")),
        ("403", |_| Answer::new(403, "")),
        ("404", |_| Answer::html(404, "Not Found")),
        ("400 error", |_| Answer::new(400, r#"{"error": "bad"}"#)),
        ("400 fields", |_| Answer::new(400, r#"{"worker_vm": {"name": ["bad"]}}"#)),
        ("429", |_| Answer::new(429, "").header("retry-after", "99")),
        ("500", |_| Answer::new(500, r#"{"error_message": "oops"}"#)),
        ("503", |_| Answer::html(503, "Starting")),
        ("200 with secrets in another shape", |_| {
            Answer::json(&json!({"objects": STORED, "aws_secret_key": STORED}))
        }),
        ("200 with secrets cut off", |_| Answer::new(200, format!("{{\"aws_secret_key\": \"{STORED}"))),
        ("slow", |_| Answer::new(200, "{}").after(Duration::from_secs(9))),
        ("redirect that carries the credentials", |seen| {
            Answer::new(302, "").header(
                "location",
                &format!(
                    "https://login.example.com/{}?x={}",
                    seen.header("authorization").replace(' ', "/"),
                    seen.header("authorization")
                ),
            )
        }),
        ("next link that carries the credentials", |seen| {
            Answer::json(
                &json!({"meta": {"next": format!("https://{}/", seen.header("authorization"))}, "objects": []}),
            )
        }),
        ("text echo", |seen| Answer::new(400, echo(seen))),
        ("json echo", |seen| Answer::new(400, json!({"error": echo(seen)}).to_string())),
        ("json echo under another key", |seen| {
            Answer::new(422, json!({"request": {"all": echo(seen)}}).to_string())
        }),
        ("error_message echo", |seen| Answer::new(500, json!({"error_message": echo(seen)}).to_string())),
        ("html title echo", |seen| Answer::html(503, &echo(seen))),
        ("401 echo", |seen| Answer::new(401, echo(seen))),
        ("echo of half of it", |seen| {
            let value = seen.header("authorization");
            Answer::new(403, value[..value.len() * 2 / 3].to_owned())
        }),
        ("command refused with an echo", |seen| {
            Answer::new(202, json!({"status": "error", "error": echo(seen)}).to_string())
        }),
        ("retry-after echo", |seen| Answer::new(429, "").header("retry-after", seen.header("authorization"))),
    ]
}

#[tokio::test]
async fn with_basic_nothing_is_given_away() {
    for (name, behaviour) in behaviours() {
        let server = Server::start(behaviour).await;
        let mut settings = settings(&[&server.address], basic(), Tls::PublicCas);
        settings.timing.request = Duration::from_millis(100);
        let (shown, faults) = everything_shown(settings).await;
        assert!(!faults.is_empty(), "{name}");
        assert_nothing_given_away(&shown, &basic_secrets(), name);
        assert!(
            server.seen().iter().all(|seen| seen.header("authorization").starts_with("Basic ")),
            "it was sent"
        );
    }
}

fn oauth2(key: &str) -> Auth {
    Auth::OAuth2 { client_id: "client-7".into(), key: ClientKey::parse(&key.into()).unwrap(), audience: None }
}

#[tokio::test]
async fn with_oauth2_nothing_is_given_away_by_the_api() {
    let key = test_key();
    for (name, behaviour) in behaviours() {
        let server = Server::start(move |seen| {
            if seen.path == "/oauth/token/" {
                Answer::json(&json!({"access_token": TOKEN}))
            } else {
                behaviour(seen)
            }
        })
        .await;
        let mut settings = settings(&[&server.address], oauth2(&key.pkcs8), Tls::PublicCas);
        settings.timing.request = Duration::from_millis(100);
        let (shown, faults) = everything_shown(settings).await;
        assert!(!faults.is_empty(), "{name}");
        let secrets = [TOKEN.to_owned(), key.pkcs8.replace('\n', "")[27..150].to_owned(), STORED.to_owned()];
        assert_nothing_given_away(&shown, &secrets, name);
        assert!(server.seen().iter().any(|seen| seen.header("authorization").contains(TOKEN)), "it was sent");
    }
}

#[tokio::test]
async fn with_oauth2_nothing_is_given_away_by_the_token_endpoint() {
    let key = test_key();
    let assertion_of = |seen: &Seen| {
        let from = seen.body.find("client_assertion=").unwrap() + "client_assertion=".len();
        seen.body[from..].split('&').next().unwrap().to_owned()
    };
    let mut all = behaviours();
    all.push(("a token of the wrong type", |_| {
        Answer::json(&json!({"access_token": TOKEN, "token_type": "mac"}))
    }));
    all.push(("a token that fits no header", |_| {
        Answer::json(&json!({"access_token": format!("{TOKEN}\n")}))
    }));
    all.push(("the description repeats the assertion", |seen| {
        Answer::new(400, json!({"error": "invalid_client", "error_description": seen.body}).to_string())
    }));
    for (name, behaviour) in all {
        let server = Server::start(behaviour).await;
        let mut settings = settings(&[&server.address], oauth2(&key.pkcs8), Tls::PublicCas);
        settings.timing.request = Duration::from_millis(100);
        let (shown, faults) = everything_shown(settings).await;
        assert!(!faults.is_empty(), "{name}");
        let mut secrets = vec![TOKEN.to_owned()];
        for seen in server.seen() {
            // Header and claims are no secrets in themselves; the signature makes it one.
            secrets.push(assertion_of(&seen).rsplit('.').next().unwrap().to_owned());
        }
        assert_nothing_given_away(&shown, &secrets, name);
    }
}

#[tokio::test]
async fn broken_connections_give_nothing_away() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    for (name, bytes) in [
        ("reset", String::new()),
        ("truncated", format!("{head}{{\"aws_secret_key\": \"{STORED}")),
        ("not HTTP", format!("SSH-2.0-{STORED}\r\n")),
    ] {
        let (address, _) = raw_server(vec![bytes]).await;
        let (shown, faults) = everything_shown(settings(&[&address], basic(), Tls::PublicCas)).await;
        assert_eq!(faults.len(), 6, "{name}: {shown}");
        assert_nothing_given_away(&shown, &basic_secrets(), name);
    }
    let (shown, faults) = everything_shown(settings(&[&nobody()], basic(), Tls::PublicCas)).await;
    assert!(faults.iter().all(|fault| fault.kind == FaultKind::Unreachable));
    assert_nothing_given_away(&shown, &basic_secrets(), "refused");
}

#[tokio::test]
async fn refused_certificates_give_nothing_away() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    let other_key = rcgen::KeyPair::generate().unwrap();
    let other = rcgen::CertificateParams::new(vec!["other".into()]).unwrap().self_signed(&other_key).unwrap();
    let wrong: Pin = "00".repeat(32).parse().unwrap();
    for tls in [
        Tls::PublicCas,
        Tls::PrivateCa { pem: other.pem() },
        Tls::PrivateCa { pem: "not a certificate".into() },
        Tls::Pinned { sha256: vec![wrong] },
    ] {
        let name = format!("{tls:?}");
        let config = server_config(certificate.der(), &key, &rustls::version::TLS13);
        let server = Server::start_tls(config, |_| Answer::new(200, "{}"));
        let (shown, faults) = everything_shown(settings(&[&server.address], basic(), tls)).await;
        assert!(!faults.is_empty(), "{name}");
        assert!(server.seen().is_empty(), "{name}");
        assert_nothing_given_away(&shown, &basic_secrets(), &name);
    }
}
