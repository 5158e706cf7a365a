//! Charts of quantities over the day: load against capacity, free HD calls, callers who gave up. All policies share
//! the scale, so that heights can be compared from one to the next.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::frame::{Frame, Size, Window, escape};
use crate::day::{Day, OVERFLOW, PRINCIPAL};
use crate::play::Played;
use crate::story::{clock, location};
use spillway_world::Sample;

/// What the tops of the axes stand for, for all policies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    pub(super) load: f64,
    pub(super) free: f64,
    pub(super) gave_up: f64,
}

/// Minutes that one bar of callers who gave up stands for, per day shown.
const BAR_MINUTES: usize = 10;

pub(super) fn load_of(sample: &Sample) -> f64 {
    sample.locations.iter().map(|location| location.load).sum()
}

pub(super) fn capacity_of(sample: &Sample) -> f64 {
    sample.locations.iter().map(|location| f64::from(location.capacity.0)).sum()
}

pub(super) fn free_of(sample: &Sample, name: &str) -> f64 {
    location(sample, name).map_or(0.0, |location| f64::from(location.free.0))
}

/// Load, capacity and what was wanted.
pub(super) fn load_chart(
    day: &Day,
    played: &Played,
    window: Window,
    scales: Scales,
    wanted: &[f64],
) -> String {
    both(window, 230.0, scales.load, "Load against capacity in HD calls over the day", |frame| {
        let of = |value: fn(&Sample) -> f64| -> Vec<(Timestamp, f64)> {
            played.samples.iter().map(|sample| (sample.at, value(sample))).collect()
        };
        let capacity = steps(frame, &of(capacity_of));
        let asked: Vec<(Timestamp, f64)> =
            played.samples.iter().map(|sample| sample.at).zip(wanted.iter().copied()).collect();
        let (left, right) = (frame.x(window.from), frame.x(window.until));
        let base = frame.y(0.0);
        format!(
            "<path fill=\"var(--capacity)\" d=\"M{left:.1} {base:.1}L{}L{right:.1} {base:.1}Z\"/>\
             <path fill=\"none\" stroke=\"var(--capacity-edge)\" stroke-width=\"1.5\" d=\"M{}\"/>{}{}{}{}",
            capacity,
            capacity,
            frame.value_axis(),
            line(frame, &asked, "var(--wanted)", "4 3", f64::max),
            line(frame, &of(load_of), "var(--load)", "", f64::max),
            hovers(day, frame, played),
        )
    })
}

/// Free HD calls of both locations and the threshold.
pub(super) fn free_chart(day: &Day, played: &Played, window: Window, scales: Scales) -> String {
    both(window, 130.0, scales.free, "Free HD calls per location over the day", |frame| {
        let of = |name: &str| -> Vec<(Timestamp, f64)> {
            played.samples.iter().map(|sample| (sample.at, free_of(sample, name))).collect()
        };
        let y = frame.y(f64::from(day.threshold));
        format!(
            "{}{}{}<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"var(--threshold)\" \
             stroke-width=\"1.5\" stroke-dasharray=\"2 3\"/>{}",
            frame.value_axis(),
            line(frame, &of(OVERFLOW), "var(--there)", "", f64::min),
            line(frame, &of(PRINCIPAL), "var(--here)", "", f64::min),
            frame.x(window.from),
            frame.x(window.until),
            hovers(day, frame, played),
        )
    })
}

/// Callers who gave up, as bars.
pub(super) fn refused_chart(day: &Day, played: &Played, window: Window, scales: Scales) -> String {
    both(window, 70.0, scales.gave_up, "Callers who gave up over the day", |frame| {
        let mut bars = frame.value_axis();
        for (from, until, count) in gave_up(day, played) {
            if count == 0.0 || !window.contains(from) {
                continue;
            }
            let (x, y) = (frame.x(from), frame.y(count));
            let _ = write!(
                bars,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"var(--refused)\"><title>{} to \
                 {}: {count} callers gave up</title></rect>",
                (frame.x(until) - x - 0.5).max(2.5),
                frame.y(0.0) - y,
                clock(from),
                clock(until),
            );
        }
        bars
    })
}

