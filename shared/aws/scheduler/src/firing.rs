//! When a window fires, by Scheduler's own rules (user guide: *Time zones*, *Daylight savings time*):
//!
//! * a local time that the clocks skip does not fire;
//! * a local time that comes twice fires once. Which of the two is not documented; it is taken to be the first;
//! * a day in a rate is 24 hours, whatever the clocks do;
//! * a firing is anywhere within its minute, or within the flexible time window;
//! * start and end date bound recurring schedules, and not one-time ones.

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::expression::{Cron, When};
use crate::window::Window;

/// Scheduler's precision (user guide: *All schedule types invoke their targets with 60 second precision*).
const PRECISION: SignedDuration = SignedDuration::from_secs(59);

/// One time that a window fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The scheduled time, in the window's zone: the earliest that the function is invoked.
    pub scheduled: Zoned,
    /// The latest.
    pub latest: Timestamp,
    /// Whether the window does nothing then: the local date is one of those to skip.
    pub skipped: bool,
    /// When the spike is expected.
    pub spike_at: Timestamp,
    /// When the hold ends.
    pub held_until: Timestamp,
}

impl Window {
    /// When the window fires from one instant (included) to another (excluded), skipped dates included and marked;
    /// nothing while it is disabled.
    pub fn firings(&self, from: Timestamp, until: Timestamp) -> Vec<Firing> {
        if !self.enabled {
            return Vec::new();
        }
        let zone = self.zone();
        self.instants(zone, from, until)
            .into_iter()
            .map(|at| self.firing(at.to_zoned(zone.clone())))
            .collect()
    }

    fn firing(&self, scheduled: Zoned) -> Firing {
        let at = scheduled.timestamp();
        let later = |by: SignedDuration| at.saturating_add(by).unwrap_or(Timestamp::MAX);
        let window = SignedDuration::from_mins(i64::from(self.flexible_minutes.unwrap_or(0)));
        Firing {
            latest: later(window + PRECISION),
            skipped: self.spec.skip.contains(&scheduled.date()),
            spike_at: later(self.spec.lead()),
            held_until: later(self.spec.hold()),
            scheduled,
        }
    }

    fn instants(&self, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<Timestamp> {
        let asked = from..until;
        let bounded = |at: &Timestamp| {
            self.starts_at.is_none_or(|start| *at >= start) && self.ends_at.is_none_or(|end| *at <= end)
        };
        match &self.expression.when {
            When::At(at) => {
                instant(zone, *at).into_iter().filter(|instant| asked.contains(instant)).collect()
            }
            When::Cron(cron) => cron_instants(cron, zone, from, until).filter(bounded).collect(),
            When::Rate(every) => {
                let first = self.starts_at.or(self.created_at).unwrap_or(from);
                let every = i64::max(every.as_secs(), 60);
                let missed = (from.as_second() - first.as_second()).max(0) / every;
                (missed..)
                    .map_while(|n| first.checked_add(SignedDuration::from_secs(every.saturating_mul(n))).ok())
                    .take_while(|at| *at < until)
                    .filter(|at| *at >= from)
                    .filter(bounded)
                    .collect()
            }
        }
    }
}

fn cron_instants(
    cron: &Cron,
    zone: &TimeZone,
    from: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = Timestamp> {
    // A local date that has begun somewhere in between; the instants are cut to size below.
    let (first, last) = (zone.to_datetime(from).date(), zone.to_datetime(until).date());
    let dates = first.series(jiff::Span::new().days(1)).take_while(move |date| *date <= last);
    let all = dates
        .filter(|date: &Date| cron.names(*date))
        .flat_map(|date| cron.times().filter_map(move |time| instant(zone, date.to_datetime(time))));
    let mut instants: Vec<Timestamp> = all.filter(|at| (from..until).contains(at)).collect();
    // Around a change of the clocks the order of local times is not that of instants.
    instants.sort();
    instants.dedup();
    instants.into_iter()
}

/// The instant of a local time: none where the clocks skip it, the first where it comes twice.
fn instant(zone: &TimeZone, local: jiff::civil::DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
    }
}
