//! Instants and lengths of time for people: the clock in their own zone, ages in the two units that matter.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The clock: `08:58`; with the day where it is another one than now's.
pub fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    if at.date() == now.date() {
        at.strftime("%H:%M").to_string()
    } else if at.year() == now.year() {
        at.strftime("%a %-d %b %H:%M").to_string()
    } else {
        at.strftime("%-d %b %Y %H:%M").to_string()
    }
}

/// A sentence with its instants (`2026-03-02T08:01:00Z`) shown as a clock would: reasons are made where nobody knows the
/// reader's zone.
pub fn local(sentence: &str, now: Timestamp, zone: &TimeZone) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';', ':', '.', ')']);
        match bare.parse::<Timestamp>() {
            Ok(at) if bare.ends_with('Z') => format!("{}{}", clock(at, now, zone), &word[bare.len()..]),
            _ => word.to_owned(),
        }
    };
    sentence.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The whole instant with its zone, for the head of a page and for lists of days.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M:%S %Z").to_string()
}

/// A length of time: `12 s`, `4 min`, `1 h 05 min`, `3 d`.
pub fn span(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5999 => format!("{} min", seconds / 60),
        6000..=172_799 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago; an instant in the future, by clocks that differ, is now.
pub fn age(at: Timestamp, now: Timestamp) -> String {
    span(now.duration_since(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_the_units_that_matter() {
        let table = [
            (-5, "0 s"),
            (0, "0 s"),
            (99, "99 s"),
            (100, "1 min"),
            (5999, "99 min"),
            (6000, "1 h 40 min"),
            (7500, "2 h 05 min"),
            (172_800, "2 d"),
        ];
        for (seconds, says) in table {
            assert_eq!(span(SignedDuration::from_secs(seconds)), says, "{seconds}");
        }
    }

    #[test]
    fn instants_in_a_sentence_are_shown_in_the_readers_zone() {
        let zone = TimeZone::get("Europe/Oslo").unwrap();
        let now = "2026-03-02T07:58:00Z".parse().unwrap();
        let table = [
            ("not started again before 2026-03-02T08:01:00Z", "not started again before 09:01"),
            ("until 2026-03-03T08:01:00Z, then", "until Tue 3 Mar 09:01, then"),
            ("paused  by 2026 people", "paused  by 2026 people"),
        ];
        for (sentence, says) in table {
            assert_eq!(local(sentence, now, &zone), says);
        }
    }

    #[test]
    fn the_day_is_said_when_it_is_another_one() {
        let zone = TimeZone::get("Europe/Oslo").unwrap();
        let now = "2026-03-02T07:58:00Z".parse().unwrap();
        let table = [
            ("2026-03-02T07:50:00Z", "08:50"),
            ("2026-03-01T23:30:00Z", "00:30"),
            ("2026-03-01T22:30:00Z", "Sun 1 Mar 23:30"),
            ("2025-12-31T10:00:00Z", "31 Dec 2025 11:00"),
        ];
        for (at, says) in table {
            assert_eq!(clock(at.parse().unwrap(), now, &zone), says, "{at}");
        }
    }
}
