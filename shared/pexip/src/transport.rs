//! Requests with credentials, few in flight, repeated where that is safe.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use spillway_engine::ports::Clock;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::address::Address;
use crate::error::{Credentials, ManagementError, Problem};
use crate::path::{ApiPath, ObjectPath};
use crate::redact::Redactor;
use crate::refusal::{refusal, retry_after};
use crate::retry::RetryPolicy;
use crate::settings::{Auth, ManagementSettings, SettingError, Timing};
use crate::token::{Means, TokenSource};
use crate::wire::{Reply, Verb, Wire};

/// Where an operation goes, and until when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Index of the address.
    pub(crate) address: usize,
    /// When the whole operation must be over.
    pub(crate) deadline: Instant,
    /// Whether there is another address to turn to when this one does not answer, so that it is not asked twice.
    pub(crate) others: bool,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    pub(crate) path: &'a ApiPath,
    pub(crate) query: &'a str,
    pub(crate) body: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(crate) fn get(path: &'a ApiPath, query: &'a str) -> Self {
        Self { verb: Verb::Get, path, query, body: None }
    }

    /// Deletes one object. No query: a filter narrows a list, and this is none.
    pub(crate) fn remove(object: &'a ObjectPath) -> Self {
        Self { verb: Verb::DeleteOne, path: object.as_path(), query: "", body: None }
    }
}

/// A failed attempt.
struct Failure {
    request: String,
    problem: Problem,
    retry_after: Option<Duration>,
}

enum Signature {
    Basic(HeaderValue),
    OAuth2(Box<TokenSource>),
}

/// The way to the Management Node.
pub(crate) struct Transport {
    wire: Wire,
    addresses: Vec<Address>,
    signature: Signature,
    redactor: Redactor,
    permits: Semaphore,
    retry: RetryPolicy,
    timing: Timing,
    clock: Arc<dyn Clock>,
}

