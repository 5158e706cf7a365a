//! The day as text, while it is played: how things stand each half hour, and each action with its reason. Nothing
//! in it comes from the real clock, so that the same seed tells the same story, byte for byte.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::comparison::grouped;
use super::day::{Day, OVERFLOW, PRINCIPAL};
use super::moment::Moment;
use super::play::Audience;
use super::progress::Progress;
use spillway_world::{LocationSample, NodeCapacity, Sample, World};

const HALF_HOUR: i64 = 30 * 60;

/// Tells the story of Spillway's day.
pub(super) struct Story<'a, W: Write> {
    out: &'a mut W,
    progress: &'a Progress,
    /// Nothing is printed with `--json`.
    silent: bool,
    /// After it nothing is told.
    ends: Timestamp,
    gave_up: u64,
    /// Half hours in which nothing was going on, not printed yet.
    quiet: Option<Timestamp>,
    day: Option<jiff::civil::Date>,
}

impl<'a, W: Write> Story<'a, W> {
    pub(super) fn new(out: &'a mut W, progress: &'a Progress, silent: bool, ends: Timestamp) -> Self {
        Self { out, progress, silent, ends, gave_up: 0, quiet: None, day: None }
    }

    /// Who calls whom.
    pub(super) fn introduce(&mut self, day: &Day) -> Result<()> {
        let (peak, at) = day.peak;
        let (from, peak_at) = if day.days == 1 {
            (date(day.start), clock(at))
        } else {
            (format!("{} days from {}", day.days, date(day.start)), format!("{}, {}", date(at), clock(at)))
        };
        let capacity = NodeCapacity::C5_2XLARGE.hd;
        let sized = if day.sized { "sized from the load, 30:70 as in the guide" } else { "as asked" };
        let mut text = format!(
            "Load      {}, {from}, seed {}: {} callers, {peak:.0} HD calls wanted at once at the most ({})\n\
             Platform  {PRINCIPAL}: {} always-on nodes; {OVERFLOW}: {} overflow nodes, stopped; c5.2xlarge, {capacity} \
             HD calls each ({sized})\n\
             Settings  bursting threshold {} HD calls, minimum lifetime {} minutes, the same for every policy\n",
            day.source,
            day.seed,
            grouped(day.callers.list.len() as u64),
            peak_at,
            day.always_on,
            day.overflow,
            day.threshold,
            day.min_lifetime_minutes,
        );
        for note in &day.notes {
            let _ = writeln!(text, "Note      {note}");
        }
        let _ = writeln!(
            text,
            "\nSpillway's day, printed step by step (free: HD calls with room; gave up: callers since the line above):\n\n{HEADER}"
        );
        self.tell(&text)
    }

    pub(super) fn tell(&mut self, text: &str) -> Result<()> {
        if self.silent {
            return Ok(());
        }
        let out = &mut *self.out;
        self.progress.aside(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
        Ok(())
    }

    fn tell_quiet(&mut self, until: Timestamp) -> Result<()> {
        let Some(from) = self.quiet.take() else { return Ok(()) };
        let until = if civil(until).date() == civil(from).date() { clock(until) } else { "24:00".to_owned() };
        self.tell(&format!("{} to {until}  nobody calls, no overflow node runs\n", clock(from)))
    }

    fn half_hour(&mut self, sample: &Sample, gave_up: u64) -> Result<()> {
        let load: f64 = sample.locations.iter().map(|location| location.load).sum();
        let at = sample.at;
        let nodes = location(sample, OVERFLOW).map(|location| location.nodes).unwrap_or_default();
        let none_up = nodes.booting + nodes.idle + nodes.busy + nodes.maintenance == 0;
        if self.day != Some(civil(at).date()) {
            self.tell_quiet(at)?;
            if self.day.is_some() {
                self.tell(&format!("\n{}\n{HEADER}\n", date(at)))?;
            }
            self.day = Some(civil(at).date());
        }
        if sample.callers == 0 && none_up && gave_up == self.gave_up {
            self.quiet.get_or_insert(at);
            return Ok(());
        }
        self.tell_quiet(at)?;
        let free = |name| location(sample, name).map_or(0, |location| location.free.0);
        let line = format!(
            "{}  {load:>7.1} {:>8} {:>10}   {:>4} {:>7} {:>6} {:>6} {:>8}   {:>7}\n",
            clock(at),
            free(PRINCIPAL),
            free(OVERFLOW),
            nodes.stopped,
            nodes.booting,
            nodes.idle,
            nodes.busy,
            nodes.maintenance,
            gave_up - self.gave_up,
        );
        self.gave_up = gave_up;
        self.tell(&line)
    }

    /// Tells what was held back.
    pub(super) fn end(&mut self) -> Result<()> {
        self.tell_quiet(self.ends)?;
        self.tell("\n")
    }
}

const HEADER: &str = concat!(
    "       load HD     free       free    overflow nodes                       gave up\n",
    "                 London  AWS burst    off booting  ready in use draining",
);

impl<W: Write> Audience for Story<'_, W> {
    fn minute(&mut self, at: Timestamp, world: &World) -> Result<()> {
        self.progress.minute();
        if at < self.ends && at.as_second().rem_euclid(HALF_HOUR) == 0 {
            self.half_hour(&world.sample(), world.stats().refused)?;
        }
        Ok(())
    }

    fn moment(&mut self, moment: &Moment) -> Result<()> {
        self.tell_quiet(moment.at)?;
        self.tell(&format!("  {} {moment}\n", clock(moment.at)))
    }
}

pub(super) fn location<'s>(sample: &'s Sample, name: &str) -> Option<&'s LocationSample> {
    sample.locations.iter().find(|location| location.location.as_str() == name)
}

pub(super) fn civil(at: Timestamp) -> jiff::civil::DateTime {
    TimeZone::UTC.to_datetime(at)
}

/// The time of day.
pub(super) fn clock(at: Timestamp) -> String {
    civil(at).strftime("%H:%M").to_string()
}

/// The date, with its weekday.
pub(super) fn date(at: Timestamp) -> String {
    civil(at).strftime("%A, %-d %B %Y").to_string()
}
