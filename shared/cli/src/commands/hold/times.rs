//! From when until when something is held, as it is typed: from now on, from an instant on, or ready by one.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::BOOT_TAKES;
use spillway_core::policy::Policy;
use spillway_core::report::READY_BEFORE_SPIKE;

use crate::exit::Failure;
use crate::when;

/// How long a start holds its nodes where nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(1);

/// The guide: start nodes "approximately 10 minutes before" they are needed.
const LEAD: SignedDuration = SignedDuration::from_mins(10);

/// When it begins, as it is typed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begins<'a> {
    Now,
    From(&'a str),
    ReadyBy(&'a str),
}

/// From when until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    /// Nodes are started from then on.
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// They have to be ready by then, where that was asked.
    pub(super) ready_by: Option<Timestamp>,
    now: Timestamp,
}

impl Times {
    /// Reads them. A length of time counts from when the nodes are to be ready, where that was asked.
    ///
    /// # Errors
    /// Not a time, in the past, or too far away.
    pub(super) fn read(
        begins: Begins<'_>,
        lasts: Option<&str>,
        until: Option<&str>,
        policy: &Policy,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let (from, ready_by) = match begins {
            Begins::Now => (now, None),
            Begins::From(text) => (when::instant(text, zone, now)?, None),
            Begins::ReadyBy(text) => {
                let by = when::instant(text, zone, now)?;
                if by <= now {
                    return Err(Failure::usage(format!(
                        "{by}, by when nodes are to be ready, is in the past"
                    ))
                    .remedy("to start them now: spillway start"));
                }
                (by.saturating_sub(lead(policy)).unwrap_or(now).max(now), Some(by))
            }
        };
        let until = when::end(lasts, until, Some(USUAL), ready_by.unwrap_or(from), zone)?;
        Ok(Self { from, until, ready_by, now })
    }

    /// Whether it begins now.
    pub(super) fn is_now(&self) -> bool {
        self.from <= self.now
    }

    /// When nodes that are started for it are ready, if they take as long as the guide says.
    pub(super) fn ready_about(&self) -> Timestamp {
        self.from.max(self.now).saturating_add(BOOT_TAKES).unwrap_or(self.from)
    }

    /// What a cycle and the alarm *pre-warm not ready* measure the nodes by. None where the time was too short when it was
    /// asked: nobody has to be woken for what is known.
    pub(super) fn spike_at(&self) -> Option<Timestamp> {
        self.ready_by.filter(|by| by.duration_since(self.now) >= BOOT_TAKES + READY_BEFORE_SPIKE)
    }

    /// How long nodes are held.
    pub(super) fn length(&self) -> SignedDuration {
        self.until.duration_since(self.from.max(self.now))
    }
}

/// How long before nodes have to be ready they are started: as long as the policy lets a boot take, and no less than the guide
/// advises.
fn lead(policy: &Policy) -> SignedDuration {
    policy.boot_limit.max(LEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn read(begins: Begins<'_>, lasts: Option<&str>, until: Option<&str>) -> Result<Times, Failure> {
        let zone = TimeZone::get("Europe/Oslo").unwrap();
        let policy = Policy::with_defaults("mgr");
        Times::read(begins, lasts, until, &policy, &zone, at("2026-03-02T07:00:00Z"))
    }

    #[test]
    fn nodes_that_are_to_be_ready_by_a_time_are_started_a_boot_limit_before_it() {
        let times = read(Begins::ReadyBy("08:50"), Some("2h"), None).unwrap();
        assert_eq!((times.from, times.until), (at("2026-03-02T07:40:00Z"), at("2026-03-02T09:50:00Z")));
        assert_eq!(times.ready_about(), at("2026-03-02T07:45:00Z"));
        assert_eq!(times.spike_at(), Some(at("2026-03-02T07:50:00Z")), "the alarm watches it");
        assert!(!times.is_now());
        let zone = TimeZone::UTC;
        let policy = Policy { boot_limit: SignedDuration::from_mins(20), ..Policy::with_defaults("mgr") };
        let now = at("2026-03-02T07:00:00Z");
        let slow = Times::read(Begins::ReadyBy("08:00"), None, None, &policy, &zone, now).unwrap();
        assert_eq!((slow.from, slow.until), (at("2026-03-02T07:40:00Z"), at("2026-03-02T09:00:00Z")));
        let policy = Policy { boot_limit: SignedDuration::from_secs(90), ..policy };
        let fast = Times::read(Begins::ReadyBy("08:00"), None, None, &policy, &zone, now).unwrap();
        assert_eq!(fast.from, at("2026-03-02T07:50:00Z"), "no less than the guide advises");
    }

    #[test]
    fn too_late_to_be_ready_begins_now_and_says_when_it_will_be() {
        let times = read(Begins::ReadyBy("08:04"), None, None).unwrap();
        assert!(times.is_now());
        assert_eq!(times.ready_about(), at("2026-03-02T07:05:00Z"));
        assert_eq!((times.ready_by, times.spike_at()), (Some(at("2026-03-02T07:04:00Z")), None));
        let past = read(Begins::ReadyBy("2026-03-02T06:00:00Z"), None, None).unwrap_err();
        assert!(past.message.contains("in the past"), "{past}");
    }

    #[test]
    fn from_a_time_on_nodes_are_started_then_and_ready_five_minutes_later() {
        let times = read(Begins::From("08:50"), None, None).unwrap();
        assert_eq!((times.from, times.ready_by), (at("2026-03-02T07:50:00Z"), None));
        assert_eq!(times.ready_about(), at("2026-03-02T07:55:00Z"));
        let now = read(Begins::Now, None, Some("07:00")).unwrap();
        assert_eq!(now.length(), SignedDuration::from_hours(23), "the next 07:00 is tomorrow's");
    }
}
