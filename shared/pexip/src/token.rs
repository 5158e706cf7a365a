//! Access tokens by OAuth2 client credentials. The client proves itself with a signed assertion that is good for a
//! few minutes and for one use; the token it gets is kept until five minutes before its end. Whoever needs one
//! while it is being fetched waits for that one.

use std::time::Duration;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use spillway_engine::ports::Clock;
use tokio::sync::Mutex;

use crate::address::Address;
use crate::error::{Credentials, Problem};
use crate::key::{Claims, ClientKey};
use crate::path::ApiPath;
use crate::redact::Redactor;
use crate::refusal::refusal;
use crate::tolerant::{text, whole};
use crate::wire::{Verb, Wire};

/// How long an assertion is good for. The server takes up to an hour; this leaves room for clocks that disagree.
const ASSERTION_LIFETIME: i64 = 10 * 60;

/// A token is renewed this long before its end, as the vendor's own client does.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// What `expires_in` means when it is missing: the server's own default.
const DEFAULT_LIFETIME: u64 = 3600;

/// A token is not kept longer than this, whatever it says about itself.
const LONGEST_LIFETIME: u64 = 24 * 3600;

/// Gets tokens and keeps them, one for each address.
pub(crate) struct TokenSource {
    client_id: String,
    key: ClientKey,
    audience: Option<String>,
    kept: Vec<Mutex<Option<Token>>>,
}

struct Token {
    header: HeaderValue,
    renew_at: Duration,
    ends_at: Duration,
}

/// What a token is fetched with.
pub(crate) struct Means<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) redactor: &'a Redactor,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenReply {
    #[serde(deserialize_with = "text")]
    access_token: Option<String>,
    #[serde(deserialize_with = "text")]
    token_type: Option<String>,
    #[serde(deserialize_with = "whole")]
    expires_in: Option<u64>,
}

impl TokenSource {
    pub(crate) fn new(client_id: String, key: ClientKey, audience: Option<String>, addresses: usize) -> Self {
        let kept = (0..addresses).map(|_| Mutex::default()).collect();
        Self { client_id, key, audience, kept }
    }

    /// The `Authorization` header for an address, with a fresh token where the kept one is near its end.
    pub(crate) async fn header(
        &self,
        index: usize,
        address: &Address,
        means: &Means<'_>,
    ) -> Result<HeaderValue, Problem> {
        let Some(slot) = self.kept.get(index) else {
            return Err(Problem::Malformed("there is no such address".to_owned()));
        };
        let mut kept = slot.lock().await;
        let now = means.clock.monotonic();
        if let Some(token) = kept.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.header.clone());
        }
        match self.fetch(address, means).await {
            Ok(token) => {
                let header = token.header.clone();
                *kept = Some(token);
                Ok(header)
            }
            // Renewing is early: while the endpoint is down the old token still does.
            Err(problem) => match kept.as_ref().filter(|token| now < token.ends_at) {
                Some(token) => Ok(token.header.clone()),
                None => Err(problem),
            },
        }
    }

    /// Forgets a token that was refused, unless it was already replaced.
    pub(crate) async fn discard(&self, index: usize, refused: &HeaderValue) {
        if let Some(slot) = self.kept.get(index) {
            let mut kept = slot.lock().await;
            if kept.as_ref().is_some_and(|token| token.header == refused) {
                *kept = None;
            }
        }
    }

    async fn fetch(&self, address: &Address, means: &Means<'_>) -> Result<Token, Problem> {
        let path = ApiPath::token();
        let url = address.url(&path, "");
        let assertion = self.assertion(url.as_str(), means.clock)?;
        means.redactor.remember(assertion.clone());
        let request = means.wire.request(Verb::Post, url).form(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.expose_secret()),
            ("scope", "is_admin use_api"),
        ]);
        let asked_at = means.clock.monotonic();
        let reply = means.wire.exchange(request, None).await?;
        if !reply.status.is_success() {
            let credentials = Credentials::Assertion;
            return Err(match refusal(&reply, credentials, means.redactor, means.clock) {
                // RFC 6749: a refused client is a 400 as well as a 401.
                Problem::Rejected { status: 400, said } => {
                    Problem::Unauthorized { credentials, status: 400, said }
                }
                other => other,
            });
        }
        let TokenReply { access_token, token_type, expires_in } = serde_json::from_slice(&reply.body)
            .map_err(|_| Problem::Malformed("it is not a token in JSON".to_owned()))?;
        let token: SecretString = access_token
            .filter(|token| !token.is_empty())
            .ok_or_else(|| Problem::Malformed("it holds no access_token".to_owned()))?
            .into();
        means.redactor.remember(token.clone());
        if token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(Problem::Malformed("its token is not a bearer token".to_owned()));
        }
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
            .map_err(|_| Problem::Malformed("its access_token does not fit into a header".to_owned()))?;
        header.set_sensitive(true);
        let lifetime = Duration::from_secs(expires_in.unwrap_or(DEFAULT_LIFETIME).min(LONGEST_LIFETIME));
        Ok(Token {
            header,
            renew_at: asked_at + (lifetime.saturating_sub(RENEW_BEFORE.min(lifetime / 2))),
            ends_at: asked_at + lifetime,
        })
    }

    fn assertion(&self, token_url: &str, clock: &dyn Clock) -> Result<SecretString, Problem> {
        let issued_at = clock.now().as_second();
        let claims = Claims {
            client_id: &self.client_id,
            audience: self.audience.as_deref().unwrap_or(token_url),
            issued_at,
            expires_at: issued_at + ASSERTION_LIFETIME,
            id: uuid::Uuid::new_v4().simple().to_string(),
        };
        self.key
            .sign(&claims)
            .map_err(|_| Problem::Malformed("no assertion can be signed with the key".to_owned()))
    }
}
