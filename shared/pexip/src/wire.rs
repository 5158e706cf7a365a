//! One request and its whole answer, bounded in time and size, without credentials, repeats or meaning. There are
//! four verbs and no others. The Management Node deletes a whole collection on a DELETE of its list, and ignores
//! filters that it does not know: so the verb for it takes one object's path, and there is no such path for a list.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url, redirect};

use crate::error::Problem;
use crate::settings::{ManagementSettings, SettingError};
use crate::tls::client_config;

/// What a request may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    /// Sets fields of one object to values.
    Patch,
    /// A command, or the request for a token.
    Post,
    /// Deletes one object. Only [`Call::remove`](crate::transport::Call::remove) makes one.
    DeleteOne,
}

impl Verb {
    /// Whether sending it twice leaves what sending it once leaves.
    pub(crate) fn is_idempotent(self) -> bool {
        match self {
            Self::Get | Self::Patch | Self::DeleteOne => true,
            Self::Post => false,
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Patch => Method::PATCH,
            Self::Post => Method::POST,
            Self::DeleteOne => Method::DELETE,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method().as_str())
    }
}

/// A whole answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The connection pool.
pub(crate) struct Wire {
    http: Client,
    request_timeout: Duration,
    max_answer: usize,
}

impl Wire {
    pub(crate) fn new(settings: &ManagementSettings) -> Result<Self, SettingError> {
        let mut builder = Client::builder()
            .user_agent(concat!("spillway/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(settings.timing.connect)
            .timeout(settings.timing.request)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(30));
        if let Some(config) = client_config(&settings.tls)? {
            builder = builder.tls_backend_preconfigured(config);
        }
        let http = builder.build().map_err(|error| {
            SettingError::new(
                crate::settings::MANAGEMENT,
                "",
                format!("no client can be made ({})", innermost(&error)),
                "check that the system has a bundle of public certificate authorities, or give `ca` or `pin_sha256`",
            )
        })?;
        Ok(Self { http, request_timeout: settings.timing.request, max_answer: settings.max_answer })
    }

    /// A request that asks for JSON.
    pub(crate) fn request(&self, verb: Verb, url: Url) -> RequestBuilder {
        self.http.request(verb.method(), url).header(ACCEPT, "application/json")
    }

    /// Sends it and reads the answer to its end.
    pub(crate) async fn exchange(
        &self,
        request: RequestBuilder,
        authorization: Option<&HeaderValue>,
    ) -> Result<Reply, Problem> {
        let request = match authorization {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        };
        let mut response = request.send().await.map_err(|error| self.broken(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let too_large = || Problem::Malformed(format!("it is larger than {} bytes", self.max_answer));
        let announced = response.content_length().unwrap_or(0);
        if announced > self.max_answer as u64 {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced.min(1 << 20) as usize);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken_off(&error))? {
            if body.len() + chunk.len() > self.max_answer {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }

    /// No answer at all.
    fn broken(&self, error: &reqwest::Error) -> Problem {
        if let Some(tls) = find::<rustls::Error>(error) {
            return match tls {
                rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
                    Problem::Certificate(other.0.to_string())
                }
                rustls::Error::InvalidCertificate(_)
                | rustls::Error::NoCertificatesPresented
                | rustls::Error::InvalidCertRevocationList(_) => Problem::Certificate(tls.to_string()),
                other => Problem::Unreachable(format!("TLS: {other}")),
            };
        }
        if error.is_timeout() {
            return Problem::Timeout(self.request_timeout);
        }
        Problem::Unreachable(innermost(error))
    }

    /// An answer that began and did not end.
    fn broken_off(&self, error: &reqwest::Error) -> Problem {
        if error.is_timeout() {
            return Problem::Timeout(self.request_timeout);
        }
        match find::<std::io::Error>(error).map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe) => {
                Problem::Unreachable("the connection was reset in the middle of the answer".to_owned())
            }
            _ => Problem::Malformed("it is cut off".to_owned()),
        }
    }
}

/// The deepest cause, which is the one that says something ("Connection refused").
fn innermost(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

/// A cause of a given type. An `io::Error` hides what it wraps from `source`, so it is opened.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(found) = find(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
