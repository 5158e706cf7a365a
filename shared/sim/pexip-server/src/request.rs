//! A request off the wire, and its answer.

use jiff::Timestamp;

use super::reply::{Format, Reply};

/// A request off the wire.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) authorization: Option<&'a str>,
    pub(super) accept: Option<&'a str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

/// An answer, and how its way to the client is spoilt.
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) format: Format,
    pub(super) now: Timestamp,
    pub(super) delay_ms: u64,
    pub(super) truncated: bool,
    pub(super) reset: bool,
}
