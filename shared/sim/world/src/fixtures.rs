//! Platforms that tests begin with, as builders: a test adds the nodes and settings that it is about.

use jiff::Timestamp;

use super::WorldBuilder;

/// 2 March 2026, 08:00 UTC: a Monday.
pub fn monday() -> Timestamp {
    Timestamp::from_second(1_772_438_400).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `HQ` and the location `Burst` that it overflows to, on [`monday`]; no nodes yet.
pub fn hq() -> WorldBuilder {
    pair(monday(), "HQ", "Burst")
}

/// 4 May 2026, 08:00 UTC: a Monday in summer time.
pub fn monday_in_may() -> Timestamp {
    Timestamp::from_second(1_777_881_600).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `London` and the location `AWS burst` that it overflows to, on [`monday_in_may`]; no nodes yet.
pub fn london() -> WorldBuilder {
    pair(monday_in_may(), "London", "AWS burst")
}

fn pair(start: Timestamp, principal: &str, overflow: &str) -> WorldBuilder {
    WorldBuilder::new(start).location(principal).location(overflow).overflow(principal, overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_mondays_at_eight() {
        assert_eq!(monday().to_string(), "2026-03-02T08:00:00Z");
        assert_eq!(monday_in_may().to_string(), "2026-05-04T08:00:00Z");
    }
}
