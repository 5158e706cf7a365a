//! A time in the past as an operator types it, and the two ends of a period.

use clap::Args;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::exit::Failure;

/// From when until when.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Period {
    /// From: 24h or 7d ago, 08:50 (the last one), 2026-03-02, 2026-03-02T08:50
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Until, likewise; else now
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

impl Period {
    /// The ends; `usual` before now where the beginning was not said.
    pub(crate) fn ends(
        &self,
        usual: SignedDuration,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp), Failure> {
        let until = self.until.as_deref().map_or(Ok(now), |text| past(text, zone, now))?;
        let usually = || until.saturating_sub(usual).unwrap_or(Timestamp::MIN);
        let since = self.since.as_deref().map_or_else(|| Ok(usually()), |text| past(text, zone, now))?;
        if since >= until {
            return Err(Failure::usage(format!("the period ends at {until}, before it begins at {since}"))
                .remedy("--since must be before --until"));
        }
        Ok((since, until))
    }
}

/// An instant in the past: how long ago, the last such time of day, the beginning of a day, or an instant.
pub(crate) fn past(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = || {
        Failure::usage(format!("{text:?} is not a time"))
            .remedy("write 24h or 7d (ago), 08:50, 2026-03-02, 2026-03-02T08:50, or 2026-03-02T08:50:00Z")
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.trim().parse::<i64>().ok()) {
        let ago = SignedDuration::from_hours(days.checked_mul(24).ok_or_else(wrong)?);
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    if let Ok(ago) = text.parse::<SignedDuration>() {
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    let local = |at: DateTime| zone.to_timestamp(at).map_err(|_| wrong());
    // Before the time of day, which would take the time of a whole instant. A date alone is midnight of that day.
    if let Ok(at) = text.parse::<DateTime>() {
        return local(at);
    }
    if let Ok(time) = text.parse::<Time>() {
        let today = now.to_zoned(zone.clone()).date().to_datetime(time);
        let at = local(today)?;
        return if at <= now { Ok(at) } else { local(today.checked_sub(1.day()).map_err(|_| wrong())?) };
    }
    local(text.parse::<Date>().map_err(|_| wrong())?.to_datetime(Time::midnight()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_in_the_past_is_how_long_ago_the_last_time_of_day_a_day_or_an_instant() {
        let (zone, now) = (TimeZone::get("Europe/Oslo").unwrap(), at("2026-03-02T08:00:00Z"));
        let table = [
            ("24h", "2026-03-01T08:00:00Z"),
            ("7d", "2026-02-23T08:00:00Z"),
            ("90 min", "2026-03-02T06:30:00Z"),
            ("08:50", "2026-03-02T07:50:00Z"),
            ("09:30", "2026-03-01T08:30:00Z"),
            ("2026-03-02", "2026-03-01T23:00:00Z"),
            ("2026-03-01T08:50", "2026-03-01T07:50:00Z"),
            ("2026-03-02T08:50:00Z", "2026-03-02T08:50:00Z"),
        ];
        for (text, says) in table {
            assert_eq!(past(text, &zone, now).unwrap(), at(says), "{text}");
        }
        for wrong in ["", "yesterday", "9999999999d", "2026-13-01"] {
            assert!(past(wrong, &zone, now).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_period_that_ends_before_it_begins_is_refused() {
        let now = at("2026-03-02T08:00:00Z");
        let ends = |since: &str, until: &str| {
            let period = Period { since: Some(since.to_owned()), until: Some(until.to_owned()) };
            period.ends(SignedDuration::from_hours(24), &TimeZone::UTC, now)
        };
        assert!(ends("1h", "2h").is_err());
        assert_eq!(ends("2h", "1h").unwrap(), (at("2026-03-02T06:00:00Z"), at("2026-03-02T07:00:00Z")));
        let usual = Period::default().ends(SignedDuration::from_hours(24), &TimeZone::UTC, now).unwrap();
        assert_eq!(usual, (at("2026-03-01T08:00:00Z"), now));
    }
}
