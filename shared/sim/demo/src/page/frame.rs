//! The plane that a chart is drawn on: time to the right, a quantity upwards, and the lines and labels that make both
//! readable. Each chart is drawn twice, for a wide and for a narrow window, so that text never shrinks.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::story::civil;

/// The shown part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Window {
    fn seconds(self) -> i64 {
        self.until.duration_since(self.from).as_secs().max(1)
    }

    pub(super) fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at <= self.until
    }
}

/// For which window width a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Wide,
    Narrow,
}

impl Size {
    pub(super) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }

    fn width(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 360.0,
        }
    }

    /// Room for labels at the left, the same for every chart, so that the same time is always above itself.
    fn left(self) -> f64 {
        match self {
            Self::Wide => 96.0,
            Self::Narrow => 40.0,
        }
    }

    /// Labels that fit beside each other on the time axis.
    fn labels(self) -> i64 {
        match self {
            Self::Wide => 13,
            Self::Narrow => 5,
        }
    }

    /// Minutes that one point of a line stands for.
    pub(super) fn bucket(self, window: Window) -> usize {
        let points = match self {
            Self::Wide => 900,
            Self::Narrow => 320,
        };
        usize::try_from((window.seconds() / 60 + points - 1) / points).unwrap_or(1).max(1)
    }
}

/// A plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) size: Size,
    pub(super) window: Window,
    /// Height of the drawing without labels.
    pub(super) height: f64,
    /// What the top stands for.
    pub(super) most: f64,
}

const TOP: f64 = 10.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 24.0;

impl Frame {
    pub(super) fn left(&self) -> f64 {
        self.size.left()
    }

    pub(super) fn x(&self, at: Timestamp) -> f64 {
        let at = at.clamp(self.window.from, self.window.until);
        let part = at.duration_since(self.window.from).as_secs() as f64 / self.window.seconds() as f64;
        self.left() + part * (self.size.width() - self.left() - RIGHT)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        TOP + self.height * (1.0 - (value / self.most.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0))
    }

    /// The drawing with its axes; `inside` is drawn above the grid.
    pub(super) fn svg(&self, label: &str, inside: &str) -> String {
        let (width, all) = (self.size.width(), TOP + self.height + BOTTOM);
        format!(
            "<svg class=\"{}\" viewBox=\"0 0 {width} {all}\" role=\"img\" aria-label=\"{}\">{}{inside}</svg>\n",
            self.size.class(),
            escape(label),
            self.time_axis(),
        )
    }

    /// Horizontal lines with their values.
    pub(super) fn value_axis(&self) -> String {
        let mut text = String::new();
        let step = nice_step(self.most, self.height / 45.0);
        let mut value = 0.0;
        while value <= self.most + step / 1_000.0 {
            let y = self.y(value);
            let class = if value == 0.0 { "base" } else { "grid" };
            let _ = write!(
                text,
                "<line class=\"{class}\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
                self.left(),
                self.size.width() - RIGHT,
                self.left() - 6.0,
                y + 4.0,
            );
            value += step;
        }
        text
    }

    fn time_axis(&self) -> String {
        let hours = self.window.seconds() / 3_600 + 1;
        let step = [1, 2, 3, 4, 6, 12, 24, 48, 96, 168, 336]
            .into_iter()
            .find(|step| hours / step <= self.size.labels())
            .unwrap_or(720);
        let mut text = String::new();
        let bottom = TOP + self.height;
        let (right, from) = (self.size.width() - RIGHT, self.window.from);
        let mut hour = midnight_before(from);
        while hour <= self.window.until {
            if hour >= from {
                let x = self.x(hour);
                let anchor = match x {
                    x if x < self.left() + 14.0 => "start",
                    x if x > right - 18.0 => "end",
                    _ => "middle",
                };
                let format =
                    if step < 24 && civil(hour).hour() != 0 || hours <= 26 { "%H:%M" } else { "%-d %b" };
                let _ = write!(
                    text,
                    "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                     <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                    bottom + 16.0,
                    civil(hour).strftime(format),
                );
            }
            let Ok(next) = hour.checked_add(SignedDuration::from_hours(step)) else { break };
            hour = next;
        }
        text
    }
}

fn midnight_before(at: Timestamp) -> Timestamp {
    let midnight = civil(at).date().at(0, 0, 0, 0);
    TimeZone::UTC.to_ambiguous_zoned(midnight).compatible().map_or(at, |midnight| midnight.timestamp())
}

/// 1, 2 or 5 times a power of ten, so that about so many steps reach the top.
fn nice_step(most: f64, steps: f64) -> f64 {
    let rough = (most / steps.max(1.0)).max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(rough)
}

/// A round number at or above a value, for the top of an axis.
pub(super) fn nice_top(most: f64) -> f64 {
    let step = nice_step(most.max(1.0), 5.0);
    (most / step).ceil().max(1.0) * step
}

/// Text for HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, top) in
            [(0.0, 1.0), (3.0, 3.0), (17.0, 20.0), (213.0, 250.0), (272.0, 300.0), (1_930.0, 2_000.0)]
        {
            assert!((nice_top(most) - top).abs() < 1e-9, "{most}: {}", nice_top(most));
        }
    }

    #[test]
    fn markup_in_a_file_name_stays_text() {
        assert_eq!(escape("<b>\"a\" & b</b>"), "&lt;b&gt;&quot;a&quot; &amp; b&lt;/b&gt;");
    }
}