/// Callers who gave up, by bar.
pub(super) fn gave_up(day: &Day, played: &Played) -> Vec<(Timestamp, Timestamp, f64)> {
    let minutes = BAR_MINUTES * usize::try_from(day.days).unwrap_or(1);
    let ends: Vec<&Sample> = played.samples.iter().step_by(minutes).collect();
    ends.windows(2)
        .filter_map(|pair| match pair {
            [a, b] => Some((a.at, b.at, b.refused.saturating_sub(a.refused) as f64)),
            _ => None,
        })
        .collect()
}

fn both(window: Window, height: f64, most: f64, label: &str, draw: impl Fn(&Frame) -> String) -> String {
    Size::BOTH
        .iter()
        .map(|size| {
            let frame = Frame { size: *size, window, height, most };
            frame.svg(label, &draw(&frame))
        })
        .collect()
}

/// One point for each bucket of minutes, so that a week is no larger than a day.
fn bucketed(frame: &Frame, values: &[(Timestamp, f64)], pick: fn(f64, f64) -> f64) -> Vec<(Timestamp, f64)> {
    let inside: Vec<(Timestamp, f64)> =
        values.iter().copied().filter(|(at, _)| frame.window.contains(*at)).collect();
    inside
        .chunks(frame.size.bucket(frame.window))
        .filter_map(|bucket| {
            let value = bucket.iter().map(|(_, value)| *value).reduce(pick)?;
            Some((bucket.first()?.0, value))
        })
        .collect()
}

fn line(
    frame: &Frame,
    values: &[(Timestamp, f64)],
    colour: &str,
    dashes: &str,
    pick: fn(f64, f64) -> f64,
) -> String {
    let mut points = String::new();
    for (at, value) in bucketed(frame, values, pick) {
        let _ = write!(points, "{:.1},{:.1} ", frame.x(at), frame.y(value));
    }
    format!(
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\" \
         stroke-dasharray=\"{dashes}\" points=\"{}\"/>",
        points.trim_end()
    )
}

/// A step line, without the leading `M`: capacity does not glide.
fn steps(frame: &Frame, values: &[(Timestamp, f64)]) -> String {
    let mut path = String::new();
    let mut last: Option<f64> = None;
    for (at, value) in bucketed(frame, values, f64::max) {
        let (x, y) = (frame.x(at), frame.y(value));
        match last {
            None => {
                let _ = write!(path, "{x:.1} {y:.1}");
            }
            Some(before) if (before - value).abs() > 0.01 => {
                let _ = write!(path, "H{x:.1}V{y:.1}");
            }
            Some(_) => continue,
        }
        last = Some(value);
    }
    let _ = write!(path, "H{:.1}", frame.x(frame.window.until));
    path
}

/// An invisible column for each half hour (of a day), that says in words how things stood.
fn hovers(day: &Day, frame: &Frame, played: &Played) -> String {
    let minutes = 30 * usize::try_from(day.days).unwrap_or(1);
    let mut text = String::new();
    let inside: Vec<&Sample> =
        played.samples.iter().filter(|sample| frame.window.contains(sample.at)).collect();
    for part in inside.chunks(minutes) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        let (x, until) = (frame.x(first.at), frame.x(last.at + SignedDuration::from_mins(1)));
        let title = format!(
            "{}: load {:.0} HD calls, capacity {:.0}; free: {PRINCIPAL} {:.0}, {OVERFLOW} {:.0}",
            clock(first.at),
            load_of(first),
            capacity_of(first),
            free_of(first, PRINCIPAL),
            free_of(first, OVERFLOW),
        );
        let _ = write!(
            text,
            "<rect class=\"hover\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            frame.y(frame.most),
            (until - x).max(0.0),
            frame.height,
            escape(&title),
        );
    }
    text
}
