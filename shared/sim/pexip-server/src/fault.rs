//! Faults on demand: what real Management Nodes do on bad days, switched on by time, by request count or by path, from
//! a scenario or while a test runs. A fault changes answers; the two that concern the world (EC2 out of reach, no
//! media load) change what the answers say.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// 401 although the credentials are right.
    Unauthorized,
    /// 429, with `Retry-After` if given.
    TooManyRequests {
        /// Seconds in `Retry-After`.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 503 with an HTML page.
    Unavailable,
    /// Any other status with an HTML page, such as 502 or 504; a 500 comes from the framework and has its body.
    Status {
        /// The code.
        code: u16,
    },
    /// The right answer, late.
    Slow {
        /// How late, in real milliseconds.
        delay_ms: u64,
    },
    /// The right answer, cut off in the middle of its body.
    Truncated,
    /// The connection is reset instead of an answer.
    Reset,
    /// The Management Node cannot reach EC2: cloud states read `unknown`.
    Ec2Unreachable,
    /// Every `media_load` of the status reads null.
    NullMediaLoad,
    /// The token endpoint finds the assertion's audience wrong.
    WrongAudience,
    /// The token endpoint finds the assertion expired.
    ExpiredAssertion,
    /// Access tokens count as expired.
    ExpiredToken,
}

/// A fault and when it strikes. Empty conditions strike always.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// Only under this path, such as `/api/admin/status/v1/`.
    pub path: Option<String>,
    /// Only for this method.
    pub method: Option<String>,
    /// Not before this many matching requests went well.
    pub after_requests: u64,
    /// At most this many times.
    pub times: Option<u64>,
    /// Not before this many seconds (of the model's clock) after the start of the server.
    pub from_s: Option<f64>,
    /// Not after this many seconds.
    pub until_s: Option<f64>,
}

/// The conditions of a fault as they are written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Conditions {
    path: Option<String>,
    method: Option<String>,
    after_requests: u64,
    times: Option<u64>,
    from_s: Option<f64>,
    until_s: Option<f64>,
}

const CONDITIONS: &[&str] = &["path", "method", "after_requests", "times", "from_s", "until_s"];

/// By hand, because a flattened kind would let a misspelt condition pass, and the fault would then strike always.
impl TryFrom<Map<String, Value>> for Fault {
    type Error = String;

    fn try_from(keys: Map<String, Value>) -> Result<Self, String> {
        let (conditions, rest): (Map<_, _>, Map<_, _>) =
            keys.into_iter().partition(|(key, _)| CONDITIONS.contains(&key.as_str()));
        let said = |error: serde_json::Error| format!("in a fault: {error}");
        let kind: FaultKind = serde_json::from_value(Value::Object(rest.clone())).map_err(said)?;
        let own = serde_json::to_value(&kind).map_err(said)?;
        if let Some(unknown) = rest.keys().find(|key| own.get(key.as_str()).is_none()) {
            let more: Vec<&str> =
                own.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
            let known = [CONDITIONS, &more].concat().join(", ");
            return Err(format!("unknown field `{unknown}` in a fault, expected one of {known}"));
        }
        if let FaultKind::Status { code } = kind
            && !(200..=599).contains(&code)
        {
            return Err(format!("the code of a fault is {code}; give an HTTP status from 200 to 599"));
        }
        let Conditions { path, method, after_requests, times, from_s, until_s } =
            serde_json::from_value(Value::Object(conditions)).map_err(said)?;
        Ok(Self { kind, path, method, after_requests, times, from_s, until_s })
    }
}

impl Fault {
    /// A fault that strikes every request.
    pub fn always(kind: FaultKind) -> Self {
        Self { kind, path: None, method: None, after_requests: 0, times: None, from_s: None, until_s: None }
    }

