//! The log: one summary line per cycle, one line per action, as JSON. A sentence and fields; secrets never.

use std::process::ExitCode;

use spillway_core::fault::Fault;
use spillway_core::outcome::{ActionEnd, CycleReport, Outcome};
use spillway_core::plan::Action;
use spillway_core::prewarm::{PrewarmEnd, Prewarmed, SpecError};
use spillway_core::reconcile::ReconcileReport;
use spillway_engine::learning::Learned;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Percent of a window's nodes that should be ready in the last minutes before its spike; the alarm's threshold too.
const READY_ENOUGH: u32 = 90;

/// JSON lines on standard output, at `info` unless `RUST_LOG` says otherwise (a level, or `target=level` by commas).
pub fn init() {
    let asked = std::env::var("RUST_LOG").ok();
    let levels = asked.as_deref().and_then(|text| text.parse().ok());
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false);
    // Not an `EnvFilter`: it brings regular expressions, which a function pays for at every start.
    let levels = levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    tracing_subscriber::registry().with(lines).with(levels).init();
}

/// How a function's process ends. One that could not start or serve says why: its log is all there is.
pub fn ended(served: anyhow::Result<()>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What was learned of the platform's days, or why nothing was.
pub fn learned(platform: &str, learned: &Result<Option<Learned>, Fault>) {
    match learned {
        Ok(None) => {}
        Ok(Some(learned)) => {
            for (principal, profile) in &learned.profiles {
                let days = profile.working.as_ref().map_or(0, |curves| curves.days);
                let left_out: Vec<String> =
                    profile.left_out.iter().map(|(day, why)| format!("{day}: {why}")).collect();
                tracing::info!(
                    platform,
                    principal = principal.as_str(),
                    until = %learned.until,
                    working_days = days,
                    left_out = left_out.join("; "),
                    "the forecast has learned"
                );
            }
        }
        Err(fault) => tracing::warn!(
            platform,
            error = %fault,
            remedy = %fault.remedy,
            "the forecast could not learn or recall; the threshold and the rate of rise go on"
        ),
    }
}

/// A cycle.
pub fn cycle(platform: &str, report: &CycleReport) {
    for result in &report.results {
        let reason = match &result.action {
            Action::Start(start) => start.reason.as_str(),
            Action::BeginDrain { reason, .. }
            | Action::Stop { reason, .. }
            | Action::Retire { reason, .. } => reason.as_str(),
            Action::CancelDrain { .. } | Action::ConfirmIdle { .. } | Action::ClearMaintenance { .. } => "",
        };
        log_action(result.action.word(), result.action.instance().as_str(), &result.end, reason);
    }
    for fault in &report.faults {
        tracing::warn!(error = %fault, remedy = %fault.remedy, "a write or a check failed; the actions went on");
    }
    readiness(platform, report);
    let locations = serde_json::to_string(&locations(report)).unwrap_or_default();
    let nodes = serde_json::to_string(&crate::metrics::nodes_by_phase(report)).unwrap_or_default();
    let took = report.took.as_millis();
    let (outcome, sentence) = (report.outcome.word(), report.summary());
    if report.outcome.is_good() || report.outcome == Outcome::LeaseBusy {
        tracing::info!(platform, cycle.outcome = outcome, duration_ms = took, locations, nodes, "{sentence}");
    } else {
        tracing::error!(
            platform,
            cycle.outcome = outcome,
            duration_ms = took,
            locations,
            nodes,
            "{sentence}"
        );
    }
}

/// Issues that one sweep names. They do not heal by themselves, so they come again with each sweep, and lines cost money.
const MOST_ISSUES: usize = 20;

/// A pass of the reconciler: a line for each change, and one that sums it up.
pub fn reconcile(platform: &str, report: &ReconcileReport) {
    for result in &report.results {
        let node = result.action.node();
        let entry = report.plan.nodes.iter().find(|entry| entry.instance == node.instance);
        let why: Vec<String> =
            entry.into_iter().flat_map(|entry| &entry.reasons).map(ToString::to_string).collect();
        log_action(result.action.word(), node.instance.as_str(), &result.end, &why.join("; "));
    }
    let issues: Vec<_> = report
        .plan
        .nodes
        .iter()
        .flat_map(|entry| entry.reasons.iter().map(move |reason| (entry, reason)))
        .filter(|(_, reason)| report.sweep && reason.is_issue())
        .collect();
    for (entry, reason) in issues.iter().take(MOST_ISSUES) {
        let node = entry.node.as_ref().map_or("", |node| node.as_str());
        tracing::warn!(instance.id = %entry.instance, node.name = node, "{reason}");
    }
    if issues.len() > MOST_ISSUES {
        tracing::warn!(issues = issues.len(), "more addresses need attention than are named here");
    }
    for fault in &report.faults {
        tracing::warn!(error = %fault, remedy = %fault.remedy, "a read or a write of a record failed");
    }
    let (outcome, sentence, took) = (report.outcome.word(), report.summary(), report.took.as_millis());
    let (sweep, wrong) = (report.sweep, report.wrong_now());
    if report.outcome.is_good() {
        tracing::info!(platform, reconcile.outcome = outcome, sweep, wrong, duration_ms = took, "{sentence}");
    } else {
        tracing::error!(
            platform,
            reconcile.outcome = outcome,
            sweep,
            wrong,
            duration_ms = took,
            "{sentence}"
        );
    }
}

/// A message from the queue that is not understood.
pub fn message_not_understood(platform: &str, message: &str, why: &str) {
    tracing::warn!(
        platform,
        message.id = message,
        "a message from the queue is not understood and is dropped: {why}"
    );
}

/// How ready the nodes of pre-warm windows are, in the minutes before the spike: one line for each.
fn readiness(platform: &str, report: &CycleReport) {
    for hold in report.plan.report.holds.iter().filter(|hold| hold.is_due(report.began_at)) {
        let Some(spike) = hold.spike_at else { continue };
        let (percent, id) = (hold.percent(), hold.id.as_str());
        let known = hold.readiness_text();
        if percent.is_none_or(|percent| percent < READY_ENOUGH) {
            tracing::warn!(platform, hold = id, percent, "{id} before its spike at {spike}: {known}");
        } else {
            tracing::info!(platform, hold = id, percent, "{id} before its spike at {spike}: {known}");
        }
    }
}

/// A pre-warm window that fired.
pub fn prewarm(platform: &str, fired: &Prewarmed) {
    let (window, sentence) = (fired.window.as_str(), fired.summary());
    let scheduled = fired.scheduled_at.to_string();
    let cut_short = match &fired.end {
        PrewarmEnd::Held(held) => !held.unchecked.is_empty() || held.hold.asked.is_some(),
        PrewarmEnd::Skipped { .. } => false,
        PrewarmEnd::Over { .. } => true,
        PrewarmEnd::Refused(_) | PrewarmEnd::NotWritten(_) => {
            tracing::error!(platform, window, scheduled, remedy = %fired.remedy(), "{sentence}");
            return;
        }
    };
    if cut_short {
        tracing::warn!(platform, window, scheduled, "{sentence}");
    } else {
        tracing::info!(platform, window, scheduled, "{sentence}");
    }
}

/// A pre-warm payload that is refused.
pub fn bad_payload(platform: &str, error: &SpecError) {
    let remedy =
        "correct the input of the window's schedule: spillway prewarm list names what is wrong with it";
    tracing::error!(platform, remedy, "{error}");
}

/// A cycle that could not begin.
pub fn refusal(platform: &str, fault: &Fault) {
    tracing::error!(platform, cycle.outcome = "refused", remedy = %fault.remedy, "{fault}");
}

fn log_action(word: &str, instance: &str, end: &ActionEnd, reason: &str) {
    match end {
        ActionEnd::Done => tracing::info!(instance.id = instance, action = word, reason, "done"),
        ActionEnd::Busy { drain_cancelled } => {
            tracing::info!(
                instance.id = instance,
                action = word,
                drain_cancelled,
                "not done: something runs on the node"
            );
        }
        ActionEnd::Refused(refusal) => {
            tracing::warn!(instance.id = instance, action = word, code = %refusal.code, "EC2 refused: {}", refusal.message);
        }
        ActionEnd::Failed(fault) => {
            tracing::warn!(instance.id = instance, action = word, remedy = %fault.remedy, "{fault}");
        }
        ActionEnd::OutOfTime => {
            tracing::warn!(instance.id = instance, action = word, "not begun: too little time was left");
        }
    }
}

fn locations(report: &CycleReport) -> std::collections::BTreeMap<&str, u32> {
    report.plan.report.locations.iter().map(|location| (location.name.as_str(), location.free.0)).collect()
}
