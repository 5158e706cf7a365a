//! What an answer that is not a success means.

use reqwest::StatusCode;
use spillway_engine::ports::Clock;

use crate::answer::said;
use crate::error::{Credentials, Problem};
use crate::redact::Redactor;
use crate::retry::{parse_http_date, parse_retry_after};
use crate::wire::Reply;

/// Reads a refusal; what it says goes through the redactor, raw and as read.
pub(crate) fn refusal(
    reply: &Reply,
    credentials: Credentials,
    redactor: &Redactor,
    clock: &dyn Clock,
) -> Problem {
    let status = reply.status.as_u16();
    let said = if redactor.repeats_a_secret(&String::from_utf8_lossy(&reply.body)) {
        crate::redact::WITHHELD.to_owned()
    } else {
        redactor.shown(&said(&reply.body))
    };
    match reply.status {
        StatusCode::UNAUTHORIZED => Problem::Unauthorized { credentials, status, said },
        StatusCode::FORBIDDEN => Problem::Forbidden(said),
        StatusCode::NOT_FOUND => Problem::NotFound(said),
        StatusCode::TOO_MANY_REQUESTS => Problem::Throttled { retry_after: retry_after(reply, clock), said },
        other if other.is_redirection() => {
            let to = reply.header("location").unwrap_or("nowhere");
            // Where to, without the query: a redirect to a login page may carry what it was sent.
            Problem::Redirected { status, to: redactor.shown(to.split(['?', '#']).next().unwrap_or(to)) }
        }
        other if other.is_server_error() => Problem::Server { status, said },
        _ => Problem::Rejected { status, said },
    }
}

/// How long the server asks to wait, by its own clock.
pub(crate) fn retry_after(reply: &Reply, clock: &dyn Clock) -> Option<std::time::Duration> {
    let server_time = reply.header("date").and_then(parse_http_date).unwrap_or_else(|| clock.now());
    parse_retry_after(reply.header("retry-after")?, server_time)
}