    /// Only under a path.
    #[must_use]
    pub fn under(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Not before so many matching requests went well.
    #[must_use]
    pub fn after(mut self, requests: u64) -> Self {
        self.after_requests = requests;
        self
    }

    fn now(&self, seconds: f64) -> bool {
        self.from_s.is_none_or(|from| seconds >= from) && self.until_s.is_none_or(|until| seconds <= until)
    }
}

#[derive(Debug)]
struct Armed {
    id: u64,
    fault: Fault,
    seen: u64,
    struck: u64,
}

#[derive(Debug, Default)]
struct Board {
    armed: Vec<Armed>,
    last: u64,
}

/// The faults of a server; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Board>>);

impl Faults {
    /// Faults from the start.
    pub fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        let made = Self::default();
        for fault in faults {
            made.add(fault);
        }
        made
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Arms a fault; gives the number to disarm it by.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut board = self.board();
        board.last += 1;
        let id = board.last;
        board.armed.push(Armed { id, fault, seen: 0, struck: 0 });
        id
    }

    /// Disarms a fault.
    pub fn remove(&self, id: u64) {
        self.board().armed.retain(|armed| armed.id != id);
    }

    /// Disarms all.
    pub fn clear(&self) {
        self.board().armed.clear();
    }

    /// The faults that strike this request, which is counted.
    pub(super) fn strike(&self, method: &str, path: &str, seconds: f64) -> Vec<FaultKind> {
        let mut board = self.board();
        let mut kinds = Vec::new();
        for armed in &mut board.armed {
            let fault = &armed.fault;
            let here = fault.path.as_deref().is_none_or(|prefix| path.starts_with(prefix))
                && fault.method.as_deref().is_none_or(|only| only.eq_ignore_ascii_case(method));
            if !here || !fault.now(seconds) {
                continue;
            }
            armed.seen += 1;
            let due =
                armed.seen > fault.after_requests && fault.times.is_none_or(|times| armed.struck < times);
            if due {
                armed.struck += 1;
                kinds.push(fault.kind.clone());
            }
        }
        kinds
    }

    /// Whether EC2 is out of reach of the Management Node at this time.
    pub(super) fn ec2_unreachable(&self, seconds: f64) -> bool {
        let unreachable =
            |armed: &Armed| armed.fault.kind == FaultKind::Ec2Unreachable && armed.fault.now(seconds);
        self.board().armed.iter().any(unreachable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_of_a_fault_is_refused_by_name() {
        for (text, word) in [
            (r#"{"kind": "slow", "delay_ms": 5, "untill_s": 5}"#, "`untill_s`"),
            (r#"{"kind": "unavailable", "retry_after": 5}"#, "`retry_after`"),
            (r#"{"kind": "status", "code": 42}"#, "42"),
            (r#"{"kind": "status"}"#, "code"),
            (r#"{"kind": "sloow"}"#, "sloow"),
            (r#"{"kind": "reset", "times": -1}"#, "-1"),
        ] {
            let error = serde_json::from_str::<Fault>(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        let fault = Fault::always(FaultKind::Slow { delay_ms: 5 }).under("/a/").times(2);
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
    }

    #[test]
    fn a_fault_strikes_by_count_path_and_time() {
        let faults = Faults::new([Fault::always(FaultKind::Unavailable).under("/a/").after(1).times(2)]);
        let struck: Vec<usize> = (0..5).map(|_| faults.strike("GET", "/a/b/", 0.0).len()).collect();
        assert_eq!(struck, [0, 1, 1, 0, 0]);
        assert!(faults.strike("GET", "/b/", 0.0).is_empty());
        let timed: Fault =
            serde_json::from_str(r#"{"kind":"too_many_requests","retry_after":5,"from_s":10,"until_s":20}"#)
                .unwrap();
        faults.clear();
        let id = faults.add(timed);
        assert!(faults.strike("GET", "/", 9.0).is_empty());
        assert_eq!(faults.strike("GET", "/", 15.0), [FaultKind::TooManyRequests { retry_after: Some(5) }]);
        assert!(faults.strike("GET", "/", 21.0).is_empty());
        faults.remove(id);
        assert!(faults.strike("GET", "/", 15.0).is_empty());
    }
}
