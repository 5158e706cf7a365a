//! A plan as text: what would be done, then why or why not, for every location and for each node of which there is more
//! to say than that it is stopped and not needed; those are counted, since a platform may have a thousand of them.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use spillway_core::ids::LocationName;
use spillway_core::plan::Plan;
use spillway_core::report::{NodeReason, NodeReport, Purpose};
use spillway_core::safety::Violation;

use crate::clean::clean;
use crate::paint::{Paint, Tone};
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
    /// Whether nodes that are stopped and not needed are shown one by one.
    pub all: bool,
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
    if let Some(gate) = &plan.report.suspension {
        line(Tone::Bad, &format!("! {gate}"));
    }
    for violation in view.violations {
        line(Tone::Bad, &format!("! the safety check refuses this plan: {violation}"));
    }
    for each in &plan.actions {
        line(Tone::Warn, &action(each));
    }
    match (plan.actions.is_empty(), view.withheld) {
        (true, _) => line(Tone::Plain, "nothing to do"),
        (false, Some(why)) => line(Tone::Warn, &format!("not carried out: {why}")),
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
    let (counted, shown): (Vec<_>, Vec<_>) =
        plan.report.nodes.iter().partition(|node| !view.all && is_at_rest(node));
    for node in shown {
        let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
        line(Tone::Plain, &format!("{} ({}): {}", node.node, node.phase, reasons.join("; ")));
    }
    let mut at_rest: BTreeMap<&LocationName, u32> = BTreeMap::new();
    for node in counted {
        *at_rest.entry(&node.location).or_default() += 1;
    }
    for (location, nodes) in at_rest {
        let nodes = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
        line(Tone::Plain, &format!("{location}: {nodes} {} (--all names them)", NodeReason::Stopped));
    }
    for hold in &plan.report.holds {
        let missing = if hold.missing > 0 { format!(", {} missing", hold.missing) } else { String::new() };
        line(Tone::Plain, &format!("hold {}: {} up, {} added{missing}", hold.id, hold.up, hold.added));
    }
    text
}

/// Whether nothing happens to a node, and nothing is in the way of anything: it is stopped, and that is all.
fn is_at_rest(node: &NodeReport) -> bool {
    node.reasons.iter().all(|reason| *reason == NodeReason::Stopped) && !node.reasons.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use spillway_core::assess::NodePhase;
    use spillway_core::ids::HdCalls;

    fn node(name: &str, location: &str, reason: NodeReason) -> NodeReport {
        NodeReport {
            instance: format!("i-{name}").as_str().into(),
            node: name.into(),
            location: location.into(),
            phase: NodePhase::Stopped,
            since: None,
            capacity: HdCalls(17),
            free: HdCalls(0),
            hosts: false,
            reasons: vec![reason],
        }
    }

    #[test]
    fn a_thousand_stopped_nodes_are_a_line_and_the_others_are_named() {
        let mut plan = Plan::empty(Timestamp::UNIX_EPOCH);
        plan.report.nodes =
            (0..1_000).map(|n| node(&format!("b-{n}"), "Burst", NodeReason::Stopped)).collect();
        plan.report.nodes.push(node("far-1", "Far", NodeReason::Stopped));
        plan.report.nodes.push(node("tired", "Far", NodeReason::Retired));
        plan.report.nodes.push(node(
            "refused",
            "Burst",
            NodeReason::BackingOff { until: Timestamp::UNIX_EPOCH },
        ));
        let left = SignedDuration::from_mins(4);
        plan.report.nodes.push(node("coming", "Burst", NodeReason::Booting { left }));
        let text = |all: bool| {
            let (zone, now) = (TimeZone::UTC, Timestamp::UNIX_EPOCH);
            render_plan(&plan, &PlanView { zone, now, withheld: None, all, violations: &[] }, &())
        };
        let few = text(false);
        assert!(few.lines().count() < 12, "{few}");
        assert!(few.contains("Burst: 1000 nodes stopped, not needed (--all names them)"), "{few}");
        assert!(few.contains("Far: 1 node stopped, not needed"), "{few}");
        for name in
            ["tired (stopped): retired", "refused (stopped): not started again", "coming (stopped): booting"]
        {
            assert!(few.contains(name), "{name}: {few}");
        }
        assert!(!few.contains("b-7 "), "{few}");
        let all = text(true);
        assert!(all.lines().count() > 1_000 && all.contains("b-999 (stopped): stopped, not needed"));
        assert!(!all.contains("--all"), "{all}");
    }
}
