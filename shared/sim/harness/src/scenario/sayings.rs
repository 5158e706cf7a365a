//! Everything a cycle said, line by line: what a script's `says` is held against.

use spillway_core::outcome::CycleReport;

use super::transcript::result_line;

/// Everything a cycle said, line by line.
pub(super) fn sayings(report: &CycleReport) -> Vec<String> {
    let mut all = vec![report.summary()];
    all.extend(report.plan.report.suspension.iter().map(ToString::to_string));
    for location in &report.plan.report.locations {
        let name = &location.name;
        all.push(format!("{name}: {}", location.word));
        all.extend(location.reasons.iter().map(|reason| format!("{name}: {reason}")));
    }
    for node in &report.plan.report.nodes {
        all.extend(node.reasons.iter().map(|reason| format!("{}: {reason}", node.node)));
    }
    for hold in &report.plan.report.holds {
        all.extend(hold.reasons.iter().map(|reason| format!("{}: {reason}", hold.id)));
        if hold.is_due(report.began_at) {
            all.push(format!("{}: {}", hold.id, hold.readiness_text()));
        }
    }
    for issue in &report.plan.report.issues {
        all.push(serde_json::to_string(issue).unwrap_or_default());
    }
    for result in &report.results {
        all.push(result_line(result, &report.plan));
    }
    all.extend(report.violations.iter().map(ToString::to_string));
    all.extend(report.faults.iter().map(ToString::to_string));
    all
}
