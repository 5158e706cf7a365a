//! CloudWatch metrics in the embedded metric format: lines in the log that CloudWatch turns into metrics, without a
//! call. Each metric and set of dimensions costs money every month, so there are few.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use spillway_core::assess::NodePhase;
use spillway_core::outcome::{ActionEnd, CycleReport, Outcome};
use spillway_core::plan::Action;
use spillway_core::reconcile::ReconcileReport;
use spillway_core::report::Suspension;

const NAMESPACE: &str = "Spillway";

/// The node states that are counted; a state that nobody is in is reported as 0, so that a graph has no gaps.
const PHASES: [NodePhase; 7] = [
    NodePhase::Ready,
    NodePhase::Booting,
    NodePhase::Stopped,
    NodePhase::Maintenance,
    NodePhase::Degraded,
    NodePhase::FailedStart,
    NodePhase::Stopping,
];

/// Writes metrics to standard output.
pub fn write(lines: &[Value]) {
    let mut out = std::io::stdout().lock();
    for line in lines {
        // A log that cannot be written has nowhere to say so.
        let _ = writeln!(out, "{line}");
    }
}

/// The metrics of an invocation that had no settings to run a cycle with.
pub fn of_refusal(platform: &str, at: Timestamp) -> Vec<Value> {
    let values = vec![("GoodCycles", "Count", json!(0)), ("RefusedCycles", "Count", json!(1))];
    vec![line(at, platform, None, values)]
}

/// The metrics of a cycle.
pub fn of_cycle(platform: &str, report: &CycleReport) -> Vec<Value> {
    let at = report.began_at;
    // A stale cycle has read nothing: its zeros would be lies.
    if report.outcome == Outcome::LeaseBusy {
        return vec![line(at, platform, None, vec![("LeaseBusyCycles", "Count", json!(1))])];
    }
    let attention = report.plan.report.attention();
    let is_paused = report.outcome == Outcome::Refused
        && report.violations.is_empty()
        && matches!(report.plan.report.suspension, Some(Suspension::Paused { .. }));
    let mut values = vec![
        // A pause is somebody's decision, and ends by itself: nobody is woken for it.
        ("GoodCycles", "Count", json!(u32::from(report.outcome.is_good() || is_paused))),
        ("PausedCycles", "Count", json!(u32::from(is_paused))),
        ("RefusedCycles", "Count", json!(u32::from(report.outcome == Outcome::Refused))),
        ("FailedStarts", "Count", json!(failed_starts(report))),
        (
            "RefusedStartsWithStoppedNodes",
            "Count",
            json!(report.unreplaced_starts() + report.starts_that_fell_back()),
        ),
        ("UncoveredShortfall", "Count", json!(report.plan.report.uncovered_shortfall().0)),
        ("DroppedByUs", "Count", json!(report.plan.report.dropped_by_us)),
        ("StuckDrains", "Count", json!(attention.stuck_drains)),
        ("RefusedStops", "Count", json!(attention.refused_stops)),
        ("StuckUpgrades", "Count", json!(attention.stuck_upgrades)),
        ("NodesWithoutUse", "Count", json!(attention.nodes_without_calls)),
        ("CycleDuration", "Milliseconds", json!(report.took.as_millis())),
    ];
    // Only while a spike is near: the alarm on it treats silence as good. So silence must not hide: see there.
    if let Some(percent) = report.plan.report.prewarm_ready(at, report.last_good) {
        values.push(("PrewarmReady", "Percent", json!(percent)));
    }
    if let Some(last_good) = report.last_good {
        let age = at.duration_since(last_good).as_secs().max(0);
        values.push(("LastGoodCycleAge", "Seconds", json!(age)));
    }
    let counts = nodes_by_phase(report);
    let names: Vec<(String, u32)> =
        counts.iter().map(|(phase, count)| (metric_name(*phase), *count)).collect();
    if !report.plan.report.locations.is_empty() {
        values.extend(names.iter().map(|(name, count)| (name.as_str(), "Count", json!(count))));
    }
    let mut lines = vec![line(at, platform, None, values)];
    for location in &report.plan.report.locations {
        let free = vec![("FreeHdCalls", "Count", json!(location.free.0))];
        lines.push(line(at, platform, Some(location.name.as_str()), free));
    }
    lines
}

