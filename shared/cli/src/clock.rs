//! This machine's clock beside AWS's. What a command stores (from when, until when) is read by functions that run by AWS's clock,
//! and the cycle that it runs here takes this machine's time for everything that has an age: with a clock that is ten minutes
//! ahead each booting node is a failed start, and each hold ends ten minutes early. So a command that acts is refused where
//! the clocks differ by more than a minute. The Management Node's clock is no reason to refuse: ages of what it reports
//! are measured by its own.

use std::sync::{Arc, Mutex};

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use jiff::{SignedDuration, Timestamp};
use spillway_view::time::span;

use crate::exit::Failure;

/// Clocks that NTP keeps differ by less than a second; a cycle is a minute apart from the next.
const ALLOWED: SignedDuration = SignedDuration::from_secs(60);

/// Keeps the time of an answer by the server's clock: its `Date` header.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnswerDate(Arc<Mutex<Option<Timestamp>>>);

impl AnswerDate {
    pub(crate) fn get(&self) -> Option<Timestamp> {
        self.0.lock().ok().and_then(|date| *date)
    }
}

impl Intercept for AnswerDate {
    fn name(&self) -> &'static str {
        "AnswerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let header = context.response().headers().get("date");
        let date = header.and_then(|text| httpdate::parse_http_date(text).ok());
        if let (Some(at), Ok(mut kept)) = (date.and_then(|at| Timestamp::try_from(at).ok()), self.0.lock()) {
            *kept = Some(at);
        }
        Ok(())
    }
}

/// How far this machine's clock is ahead of a server's (negative: behind), by an answer that was sent for and received at these
/// times. Within the time that the answer took, and the second that its date is cut to, nothing is known: zero.
pub(crate) fn ahead(date: Timestamp, sent: Timestamp, received: Timestamp) -> SignedDuration {
    let earliest = sent.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(sent);
    if date < earliest {
        sent.duration_since(date)
    } else if date > received {
        received.duration_since(date)
    } else {
        SignedDuration::ZERO
    }
}

/// Whether the difference is small enough to act.
///
/// # Errors
/// It is not.
pub(crate) fn may_act(ahead: Option<SignedDuration>) -> Result<(), Failure> {
    match ahead.filter(is_wrong) {
        None => Ok(()),
        Some(ahead) => Err(Failure::refused(format!("{}: nothing was changed", said(ahead, "AWS's")))
            .remedy("set this machine's clock (NTP), or run the command on another machine")),
    }
}

pub(crate) fn is_wrong(ahead: &SignedDuration) -> bool {
    ahead.abs() > ALLOWED
}

/// `this machine's clock is 3 min ahead of AWS's`.
pub(crate) fn said(ahead: SignedDuration, whose: &str) -> String {
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("this machine's clock is {} {way} {whose}", span(ahead.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_438_400 + second).unwrap()
    }

    #[test]
    fn the_difference_is_what_the_time_of_the_answer_does_not_explain() {
        for (date, seconds) in [(10, 0), (9, 0), (12, 0), (5, 5), (-170, 180), (13, -1), (200, -188)] {
            let found = ahead(at(date), at(10), at(12));
            assert_eq!(found, SignedDuration::from_secs(seconds), "{date}");
        }
    }

    #[test]
    fn a_command_that_acts_is_refused_where_the_clock_is_more_than_a_minute_off() {
        for (seconds, allowed) in [(0, true), (60, true), (-60, true), (61, false), (-61, false)] {
            assert_eq!(may_act(Some(SignedDuration::from_secs(seconds))).is_ok(), allowed, "{seconds}");
        }
        assert_eq!(may_act(None), Ok(()), "AWS said nothing of the time");
        let refused = may_act(Some(SignedDuration::from_secs(-180))).unwrap_err();
        assert_eq!(refused.exit, Exit::Refused);
        assert_eq!(refused.message, "this machine's clock is 3 min behind AWS's: nothing was changed");
    }
}
