//! The day that is played: the callers, the platform sized for them, the settings that every policy is given. It is
//! made once, before anything is played, so that no policy can have other callers than the next.

use std::sync::Arc;

use anyhow::{Result, bail};
use jiff::civil::{self, Date, Time, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use spillway_core::prewarm::{Tick, WindowSpec};

use super::options::Options;
use super::policy::Policy;
use spillway_world::callers::Callers;
use spillway_world::load_model::LoadModel;
use spillway_world::trace::{Trace, TraceOptions};
use spillway_world::weekday::Weekday;
use spillway_world::{NodeCapacity, Sizing, WorldBuilder};

/// HD calls at the top of the built-in weekday's spike: sized by the guide's ratio this gives the platform of the
/// guide's example, about 80 HD calls always on (*Manually starting an overflow node*).
const PEAK: f64 = 215.0;
/// A Monday; the built-in weekday has no date of its own.
const MONDAY: Date = date(2026, 5, 4);
/// Always-on capacity times this is the threshold: the middle of the guide's 10 to 20 %.
const THRESHOLD_SHARE: f64 = 0.15;

/// The location that callers call, and where it overflows to.
pub(super) const PRINCIPAL: &str = "London";
pub(super) const OVERFLOW: &str = "AWS burst";
/// Value of the tag `pexip-cloud`.
pub(super) const TAG_VALUE: &str = "manager";

/// A day, ready to be played.
#[derive(Debug, Clone)]
pub(super) struct Day {
    /// Where the callers come from, as it is shown.
    pub(super) source: String,
    pub(super) callers: Arc<Callers>,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) days: u32,
    pub(super) seed: u64,
    pub(super) always_on: usize,
    pub(super) overflow: usize,
    /// Whether the platform was sized from the load.
    pub(super) sized: bool,
    pub(super) threshold: u32,
    pub(super) min_lifetime_minutes: u32,
    /// Share of callers from the internet.
    internet_share: f64,
    /// When the pre-warm starts nodes on weekdays.
    pub(super) prewarm_at: Time,
    /// How long it holds them.
    pub(super) hold_minutes: u32,
    /// Whether the reconciler keeps static NAT addresses right.
    pub(super) reconciles: bool,
    /// Who called in the days before, from where on.
    pub(super) before: Arc<Callers>,
    /// How many days before were recorded.
    pub(super) history_days: u32,
    /// The most HD calls wanted at once, and when.
    pub(super) peak: (f64, Timestamp),
    /// Said before anything is played.
    pub(super) notes: Vec<String>,
}

impl Day {
    pub(super) fn new(options: &Options) -> Result<Self> {
        let mut notes = Vec::new();
        let Loaded { source, callers, first, before, history_days } = callers(options, &mut notes)?;
        let Some((peak, peak_at)) = callers.peak() else {
            bail!(
                "{source}: no callers on {first}{}: choose another --date or a larger --scale (it is {})",
                if options.days > 1 {
                    format!(" and the {} days after it", options.days - 1)
                } else {
                    String::new()
                },
                options.scale
            );
        };
        let sizing = Sizing { always_on: options.always_on, overflow: options.overflow, ..Sizing::default() };
        let (always_on, overflow) = sizing.nodes(&callers);
        let capacity = (always_on * usize::try_from(NodeCapacity::C5_2XLARGE.hd).unwrap_or(0)) as f64;
        let threshold =
            options.threshold.unwrap_or_else(|| (capacity * THRESHOLD_SHARE).round().max(1.0) as u32);
        let start = at(first, options.begins());
        let hours = |hours: u32| SignedDuration::from_hours(i64::from(hours));
        let end = match options.hours {
            Some(some) => start + hours(some),
            None => at(first, Time::midnight()) + hours(24 * options.days),
        };
        // Whoever called before is not in it; else they would all come at once.
        let mut callers = callers;
        callers.list.retain(|caller| caller.at >= start);
        Ok(Self {
            source,
            callers: Arc::new(callers),
            start,
            end,
            days: options.days,
            seed: options.seed,
            always_on,
            overflow,
            sized: options.always_on.is_none() && options.overflow.is_none(),
            threshold,
            internet_share: options.internet_share,
            prewarm_at: options.prewarm,
            hold_minutes: options.hold,
            reconciles: !options.no_reconciler,
            min_lifetime_minutes: options.min_lifetime,
            peak: (peak.hd(), peak_at),
            before: Arc::new(before),
            history_days,
            notes,
        })
    }

    /// The platform in the days before, and when they begin. Its nodes keep their addresses, so that nothing has to be set right.
    pub(super) fn before(&self) -> (WorldBuilder, Timestamp) {
        let midnight = self.start - SignedDuration::from_secs(self.start.as_second().rem_euclid(86_400));
        let begins = midnight - SignedDuration::from_hours(24 * i64::from(self.history_days));
        let earlier = Self { start: begins, callers: Arc::clone(&self.before), ..self.clone() };
        (earlier.platform(Policy::PexipBuiltIn).bursting(false), begins)
    }

