//! What a cycle did, as text, as JSON and as an exit code: the same wherever a command runs one.

use serde_json::{Value, json};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::plan::Action;
use spillway_view::clean;

use crate::exit::Exit;
use crate::output;

/// Prints what a cycle did, one line for each action.
pub(crate) fn print(report: &CycleReport) {
    for result in &report.results {
        let (name, why) = about(&result.action);
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        let line = format!("{} {name}{why}: {}", result.action.word(), result.end);
        output::text(&format!("{}\n", clean(&line)));
    }
}

fn about(action: &Action) -> (String, String) {
    match action {
        Action::Start(start) => {
            let name = start.node.as_ref().map_or_else(|| start.instance.to_string(), ToString::to_string);
            (name, start.reason.clone())
        }
        Action::BeginDrain { node, reason, .. }
        | Action::Retire { node, reason }
        | Action::Stop { node, reason, .. } => (node.name.to_string(), reason.clone()),
        Action::CancelDrain { node, because } => (node.name.to_string(), because.to_string()),
        Action::ConfirmIdle { node, .. } | Action::ClearMaintenance { node } => {
            (node.name.to_string(), String::new())
        }
    }
}

/// The exit code for how a cycle ended.
pub(crate) fn exit_of(report: &CycleReport) -> Exit {
    match report.outcome {
        Outcome::Refused => Exit::Refused,
        Outcome::LeaseBusy | Outcome::Outage | Outcome::LedgerDown => Exit::Failed,
        Outcome::NoOp | Outcome::Withheld | Outcome::Acted => {
            let failed = report.results.iter().filter(|result| result.end.is_failure()).count();
            match (failed, report.results.len()) {
                (0, _) => Exit::Done,
                (failed, all) if failed == all => Exit::Failed,
                _ => Exit::Partly,
            }
        }
    }
}

/// The cycle as JSON.
pub(crate) fn cycle_json(report: &CycleReport) -> Value {
    json!({
        "outcome": report.outcome,
        "summary": report.summary(),
        "results": report.results,
        "violations": report.violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "faults": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// Whether another cycle held the lease, so that this one did nothing.
pub(crate) fn lease_was_taken(report: &CycleReport) -> bool {
    report.outcome == Outcome::LeaseBusy
}
