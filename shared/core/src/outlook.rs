//! What each principal location is expected to need: demand as a cycle sees it, remembered for half an hour, and what was
//! learned of the location's days.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_forecast::{
    CostLimit, Day, FitOptions, Forecast, LocalMinute, Profile, Recent, demand, fit, forecast,
};

use crate::assess::{Assessment, LocationView};
use crate::ids::{HdCalls, LocationId, LocationName};
use crate::ledger::{Ledger, LocationLoad, MinuteOfLoad};
use crate::observation::{Fleet, Location, Platform};
use crate::policy::Policy;

/// What was learned, by principal location.
pub type Profiles = BTreeMap<LocationName, Profile>;

/// Recorded days, by principal location.
pub type Days = BTreeMap<LocationName, Vec<Day>>;

/// What is expected, by principal location.
pub type Forecasts = BTreeMap<LocationName, Forecast>;

/// Demand of the last half hour, by principal location.
pub type RecentDemand = BTreeMap<LocationName, Recent>;

/// What is expected, and what has to be remembered for the next time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outlook {
    /// What is expected.
    pub forecasts: Forecasts,
    /// Demand of the last half hour, with that of now.
    pub recent: RecentDemand,
}

/// Looks ahead. Whoever has no profiles at hand expects what the last evaluation did, if that is not long ago. During an
/// outage, and where no node of a location reports, demand is as it was; of a location that went or was renamed nothing
/// is remembered.
pub fn look_ahead(
    policy: &Policy,
    platform: &Platform,
    fleet: &Fleet,
    ledger: &Ledger,
    profiles: Option<&Profiles>,
    now: Timestamp,
) -> Outlook {
    if !policy.forecast.enabled {
        return Outlook::default();
    }
    let view = Assessment::new(policy, platform, fleet, Some(ledger), now);
    let outage = view.is_outage();
    let at = LocalMinute::of(now, &policy.forecast.zone());
    let digest = ledger.cycle.digest.as_ref();
    let before = digest.map(|digest| &digest.recent);
    let lately =
        digest.filter(|digest| digest.expected_at.is_some_and(|at| now.duration_since(at) <= EXPECTED_LASTS));
    let (lead, holidays) = (policy.forecast.lead_minutes(), &policy.forecast.holidays);
    let ahead = |profile: Option<&Profile>, recent: &Recent| forecast(profile, recent, at, lead, holidays);
    let mut outlook = Outlook::default();
    for (name, demand) in demands(&view) {
        let known = before.and_then(|recent| recent.get(&name));
        let recent = match (known, demand.filter(|_| !outage)) {
            (Some(known), None) => known.repeated(now),
            (Some(known), Some(demand)) => known.with(now, demand),
            (None, None) => continue,
            (None, Some(demand)) => Recent::default().with(now, demand),
        };
        let remembered = || lately.and_then(|digest| digest.expected.get(&name).copied());
        let given = match profiles {
            Some(profiles) => ahead(profiles.get(&name), &recent),
            None => remembered().or_else(|| ahead(None, &recent)),
        };
        if let Some(given) = given {
            outlook.forecasts.insert(name.clone(), given);
        }
        outlook.recent.insert(name, recent);
    }
    outlook
}

/// The demand of each principal location at present, HD calls; `None` where none of its nodes reports.
fn demands(view: &Assessment<'_>) -> BTreeMap<LocationName, Option<f64>> {
    let mut demands = BTreeMap::new();
    for (overflow, room) in view.overflow_locations() {
        let ids: BTreeSet<LocationId> = view.pairs_into(overflow).map(|pair| pair.principal).collect();
        let principals = ids.iter().filter_map(|id| view.locations.get(id)).map(load_of);
        let shares = shared_out(&principals.collect::<Vec<_>>(), &load_of(room));
        demands.extend(shares.into_iter().map(|(name, share)| {
            let known = share.always_on > HdCalls(0);
            (name, known.then(|| demand(share.used, share.free)))
        }));
    }
    demands
}

fn load_of(view: &LocationView<'_>) -> LocationLoad {
    LocationLoad { location: view.location.name.clone(), free: view.free, max: view.max }
}

/// What a principal location and its part of the overflow location carry, what is free there, and what is always on, HD calls.
struct Share {
    used: f64,
    free: f64,
    always_on: HdCalls,
}