/// The metrics of a pass of the reconciler. How many addresses are wrong only a sweep can say: it looks at all of them.
pub fn of_reconcile(platform: &str, report: &ReconcileReport) -> Vec<Value> {
    let failures = report.failed() + report.faults.len();
    let mut values = vec![
        ("AddressesChanged", "Count", json!(report.changed())),
        ("ReconcileFailures", "Count", json!(failures)),
    ];
    if report.sweep && report.outcome != Outcome::Outage {
        values.push(("AddressesWrongNow", "Count", json!(report.wrong_now())));
    }
    vec![line(report.began_at, platform, None, values)]
}

/// The metrics of an invocation that had no settings to run a pass with.
pub fn of_failed_reconcile(platform: &str, at: Timestamp) -> Vec<Value> {
    vec![line(at, platform, None, vec![("ReconcileFailures", "Count", json!(1))])]
}

fn failed_starts(report: &CycleReport) -> usize {
    let refused = report
        .results
        .iter()
        .filter(|result| matches!((&result.action, &result.end), (Action::Start(_), ActionEnd::Refused(_))))
        .count();
    let failed = report
        .plan
        .events
        .iter()
        .filter(|event| event.kind == spillway_core::ledger::EventKind::StartFailed)
        .count();
    refused + failed
}

/// Overflow nodes by state.
pub(crate) fn nodes_by_phase(report: &CycleReport) -> BTreeMap<NodePhase, u32> {
    let mut counts: BTreeMap<NodePhase, u32> = PHASES.iter().map(|phase| (*phase, 0)).collect();
    for node in &report.plan.report.nodes {
        *counts.entry(node.phase).or_default() += 1;
    }
    counts
}

/// `failed start` is `NodesFailedStart`.
fn metric_name(phase: NodePhase) -> String {
    let words = phase.word().split(' ').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    "Nodes".to_owned() + &words.collect::<String>()
}

