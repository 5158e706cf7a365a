//! What clients asked for, so that a test can prove what a client does and does not send. Method, path, the names of
//! query keys and the status: never a body, a value or a credential.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// Method, after an override by header.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// Names of the query's keys, in order.
    pub query_keys: Vec<String>,
    /// Status of the answer; 0 while it is under way, or when the connection was reset.
    pub status: u16,
}

impl LoggedRequest {
    /// Whether this would delete a collection: DELETE on a list.
    pub fn is_list_delete(&self) -> bool {
        let depth = self.path.trim_matches('/').split('/').count();
        self.method == "DELETE" && self.path.contains("/v1/") && depth == 5
    }
}

#[derive(Debug, Default)]
struct Book {
    requests: VecDeque<LoggedRequest>,
    dropped: u64,
    in_flight: usize,
    most_in_flight: usize,
}

/// The requests of a server; clones share them. The oldest fall out after 100,000.
#[derive(Debug, Clone, Default)]
pub struct RequestLog(Arc<Mutex<Book>>);

const MOST: usize = 100_000;

impl RequestLog {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All requests still kept, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.book().requests.iter().cloned().collect()
    }

    /// How many requests there were since the last `clear`.
    pub fn count(&self) -> u64 {
        let book = self.book();
        book.dropped + book.requests.len() as u64
    }

    /// The most requests that were under way at once since the last `clear`.
    pub fn most_in_flight(&self) -> usize {
        self.book().most_in_flight
    }

    /// Forgets everything so far.
    pub fn clear(&self) {
        let mut book = self.book();
        book.requests.clear();
        book.dropped = 0;
        book.most_in_flight = book.in_flight;
    }

    /// Notes the start of a request; the returned guard notes its end.
    pub(super) fn begin(&self, method: &str, path: &str, query: &[(String, String)]) -> InFlight {
        let mut book = self.book();
        book.in_flight += 1;
        book.most_in_flight = book.most_in_flight.max(book.in_flight);
        let query_keys = query.iter().map(|(key, _)| key.clone()).collect();
        let request =
            LoggedRequest { method: method.to_owned(), path: path.to_owned(), query_keys, status: 0 };
        book.requests.push_back(request);
        if book.requests.len() > MOST {
            book.requests.pop_front();
            book.dropped += 1;
        }
        InFlight { log: self.clone(), number: book.dropped + book.requests.len() as u64 }
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct InFlight {
    log: RequestLog,
    number: u64,
}

impl InFlight {
    /// Notes the status of the answer.
    pub(super) fn answered(&self, status: u16) {
        let mut book = self.log.book();
        let at = self.number.checked_sub(book.dropped + 1).and_then(|at| usize::try_from(at).ok());
        if let Some(request) = at.and_then(|at| book.requests.get_mut(at)) {
            request.status = status;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut book = self.log.book();
        book.in_flight = book.in_flight.saturating_sub(1);
    }
}
