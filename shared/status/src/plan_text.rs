//! A plan as text: what would be done, then why or why not, for every location and node.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_core::plan::Plan;
use spillway_core::report::Purpose;
use spillway_core::safety::Violation;

use crate::clean::clean;
use crate::text::{Paint, Tone};
use crate::time::{local, moment};
use crate::words::action;

/// What is shown beside the plan itself.
#[derive(Debug, Clone)]
pub struct PlanView<'a> {
    /// The reader's zone.
    pub zone: TimeZone,
    /// Now.
    pub now: Timestamp,
    /// Why the actions would not be carried out; `None`: they would be.
    pub withheld: Option<&'a str>,
    /// What the safety check says.
    pub violations: &'a [Violation],
}

/// The plan as text.
pub fn render_plan(plan: &Plan, view: &PlanView<'_>, paint: &impl Paint) -> String {
    let mut text = String::new();
    let mut line = |tone: Tone, line: &str| {
        let _ = writeln!(text, "{}", paint.paint(tone, &clean(&local(line, view.now, &view.zone))));
    };
    line(Tone::Head, &format!("what a cycle would do, as of {}", moment(plan.observed_at, &view.zone)));
    if let Some(gate) = &plan.report.gate {
        line(Tone::Bad, &format!("! {gate}"));
    }
    for violation in view.violations {
        line(Tone::Bad, &format!("! refused by the safety check: {violation}"));
    }
    for each in &plan.actions {
        line(Tone::Warn, &action(each));
    }
    match (plan.actions.is_empty(), view.withheld) {
        (true, _) => line(Tone::Plain, "nothing"),
        (false, Some(why)) => line(Tone::Warn, &format!("withheld: {why}")),
        (false, None) => {}
    }
    line(Tone::Plain, "");
    line(Tone::Head, "WHY");
    for location in &plan.report.locations {
        let mut reasons: Vec<String> = location.reasons.iter().map(ToString::to_string).collect();
        if let Purpose::Principal { overflow } = &location.purpose {
            let word = location.word.to_string();
            let word = if word.is_empty() { word } else { format!(", {word}") };
            reasons.push(format!(
                "{} of {} HD calls free, threshold {}{word}; overflows to {overflow}",
                location.free, location.max, location.threshold
            ));
        }
        line(Tone::Plain, &format!("{}: {}", location.name, reasons.join("; ")));
    }
    for node in &plan.report.nodes {
        let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
        line(Tone::Plain, &format!("{} ({}): {}", node.node, node.phase, reasons.join("; ")));
    }
    for hold in &plan.report.holds {
        let missing = if hold.missing > 0 { format!(", {} missing", hold.missing) } else { String::new() };
        line(Tone::Plain, &format!("hold {}: {} up, {} added{missing}", hold.id, hold.up, hold.added));
    }
    text
}