/// One line: a metric per value, by platform, and by location where there is one.
pub fn line(
    at: Timestamp,
    platform: &str,
    location: Option<&str>,
    values: Vec<(&str, &str, Value)>,
) -> Value {
    let metrics: Vec<Value> =
        values.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut dimensions = vec!["Platform"];
    let mut object = Map::new();
    object.insert("Platform".to_owned(), json!(platform));
    if let Some(location) = location {
        dimensions.push("Location");
        object.insert("Location".to_owned(), json!(location));
    }
    for (name, _, value) in values {
        object.insert(name.to_owned(), value);
    }
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics});
    let aws = json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive]});
    object.insert("_aws".to_owned(), aws);
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::plan::Plan;
    use spillway_core::report::{HoldReport, Readiness};

    fn at() -> Timestamp {
        "2026-03-02T09:00:00Z".parse().unwrap()
    }

    fn report(outcome: Outcome) -> Vec<Value> {
        of_cycle("acme", &cycle(outcome))
    }

    fn cycle(outcome: Outcome) -> CycleReport {
        CycleReport {
            outcome,
            began_at: at(),
            took: jiff::SignedDuration::from_millis(120),
            last_good: Some(at() - jiff::SignedDuration::from_secs(180)),
            plan: Plan::empty(at()),
            results: Vec::new(),
            violations: Vec::new(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn every_metric_that_is_declared_has_its_value_beside_it() {
        let cycles = [Outcome::NoOp, Outcome::Outage, Outcome::LeaseBusy].map(report);
        for line in cycles.into_iter().chain([of_refusal("acme", at())]).flatten() {
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            for metric in directive["Metrics"].as_array().unwrap() {
                assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{line}");
            }
            for dimension in directive["Dimensions"][0].as_array().unwrap() {
                assert!(line[dimension.as_str().unwrap()].is_string(), "{line}");
            }
            assert_eq!(line["_aws"]["Timestamp"], at().as_millisecond());
        }
    }

    #[test]
    fn only_a_sweep_says_how_many_addresses_are_wrong() {
        use spillway_core::reconcile::{AddressPlan, ReconcileReport};
        let report = |sweep, outcome| {
            let report = ReconcileReport {
                outcome,
                sweep,
                began_at: at(),
                took: jiff::SignedDuration::ZERO,
                plan: AddressPlan::empty(at()),
                results: Vec::new(),
                faults: Vec::new(),
                again: std::collections::BTreeSet::new(),
                early: std::collections::BTreeSet::new(),
            };
            of_reconcile("acme", &report)[0].clone()
        };
        assert_eq!(report(true, Outcome::NoOp)["AddressesWrongNow"], 0);
        assert_eq!(report(false, Outcome::NoOp)["AddressesWrongNow"], Value::Null);
        assert_eq!(report(true, Outcome::Outage)["AddressesWrongNow"], Value::Null, "it saw nothing");
        assert_eq!(report(false, Outcome::Acted)["AddressesChanged"], 0);
        assert_eq!(of_failed_reconcile("acme", at())[0]["ReconcileFailures"], 1);
    }

    #[test]
    fn only_a_cycle_that_read_everything_is_good() {
        let good = |outcome| report(outcome)[0]["GoodCycles"].clone();
        assert_eq!(good(Outcome::NoOp), 1);
        assert_eq!(good(Outcome::Outage), 0);
        assert_eq!(good(Outcome::LeaseBusy), Value::Null, "a stale cycle says nothing about the platform");
        assert_eq!(report(Outcome::Outage)[0]["LastGoodCycleAge"], 180);
        assert_eq!(of_refusal("acme", at())[0]["GoodCycles"], 0);
    }

    #[test]
    fn a_pause_wakes_nobody() {
        let mut paused = cycle(Outcome::Refused);
        let by = spillway_core::ledger::Actor::Person("anna".to_owned());
        paused.plan.report.suspension =
            Some(Suspension::Paused { until: at(), by, reason: "moving racks".to_owned() });
        let line = of_cycle("acme", &paused)[0].clone();
        assert_eq!((&line["GoodCycles"], &line["PausedCycles"]), (&json!(1), &json!(1)));
    }

    #[test]
    fn how_ready_a_window_is_is_said_in_the_three_minutes_before_its_spike_and_only_then() {
        let ready = |seconds: i64, readiness: Option<Readiness>, good_ago: Option<i64>| {
            let mut plan = Plan::empty(at());
            plan.report.holds.push(HoldReport {
                id: "w".into(),
                up: 1,
                added: 0,
                missing: 0,
                until: at() + jiff::SignedDuration::from_hours(1),
                spike_at: Some(at() + jiff::SignedDuration::from_secs(seconds)),
                readiness,
                reasons: Vec::new(),
            });
            let report = CycleReport {
                outcome: Outcome::NoOp,
                began_at: at(),
                took: jiff::SignedDuration::ZERO,
                last_good: good_ago.map(|seconds| at() - jiff::SignedDuration::from_secs(seconds)),
                plan,
                results: Vec::new(),
                violations: Vec::new(),
                faults: Vec::new(),
            };
            of_cycle("acme", &report)[0]["PrewarmReady"].clone()
        };
        let known = Some(Readiness { ready: 8, percent: 80, ..Readiness::default() });
        let said: Vec<Value> = [181, 180, 60, 0, -1].map(|seconds| ready(seconds, known, Some(0))).into();
        assert_eq!(said, [Value::Null, json!(80), json!(80), json!(80), Value::Null]);
        // A reading that failed: once is not "none is ready", twice in a row hides nothing.
        assert_eq!(ready(60, None, Some(61)), Value::Null, "the next one is a minute away");
        assert_eq!(ready(60, None, Some(121)), 0);
        assert_eq!(ready(60, None, None), 0, "there never was a good one");
        assert_eq!(ready(181, None, None), Value::Null, "no spike is near");
    }

    #[test]
    fn names_are_words_without_spaces() {
        assert_eq!(metric_name(NodePhase::FailedStart), "NodesFailedStart");
        assert_eq!(metric_name(NodePhase::Ready), "NodesReady");
    }
}
