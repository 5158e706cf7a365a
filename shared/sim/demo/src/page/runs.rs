//! Runs of overflow nodes as bars, one row a node: booting, ready, with calls, draining. Why a node was started and
//! stopped is what a bar says when the pointer rests on it.

use std::fmt::Write as _;

use super::frame::{Frame, Size, Window, escape};
use crate::play::Played;
use crate::story::clock;
use crate::timeline::{NodeRun, Phase};

/// A row is at most this high, and all rows together about this.
const ROW: f64 = 17.0;
const ALL_ROWS: f64 = 520.0;

pub(super) fn colour(phase: Phase) -> &'static str {
    match phase {
        Phase::Booting => "var(--booting)",
        Phase::Idle => "var(--idle)",
        Phase::Busy => "var(--busy)",
        Phase::Draining => "var(--draining)",
    }
}

/// The bars.
pub(super) fn runs_chart(played: &Played, window: Window) -> String {
    let mut names: Vec<&str> = played.runs.iter().map(|run| run.node.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return "<p class=\"muted\">No overflow node was started.</p>\n".to_owned();
    }
    Size::BOTH
        .iter()
        .map(|size| {
            let row = (ALL_ROWS / names.len() as f64).clamp(3.0, ROW);
            let most = names.len() as f64;
            let frame = Frame { size: *size, window, height: row * most, most };
            let mut drawn = String::new();
            // As many names as can be read; the rest can be counted.
            let every = (15.0 / row).ceil() as usize;
            for (n, name) in names.iter().enumerate() {
                let y = frame.y(most - n as f64);
                if n % every == 0 {
                    let short = name.rsplit('-').next().unwrap_or(name);
                    let label = if *size == Size::Wide { name } else { short };
                    let _ = write!(
                        drawn,
                        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                        frame.left() - 6.0,
                        y + row / 2.0 + 4.0,
                        escape(label)
                    );
                }
                for run in played.runs.iter().filter(|run| run.node.as_str() == *name) {
                    drawn.push_str(&bar(&frame, run, y, row));
                }
            }
            frame.svg("Runs of the overflow nodes over the day", &drawn)
        })
        .collect()
}

fn bar(frame: &Frame, run: &NodeRun, y: f64, row: f64) -> String {
    let mut text = format!("<g class=\"run\"><title>{}</title>", escape(&story(run)));
    for span in &run.spans {
        let (from, until) = (frame.x(span.from), frame.x(span.until));
        if until <= from {
            continue;
        }
        let _ = write!(
            text,
            "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            y + row * 0.1,
            until - from,
            row * 0.8,
            colour(span.phase),
        );
    }
    text.push_str("</g>");
    text
}

/// A run in a few lines.
fn story(run: &NodeRun) -> String {
    let mut text = run.node.to_string();
    let mut add = |what: &str, at: Option<jiff::Timestamp>, why: &str| {
        if let Some(at) = at {
            let gap = if why.is_empty() { "" } else { ": " };
            let _ = write!(text, "\n{} {what}{gap}{why}", clock(at));
        }
    };
    add(if run.started.is_empty() { "running" } else { "started" }, run.from(), &run.started);
    let first = |wanted: fn(Phase) -> bool| run.spans.iter().find(|s| wanted(s.phase)).map(|s| s.from);
    if run.spans.first().is_some_and(|span| span.phase == Phase::Booting) {
        add("ready", first(|phase| matches!(phase, Phase::Idle | Phase::Busy)), "");
    }
    add("first call", first(|phase| phase == Phase::Busy), "");
    add("draining", first(|phase| phase == Phase::Draining), "");
    match &run.stopped {
        Some(why) => add("stopped", run.until(), why),
        None => add("still running", run.until(), ""),
    }
    text
}