/// The load of the principal locations of one overflow location: what each carries, and what the overflow location carries
/// for it. The platform does not say whose calls those are. They are the calls of those principal locations that are full,
/// each location's part by its size; where none is full they are counted for all, which is too much and never too little.
fn shared_out(principals: &[LocationLoad], overflow: &LocationLoad) -> BTreeMap<LocationName, Share> {
    let full = |principal: &LocationLoad| principal.free <= FULL;
    let seats: f64 = principals.iter().filter(|each| full(each)).map(|each| calls(each.max)).sum();
    let carried = calls(overflow.max.minus(overflow.free));
    let share_of = |principal: &LocationLoad| {
        let part = match (full(principal), seats > 0.0) {
            (true, true) => calls(principal.max) / seats,
            (false, true) => 0.0,
            (_, false) => 1.0,
        };
        let used = carried.mul_add(part, calls(principal.max.minus(principal.free)));
        let free = calls(principal.free.plus(overflow.free));
        (principal.location.clone(), Share { used, free, always_on: principal.max })
    };
    principals.iter().map(share_of).collect()
}

/// Which overflow location each principal location fills, by name.
pub type Pairs = BTreeMap<LocationName, LocationName>;

/// The pairs of a platform: every location with a primary overflow location, and where its media is transcoded elsewhere, that
/// location in its place. Load is recorded of those alone that matter.
pub fn pairs_of(locations: &[Location]) -> Pairs {
    let name = |id: LocationId| locations.iter().find(|each| each.id == id).map(|each| each.name.clone());
    let pair = |location: &Location| {
        let overflow = name(location.overflow_location1?)?;
        let principal = name(location.transcoding_location.unwrap_or(location.id))?;
        (principal != overflow).then_some((principal, overflow))
    };
    locations.iter().filter_map(pair).collect()
}

/// The days of each principal location, from the minutes that cycles recorded, in any order.
pub fn recorded_days(minutes: &[MinuteOfLoad], pairs: &Pairs, zone: &TimeZone) -> Days {
    let mut days: BTreeMap<LocationName, BTreeMap<Date, Day>> = BTreeMap::new();
    for minute in minutes {
        let at = LocalMinute::of(minute.at, zone);
        let load = |name: &LocationName| minute.locations.iter().find(|each| each.location == *name);
        let mut by_overflow: BTreeMap<&LocationName, Vec<LocationLoad>> = BTreeMap::new();
        for (principal, overflow) in pairs {
            // Without a node that reports nothing is known of the minute, least of all that nobody called.
            if let Some(load) = load(principal).filter(|load| load.max.0 > 0) {
                by_overflow.entry(overflow).or_default().push(load.clone());
            }
        }
        for (overflow, principals) in by_overflow {
            let Some(room) = load(overflow) else { continue };
            for (name, share) in shared_out(&principals, room) {
                let day = days.entry(name).or_default().entry(at.date).or_insert_with(|| Day::empty(at.date));
                day.record(at.minute, share.used, share.free);
                day.see_always_on(share.always_on.0);
            }
        }
    }
    days.into_iter().map(|(name, days)| (name, days.into_values().collect())).collect()
}

/// Learns from the days of each principal location, as the policy asks for.
pub fn learn(policy: &Policy, days: &Days) -> Profiles {
    let forecast = &policy.forecast;
    let options = FitOptions {
        refuse_at_most: forecast.refuse_at_most.share(),
        days: usize::try_from(forecast.days).unwrap_or(usize::MAX),
        lead: forecast.lead_minutes(),
        holidays: forecast.holidays.clone(),
        cost: forecast.most_node_hours_per_call.map(|node_hours_per_call| CostLimit {
            node_hours_per_call,
            node: calls(policy.hd_calls.values().min().copied().unwrap_or(HdCalls::RECOMMENDED_NODE)),
        }),
    };
    days.iter().filter_map(|(name, days)| Some((name.clone(), fit(days, &options)?))).collect()
}

/// How long what one evaluation expected is good for others.
const EXPECTED_LASTS: SignedDuration = SignedDuration::from_mins(3);

/// Free HD calls up to which new calls of a location are taken to overflow.
const FULL: HdCalls = HdCalls(4);

/// HD calls, to reckon with.
pub(crate) fn calls(number: HdCalls) -> f64 {
    f64::from(number.0)
}
