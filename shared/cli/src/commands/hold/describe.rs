//! A hold in words: from when until when, what it starts, when that is ready and what it costs.

use spillway_core::ledger::{Hold, HoldAmount, HoldScope};
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Policy;
use spillway_core::report::HoldReport;
use spillway_view::time::span;

use super::cost::{cost, held};
use super::times::Times;
use crate::foreseen::Foreseen;
use crate::known::KnownState;
use crate::output::{Output, counted};

/// What the first cycle that knows these holds would do.
fn foreseen(policy: &Policy, known: &KnownState, holds: &[Hold]) -> Foreseen {
    let mut ledger = known.ledger.clone();
    ledger.holds.retain(|each| holds.iter().all(|hold| hold.id != each.id));
    ledger.holds.extend(holds.iter().map(|hold| Hold { from: hold.from.min(known.now), ..hold.clone() }));
    known.foresee(policy, ledger, &[])
}

/// What each hold asks for, and what would be started for it; of one that begins now, all that the cycle would do.
pub(super) fn lines(
    policy: &Policy,
    known: &KnownState,
    holds: &[Hold],
    times: &Times,
    output: &Output,
) -> Vec<String> {
    let foreseen = foreseen(policy, known, holds);
    let plan = &foreseen.plan;
    let view = known.assessed(policy);
    let mut lines = Vec::new();
    for hold in holds {
        lines.push(format!("hold {}: {} {}", hold.id, subject(policy, known, hold), period(times, output)));
        if let Some(before) = known.ledger.holds.iter().find(|before| before.id == hold.id) {
            lines.push(format!("  it takes the place of the one until {}", output.minute(before.until)));
        }
        let Some(report) = plan.report.holds.iter().find(|report| report.id == hold.id) else { continue };
        let HoldReport { up, added, missing, .. } = report;
        let when = if times.is_now() { "" } else { "as things are now, " };
        let (up, starts) = (counted(*up, "node"), counted(*added, "node"));
        let unit = if matches!(hold.amount, HoldAmount::HdCalls(_)) { "HD call" } else { "node" };
        let still = match missing {
            0 => String::new(),
            missing => format!("; {} would still be missing", counted(*missing, unit)),
        };
        lines.push(format!("  {up} up already; {when}{starts} would start{still}"));
        if *added > 0 {
            lines.push(format!("  {}", ready(times, output)));
        }
        let kept = held(&view, plan, hold);
        if !kept.is_empty() {
            lines.push(format!("  {}", cost(policy, &kept, times.length())));
        }
    }
    if times.is_now() {
        lines.extend(foreseen.lines(&output.zone));
    } else {
        lines.extend(named_starts(plan, holds).into_iter().map(|start| format!("  start {start}")));
    }
    lines
}

/// `from 2026-03-02 08:40 CET until 2026-03-02 10:00 CET (80 min), to be ready by 2026-03-02 08:50 CET`.
fn period(times: &Times, output: &Output) -> String {
    let from = if times.is_now() { String::new() } else { format!("from {} ", output.minute(times.from)) };
    let by = times.ready_by.map(|by| format!(", to be ready by {}", output.minute(by))).unwrap_or_default();
    format!("{from}until {} ({}){by}", output.minute(times.until), span(times.length()))
}

/// When what is started is ready, and what to do where that is later than somebody may think.
fn ready(times: &Times, output: &Output) -> String {
    let about = times.ready_about();
    let text = format!("ready about {}", output.minute(about));
    match times.ready_by {
        Some(by) if about > by => {
            format!("{text}, which is after {}: a node takes about 5 minutes to boot", output.minute(by))
        }
        None if !times.is_now() => {
            let from = output.clock(times.from);
            format!(
                "{text}: starts begin at {from}; to have nodes ready by then, use --ready-by in place of --from"
            )
        }
        _ => text,
    }
}

/// What is held, in words: a node by its name where it has one.
pub(super) fn subject(policy: &Policy, known: &KnownState, hold: &Hold) -> String {
    match &hold.scope {
        HoldScope::All => format!("{} everywhere", hold.amount),
        HoldScope::Location(name) => format!("{} in {name}", hold.amount),
        HoldScope::Node(id) => match known.held_node(policy, hold) {
            Some(found) => format!("node {}", found.node.name),
            None => format!("the node on {id}"),
        },
    }
}

