//! Times as an operator types them: an instant, a time of day in his own zone (the next one), or a length of time.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::exit::Failure;

/// An instant: `17:30` (the next one), `2026-03-02 08:50`, `2026-03-02T08:50:00Z`.
pub(crate) fn instant(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = || {
        Failure::usage(format!("{text:?} is not a time"))
            .remedy("write 17:30, 2026-03-02T08:50 (both in your own zone), or 2026-03-02T08:50:00Z")
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    // Before the time of day, which would take the time of a whole instant.
    if let Ok(local) = text.parse::<DateTime>() {
        return zone.to_timestamp(local).map_err(|_| wrong());
    }
    if let Ok(time) = text.parse::<Time>() {
        let today = now.to_zoned(zone.clone()).datetime().date().to_datetime(time);
        let at = zone.to_timestamp(today).map_err(|_| wrong())?;
        if at > now {
            return Ok(at);
        }
        let tomorrow = today.checked_add(1.day()).map_err(|_| wrong())?;
        return zone.to_timestamp(tomorrow).map_err(|_| wrong());
    }
    Err(wrong())
}

/// A length of time: `2h`, `90 min`, `PT30M`; above zero and at most `longest`.
pub(crate) fn length(text: &str, longest: SignedDuration) -> Result<SignedDuration, Failure> {
    let parsed: SignedDuration = text.parse().map_err(|_| {
        Failure::usage(format!("{text:?} is not a length of time")).remedy("write 2h, 90m or 1h30m")
    })?;
    if parsed <= SignedDuration::ZERO || parsed > longest {
        return Err(Failure::usage(format!("{text:?} is too short or too long"))
            .remedy(format!("it must be more than zero and at most {longest:#}")));
    }
    Ok(parsed)
}

/// The end of something that begins at an instant: one of a length and an instant, else the usual length.
pub(crate) fn end(
    lasts: Option<&str>,
    until: Option<&str>,
    usual: Option<SignedDuration>,
    begins: Timestamp,
    zone: &TimeZone,
) -> Result<Timestamp, Failure> {
    /// Nothing that an operator asks for by hand lasts longer than this: a forgotten hold is money, a forgotten pause is
    /// refused calls.
    const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
    let too_far = || {
        Failure::usage("the end is too far away")
            .remedy(format!("it may be at most {LONGEST:#} after the beginning"))
    };
    let at = match (lasts, until, usual) {
        (Some(text), _, _) => begins.checked_add(length(text, LONGEST)?).map_err(|_| too_far())?,
        (None, Some(text), _) => instant(text, zone, begins)?,
        (None, None, Some(usual)) => begins.checked_add(usual).map_err(|_| too_far())?,
        (None, None, None) => {
            return Err(Failure::usage("an end is missing").remedy("add --for 2h or --until 17:30"));
        }
    };
    if at <= begins {
        return Err(Failure::usage(format!("the end, {at}, is not after the beginning, {begins}")));
    }
    if at.duration_since(begins) > LONGEST {
        return Err(too_far());
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oslo() -> TimeZone {
        TimeZone::get("Europe/Oslo").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_of_day_is_the_next_one_in_the_operators_zone() {
        let now = at("2026-03-02T08:00:00Z");
        for (text, expected) in [
            ("17:30", "2026-03-02T16:30:00Z"),
            ("08:30", "2026-03-03T07:30:00Z"),
            ("2026-03-04T08:50", "2026-03-04T07:50:00Z"),
            ("2026-03-04 08:50", "2026-03-04T07:50:00Z"),
            ("2026-03-04T08:50:00Z", "2026-03-04T08:50:00Z"),
            ("2026-03-04T08:50:00-05:00", "2026-03-04T13:50:00Z"),
        ] {
            assert_eq!(instant(text, &oslo(), now).unwrap(), at(expected), "{text}");
        }
        assert_eq!(instant("noon", &oslo(), now).unwrap_err().exit, crate::exit::Exit::Usage);
    }

    #[test]
    fn an_end_is_a_length_or_an_instant_after_the_beginning_and_not_too_far() {
        let now = at("2026-03-02T08:00:00Z");
        let end = |lasts, until| end(lasts, until, None, now, &oslo());
        assert_eq!(end(Some("2h"), None).unwrap(), at("2026-03-02T10:00:00Z"));
        assert_eq!(end(Some("90 min"), None).unwrap(), at("2026-03-02T09:30:00Z"));
        assert_eq!(end(None, Some("12:00")).unwrap(), at("2026-03-02T11:00:00Z"));
        for (lasts, until) in [
            (None, None),
            (Some("0s"), None),
            (Some("-1h"), None),
            (Some("soon"), None),
            (Some("9d"), None),
            (None, Some("2026-03-01T00:00:00Z")),
            (None, Some("2027-03-01T00:00:00Z")),
        ] {
            assert!(end(lasts, until).is_err(), "{lasts:?} {until:?}");
        }
    }
}