impl Transport {
    pub(crate) fn new(settings: ManagementSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingError> {
        let wire = Wire::new(&settings)?;
        let ManagementSettings { addresses, auth, tls: _, timing, retry, max_answer: _, in_flight } =
            settings;
        let (signature, secrets) = match auth {
            Auth::Basic { username, password } => {
                let pair: SecretString =
                    STANDARD.encode(format!("{username}:{}", password.expose_secret())).into();
                let mut header =
                    HeaderValue::try_from(format!("Basic {}", pair.expose_secret())).map_err(|_| {
                        SettingError::new(crate::settings::CREDENTIALS, "", "does not fit into a header", "")
                    })?;
                header.set_sensitive(true);
                (Signature::Basic(header), vec![password, pair])
            }
            Auth::OAuth2 { client_id, key, audience } => {
                let tokens = TokenSource::new(client_id, key, audience, addresses.len());
                (Signature::OAuth2(Box::new(tokens)), Vec::new())
            }
        };
        Ok(Self {
            wire,
            addresses,
            signature,
            redactor: Redactor::new(secrets),
            permits: Semaphore::new(in_flight.max(1)),
            retry,
            timing,
            clock,
        })
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// How a request is named in errors.
    pub(crate) fn line(&self, target: Target, verb: Verb, path: &ApiPath) -> String {
        let address = self.addresses.get(target.address).map(ToString::to_string).unwrap_or_default();
        format!("{verb} {address}{path}")
    }

    /// A text from outside as it may be shown.
    pub(crate) fn shown(&self, text: &str) -> String {
        self.redactor.shown(text)
    }

    /// When an operation that begins now must be over.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.timing.operation
    }

    /// Sends a request until an answer can be used, the attempts are used up, or time is. `read` looks at a success;
    /// what it objects to (truncated JSON, HTML in place of it) passes as often as a 503 does, and is asked again.
    pub(crate) async fn send<T>(
        &self,
        target: Target,
        call: Call<'_>,
        read: impl Fn(&Reply) -> Result<T, String>,
    ) -> Result<T, ManagementError> {
        let Some(address) = self.addresses.get(target.address) else {
            return Err(ManagementError::new(
                call.path,
                Problem::Malformed("there is no such address".to_owned()),
            ));
        };
        let request = format!("{} {address}{}", call.verb, call.path);
        let (mut failures, mut renewed) = (0, false);
        loop {
            let attempt = self.attempt(target.address, address, call, &request, &mut renewed);
            let failure = match timeout_at(target.deadline, attempt).await {
                Err(_) => return Err(ManagementError::new(request, Problem::Timeout(self.timing.operation))),
                Ok(Ok(reply)) => match read(&reply) {
                    Ok(value) => return Ok(value),
                    Err(what) => Failure {
                        request: request.clone(),
                        problem: Problem::Malformed(self.redactor.shown(&what)),
                        retry_after: None,
                    },
                },
                Ok(Err(failure)) => failure,
            };
            failures += 1;
            let wait = (call.verb.is_idempotent() && may_pass(&failure.problem, target.others))
                .then(|| self.retry.wait(failures, failure.retry_after, rand::random()))
                .flatten()
                .filter(|wait| Instant::now().checked_add(*wait).is_some_and(|then| then < target.deadline));
            let Some(wait) = wait else {
                return Err(ManagementError::new(failure.request, failure.problem));
            };
            tracing::warn!(
                request = failure.request,
                problem = %failure.problem,
                wait_ms = wait.as_millis() as u64,
                "a request to the Management Node failed and is repeated"
            );
            sleep(wait).await;
        }
    }

    /// One attempt. It holds a permit from the token to the last byte, so that the request for a token counts too.
    async fn attempt(
        &self,
        index: usize,
        address: &Address,
        call: Call<'_>,
        request: &str,
        renewed: &mut bool,
    ) -> Result<Reply, Failure> {
        let _permit = self.permits.acquire().await;
        loop {
            let authorization = self.authorization(index, address).await?;
            let mut builder = self.wire.request(call.verb, address.url(call.path, call.query));
            if let Some(body) = call.body {
                builder = builder.header(CONTENT_TYPE, "application/json").body(body.to_owned());
            }
            let failed = |problem, retry_after| Failure { request: request.to_owned(), problem, retry_after };
            let reply = self
                .wire
                .exchange(builder, Some(&authorization))
                .await
                .map_err(|problem| failed(problem, None))?;
            if reply.status.is_success() {
                return Ok(reply);
            }
            let credentials = match &self.signature {
                Signature::Basic(_) => Credentials::Basic,
                Signature::OAuth2(tokens) => {
                    if reply.status == StatusCode::UNAUTHORIZED {
                        tokens.discard(index, &authorization).await;
                        if !std::mem::replace(renewed, true) {
                            continue;
                        }
                    }
                    Credentials::Token
                }
            };
            let problem = refusal(&reply, credentials, &self.redactor, self.clock.as_ref());
            return Err(failed(problem, retry_after(&reply, self.clock.as_ref())));
        }
    }

    async fn authorization(&self, index: usize, address: &Address) -> Result<HeaderValue, Failure> {
        match &self.signature {
            Signature::Basic(header) => Ok(header.clone()),
            Signature::OAuth2(tokens) => {
                let means = Means { wire: &self.wire, clock: self.clock.as_ref(), redactor: &self.redactor };
                tokens.header(index, address, &means).await.map_err(|problem| Failure {
                    request: format!("{} {address}{}", Verb::Post, ApiPath::token()),
                    retry_after: match &problem {
                        Problem::Throttled { retry_after, .. } => *retry_after,
                        _ => None,
                    },
                    problem,
                })
            }
        }
    }
}

/// Whether the same request may well succeed a little later. The statuses are those the vendor's own client retries.
fn may_pass(problem: &Problem, others: bool) -> bool {
    match problem {
        Problem::Unreachable(_) | Problem::Timeout(_) => !others,
        Problem::Throttled { .. } | Problem::Malformed(_) => true,
        Problem::Server { status, .. } => matches!(status, 500 | 502 | 503 | 504),
        _ => false,
    }
}