fn named_starts(plan: &Plan, holds: &[Hold]) -> Vec<String> {
    plan.actions
        .iter()
        .filter_map(|action| match action {
            Action::Start(start)
                if start.hold.as_ref().is_some_and(|id| holds.iter().any(|hold| hold.id == *id)) =>
            {
                Some(start.node.as_ref().map_or_else(|| start.instance.to_string(), ToString::to_string))
            }
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;
    use spillway_core::ids::HdCalls;
    use spillway_world::CallSpec;

    use super::super::times::Begins;
    use super::*;
    use crate::staged;

    fn output() -> Output {
        Output { json: false, zone: TimeZone::UTC, terminal: false }
    }

    /// What is shown of a hold of this amount on a platform where one overflow node runs.
    fn shown(amount: HoldAmount, begins: Begins<'_>, until: Option<&str>) -> Vec<String> {
        let harness = staged::harness(1);
        let (known, policy) = (staged::known(&harness), harness.policy());
        let times = Times::read(begins, None, until, policy, &TimeZone::UTC, known.now).unwrap();
        let hold = staged::hold(&harness, "operator-1", HoldScope::All, amount);
        let hold = Hold { from: times.from, until: times.until, ..hold };
        lines(policy, &known, &[hold], &times, &output())
    }

    #[test]
    fn an_end_that_is_tomorrows_is_seen_by_its_length_and_its_cost() {
        let lines = shown(HoldAmount::Nodes(2), Begins::Now, Some("07:00"));
        assert_eq!(
            lines,
            [
                "hold operator-1: 2 nodes everywhere until 2026-03-03 07:00 UTC (23 h 00 min)",
                "  1 node up already; 1 node would start",
                "  ready about 2026-03-02 08:05 UTC",
                "  2 nodes for 23 h 00 min: 46.0 node-hours, 23.00 at the policy's prices",
                "would start down-1 in Burst: hold operator-1: a rehearsal",
            ]
        );
    }

    #[test]
    fn from_a_time_on_says_that_nodes_are_ready_later_and_ready_by_does_not() {
        let from = shown(HoldAmount::HdCalls(HdCalls(20)), Begins::From("09:00"), None);
        assert_eq!(
            from[2],
            "  ready about 2026-03-02 09:05 UTC: starts begin at 09:00; to have nodes ready by then, use --ready-by in place of --from"
        );
        let by = shown(HoldAmount::HdCalls(HdCalls(20)), Begins::ReadyBy("09:00"), None);
        assert_eq!(
            by[0],
            "hold operator-1: 20 HD calls everywhere from 2026-03-02 08:50 UTC until 2026-03-02 10:00 UTC (70 min), to be ready by 2026-03-02 09:00 UTC"
        );
        assert_eq!(by[2], "  ready about 2026-03-02 08:55 UTC");
        let late = shown(HoldAmount::AllNodes, Begins::ReadyBy("08:03"), None);
        assert!(
            late[2].contains("ready about 2026-03-02 08:05 UTC, which is after 2026-03-02 08:03 UTC"),
            "{late:?}"
        );
    }

    #[test]
    fn what_is_up_already_needs_no_start_and_costs_all_the_same() {
        let lines = shown(HoldAmount::Nodes(1), Begins::Now, None);
        assert_eq!(lines[1], "  1 node up already; 0 nodes would start");
        assert_eq!(lines[2], "  1 node for 60 min: 1.0 node-hours, 0.50 at the policy's prices");
        assert_eq!(lines.len(), 3, "{lines:?}");
    }

    #[test]
    fn what_the_cycle_does_beside_the_hold_is_shown_too() {
        let harness = staged::harness(1);
        harness.world().call_many("HQ", 48, CallSpec::HD);
        harness.advance(SignedDuration::from_mins(2));
        let (known, policy) = (staged::known(&harness), harness.policy());
        let times = Times::read(Begins::Now, None, None, policy, &TimeZone::UTC, known.now).unwrap();
        let hold = staged::hold(&harness, "operator-1", HoldScope::All, HoldAmount::Nodes(1));
        let lines = lines(policy, &known, &[hold], &times, &output());
        assert!(lines[3].starts_with("would start down-1 in Burst: needed: HQ has "), "{lines:?}");
    }

    #[test]
    fn a_hold_that_takes_the_place_of_another_says_so() {
        let harness = staged::harness(1);
        let mut known = staged::known(&harness);
        let hold = staged::hold(&harness, "operator-1", HoldScope::All, HoldAmount::Nodes(1));
        known.ledger.holds.push(Hold { until: hold.until + SignedDuration::from_hours(8), ..hold.clone() });
        let times =
            Times::read(Begins::Now, None, None, harness.policy(), &TimeZone::UTC, known.now).unwrap();
        let lines = lines(harness.policy(), &known, &[hold], &times, &output());
        assert_eq!(lines[1], "  it takes the place of the one until 2026-03-02 17:00 UTC");
    }
}
