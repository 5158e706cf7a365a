//! Keys of the table. Sort keys of history are instants of one fixed width, so that their order as text is their
//! order in time.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use spillway_core::ids::{HoldId, InstanceId, LocationName};

/// Partition key attribute.
pub(crate) const PK: &str = "pk";
/// Sort key attribute.
pub(crate) const SK: &str = "sk";

/// The partition that one query reads.
pub(crate) const STATE: &str = "STATE";
/// Lease and digest.
pub(crate) const CYCLE: &str = "CYCLE";
/// What changes seldom at the Management Node.
pub(crate) const PLATFORM: &str = "PLATFORM";
/// Prefix of node records.
pub(crate) const NODE: &str = "NODE#";
/// Prefix of the reconciler's records.
pub(crate) const NAT: &str = "NAT#";
/// Prefix of holds.
pub(crate) const HOLD: &str = "HOLD#";
/// The partition of what the forecast has learned, and from what.
pub(crate) const FORECAST: &str = "FORECAST";
/// Prefix of closed days.
pub(crate) const FORECAST_DAY: &str = "DAY#";
/// Prefix of profiles.
pub(crate) const FORECAST_PROFILE: &str = "PROFILE#";
/// Prefix of requests.
pub(crate) const REQUEST: &str = "REQUEST#";

/// The greatest sort key that begins like an event's instant: `#` and everything after it sort below.
const AFTER_EVERY_ID: char = '~';

/// Where an item is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    fn state(sk: String) -> Self {
        Self { pk: STATE.to_owned(), sk }
    }

    pub(crate) fn cycle() -> Self {
        Self::state(CYCLE.to_owned())
    }

    pub(crate) fn platform() -> Self {
        Self::state(PLATFORM.to_owned())
    }

    pub(crate) fn node(id: &InstanceId) -> Self {
        Self::state(format!("{NODE}{id}"))
    }

    pub(crate) fn nat(id: &InstanceId) -> Self {
        Self::state(format!("{NAT}{id}"))
    }

    pub(crate) fn hold(id: &HoldId) -> Self {
        Self::state(format!("{HOLD}{id}"))
    }

    pub(crate) fn request(id: &str) -> Self {
        Self::state(format!("{REQUEST}{id}"))
    }

    pub(crate) fn event(at: Timestamp, id: &str) -> Self {
        Self { pk: event_partition(utc_date(at)), sk: format!("{}#{id}", instant(at)) }
    }

    pub(crate) fn forecast_day(date: Date, principal: &LocationName) -> Self {
        Self { pk: FORECAST.to_owned(), sk: format!("{FORECAST_DAY}{date}#{principal}") }
    }

    pub(crate) fn forecast_profile(principal: &LocationName) -> Self {
        Self { pk: FORECAST.to_owned(), sk: format!("{FORECAST_PROFILE}{principal}") }
    }

    pub(crate) fn load(at: Timestamp) -> Self {
        Self { pk: load_partition(utc_date(at)), sk: load_minute(at) }
    }
}

/// The partition of the events of a date's month.
pub(crate) fn event_partition(date: Date) -> String {
    format!("EVENT#{}", date.strftime("%Y-%m"))
}

/// The partition of the load of a date.
pub(crate) fn load_partition(date: Date) -> String {
    format!("LOAD#{}", date.strftime("%Y-%m-%d"))
}

/// The sort key of the load of a minute.
pub(crate) fn load_minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// The dates that two instants span, in order.
pub(crate) fn days(from: Timestamp, until: Timestamp) -> impl Iterator<Item = Date> {
    let last = utc_date(until);
    std::iter::successors(Some(utc_date(from)), |date| date.tomorrow().ok())
        .take_while(move |date| *date <= last)
}

/// The least and greatest sort key of events between two instants, both inclusive to the millisecond: the exact
/// instants are compared after reading.
pub(crate) fn event_range(from: Timestamp, until: Timestamp) -> (String, String) {
    (instant(from), format!("{}{AFTER_EVERY_ID}", instant(until)))
}

/// The first days of the months that two instants span, in order.
pub(crate) fn months(from: Timestamp, until: Timestamp) -> impl Iterator<Item = Date> {
    let last = utc_date(until).first_of_month();
    let first = utc_date(from).first_of_month();
    let next = |month: &Date| month.checked_add(jiff::Span::new().months(1)).ok();
    std::iter::successors(Some(first), next).take_while(move |month| *month <= last)
}

fn utc_date(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn keys_read_as_an_operator_would_look_them_up() {
        let key = Key::event(at("2026-03-01T00:30:00+01:00"), "i-1/start");
        assert_eq!(
            (key.pk.as_str(), key.sk.as_str()),
            ("EVENT#2026-02", "2026-02-28T23:30:00.000Z#i-1/start")
        );
        let key = Key::load(at("2026-03-01T09:07:59.9Z"));
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("LOAD#2026-03-01", "2026-03-01T09:07Z"));
        assert_eq!(Key::node(&"i-0abc".into()).sk, "NODE#i-0abc");
    }

    #[test]
    fn sort_keys_sort_by_time_whatever_the_fraction() {
        let instants = [
            "2026-03-01T09:00:00Z",
            "2026-03-01T09:00:00.001Z",
            "2026-03-01T09:00:00.2Z",
            "2026-03-01T09:00:01Z",
        ];
        let keys: Vec<_> = instants.iter().map(|text| Key::event(at(text), "z").sk).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn a_range_takes_in_every_id_at_its_ends() {
        let noon = at("2026-03-01T12:00:00Z");
        let (least, greatest) = event_range(noon, noon);
        for id in ["", "!", "i-1", "zz", "~~~"] {
            let sk = Key::event(noon, id).sk;
            assert!(least <= sk && sk <= greatest, "{least} <= {sk} <= {greatest}");
        }
    }

    #[test]
    fn months_between() {
        let list = |from, until| months(at(from), at(until)).map(event_partition).collect::<Vec<_>>();
        assert_eq!(
            list("2025-11-30T23:59:59Z", "2026-02-01T00:00:00Z"),
            ["EVENT#2025-11", "EVENT#2025-12", "EVENT#2026-01", "EVENT#2026-02"]
        );
        assert_eq!(list("2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"), ["EVENT#2026-01"]);
        assert!(list("2026-02-01T00:00:00Z", "2026-01-31T00:00:00Z").is_empty());
    }
}