    /// The platform as the day begins, under a policy. Only what the policy is about differs.
    pub(super) fn platform(&self, policy: Policy) -> WorldBuilder {
        let sizing =
            Sizing { always_on: Some(self.always_on), overflow: Some(self.overflow), ..Sizing::default() };
        let platform = WorldBuilder::sized_for(self.start, Arc::clone(&self.callers), sizing)
            .seed(self.seed)
            .tag_value(TAG_VALUE)
            .threshold(self.threshold)
            .min_lifetime(self.min_lifetime_minutes)
            .settings(|settings| settings.internet_share = self.internet_share)
            .bursting(policy == Policy::PexipBuiltIn);
        match policy {
            Policy::AlwaysOn => platform.everything_public().everything_running(),
            Policy::PexipBuiltIn => platform.everything_elastic(),
            Policy::Spillway | Policy::VendorRule | Policy::SpillwayPrewarm => platform.everything_public(),
        }
    }

    /// The pre-warm window that fires at this minute: the guide's example, all overflow nodes on weekdays, ten minutes
    /// before the spike (*Manually starting an overflow node*).
    pub(super) fn prewarm_due(&self, at: Timestamp) -> Option<Tick> {
        let local = TimeZone::UTC.to_datetime(at);
        let weekend = matches!(local.weekday(), civil::Weekday::Saturday | civil::Weekday::Sunday);
        (local.time() == self.prewarm_at && !weekend).then(|| Tick {
            spec: WindowSpec {
                hold_minutes: self.hold_minutes,
                lead_minutes: 10.min(self.hold_minutes),
                ..WindowSpec::with_defaults("weekday-morning", "UTC")
            },
            scheduled_at: Some(at),
        })
    }

    /// Minutes of the day.
    pub(super) fn minutes(&self) -> u64 {
        u64::try_from(self.end.duration_since(self.start).as_mins()).unwrap_or(0)
    }

    /// HD calls that callers want at each minute if every call is connected at the first attempt.
    pub(super) fn wanted(&self) -> Vec<f64> {
        let minutes = usize::try_from(self.minutes()).unwrap_or(0) + 1;
        let mut changes = vec![0.0; minutes + 1];
        let minute = |at: Timestamp| {
            let seconds = at.duration_since(self.start).as_secs().max(0);
            usize::try_from((seconds + 59) / 60).unwrap_or(0).min(minutes)
        };
        for caller in &self.callers.list {
            let load = caller.demand().hd();
            changes[minute(caller.at)] += load;
            changes[minute(caller.at + caller.duration)] -= load;
        }
        let mut now = 0.0;
        changes
            .iter()
            .take(minutes)
            .map(|change| {
                now += change;
                f64::max(now, 0.0)
            })
            .collect()
    }
}

/// Who calls, and who called before.
struct Loaded {
    source: String,
    callers: Callers,
    first: Date,
    before: Callers,
    history_days: u32,
}

fn callers(options: &Options, notes: &mut Vec<String>) -> Result<Loaded> {
    let model = LoadModel {
        mean_call: SignedDuration::try_from_secs_f64(options.mean_call_minutes * 60.0)?,
        ..LoadModel::default()
    };
    let Some(file) = &options.trace else {
        let first = options.date.unwrap_or(MONDAY);
        let peak = (PEAK * options.scale).round().max(1.0) as u32;
        let day = Weekday { days: options.days, ..Weekday::with_peak(first, peak) };
        notes.push(
            "The built-in weekday is the guide's example, not a recording; --trace FILE plays a recorded load."
                .to_owned(),
        );
        let history_days = options.history_days;
        return Ok(Loaded {
            source: "built-in weekday".to_owned(),
            callers: day.callers(&model, options.seed),
            first,
            before: day.callers_before(history_days, &model, options.seed),
            history_days,
        });
    };
    let trace = Trace::read(file)?;
    let first = options.date.unwrap_or(trace.period().0);
    let chosen = TraceOptions {
        day: Some(first),
        days: options.days,
        onto: None,
        zone: TimeZone::UTC,
        scale: options.scale,
        seed: options.seed,
    };
    let arrivals = trace.arrivals(&chosen)?;
    if trace.step().is_some() {
        notes.push(format!(
            "The trace has counts, not lengths: calls are given lengths of {} minutes on average, and conferences by \
             the usual mix.",
            options.mean_call_minutes
        ));
    } else {
        notes
            .push("The trace's own call lengths are used; conferences are made by the usual mix.".to_owned());
    }
    let last_asked = first.saturating_add(SignedDuration::from_hours(24 * i64::from(options.days - 1)));
    if last_asked > trace.period().1 {
        notes.push(format!("The trace ends on {}: nobody calls after it.", trace.period().1));
    }
    let there = trace.period().0.until(first).map_or(0, |span| span.get_days());
    let history_days = options.history_days.min(u32::try_from(there).unwrap_or(0));
    let before = if history_days > 0 {
        let day = first.saturating_sub(SignedDuration::from_hours(24 * i64::from(history_days)));
        let earlier = TraceOptions { day: Some(day), days: history_days, ..chosen };
        Callers::from_arrivals(trace.arrivals(&earlier)?, &model, options.seed ^ (1 << 32))
    } else {
        Callers::default()
    };
    if history_days < options.history_days {
        notes.push(format!(
            "The trace has {history_days} days before {first}: the forecast learns from no more."
        ));
    }
    Ok(Loaded {
        source: file.display().to_string(),
        callers: Callers::from_arrivals(arrivals, &model, options.seed),
        first,
        before,
        history_days,
    })
}

fn at(day: Date, time: Time) -> Timestamp {
    TimeZone::UTC
        .to_ambiguous_zoned(day.to_datetime(time))
        .compatible()
        .map_or(Timestamp::UNIX_EPOCH, |at| at.timestamp())
}
