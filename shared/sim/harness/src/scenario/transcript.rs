//! What a play looks like on paper: only what changes is written, so that an hour of nothing is one line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use spillway_core::outcome::{ActionEnd, ActionResult, CycleReport};
use spillway_core::plan::{Action, Plan};
use spillway_core::report::{LocationReport, NodeReport};

/// Above this many lines about one cycle only the first are written.
const MOST_LINES: usize = 40;
const SOME_LINES: usize = 8;

/// The lines so far, and what was written last of each thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Transcript {
    lines: Vec<String>,
    outcome: String,
    locations: BTreeMap<String, String>,
    nodes: BTreeMap<String, String>,
}

impl Transcript {
    /// A line of its own, such as what a script lets happen.
    pub(super) fn note(&mut self, at: Timestamp, text: &str) {
        self.lines.push(format!("{}  {text}", at.strftime("%H:%M:%S")));
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// What a cycle found and did, as far as it is new.
    pub(super) fn cycle(&mut self, report: &CycleReport) {
        let outcome = match (&report.plan.report.suspension, report.outcome) {
            (Some(gate), outcome) => format!("{outcome}: {gate}"),
            (None, outcome) => outcome.to_string(),
        };
        let mut news = Vec::new();
        if report.outcome != spillway_core::outcome::Outcome::LeaseBusy {
            for location in &report.plan.report.locations {
                let (key, text) = location_text(location);
                if self.locations.insert(location.name.to_string(), key.clone()).as_ref() != Some(&key) {
                    news.push(text);
                }
            }
            for node in &report.plan.report.nodes {
                let (key, text) = node_text(node);
                if self.nodes.insert(node.node.to_string(), key.clone()).as_ref() != Some(&key) {
                    news.push(text);
                }
            }
        }
        // Only in the minutes before a spike, and then in every one of them.
        for hold in report.plan.report.holds.iter().filter(|hold| hold.is_due(report.began_at)) {
            news.push(format!("{}: {}", hold.id, hold.readiness_text()));
        }
        news.extend(report.results.iter().map(|result| format!("=> {}", result_line(result, &report.plan))));
        news.extend(report.violations.iter().map(|broken| format!("!! {broken}")));
        news.extend(report.faults.iter().map(|fault| format!("?? {fault}")));
        if news.is_empty() && self.outcome == outcome {
            return;
        }
        // A platform of a thousand nodes is not read line by line.
        if news.len() > MOST_LINES {
            let more = news.len() - SOME_LINES;
            news.truncate(SOME_LINES);
            news.push(format!("... and {more} lines more: {}", report.summary()));
        }
        self.lines.push(format!("{}  cycle {outcome}", report.began_at.strftime("%H:%M:%S")));
        self.lines.extend(news.into_iter().map(|line| format!("            {line}")));
        self.outcome = outcome;
    }
}

/// The variant of a reason, without its numbers: a number that only counts down is not news.
fn kind<T: serde::Serialize>(reason: &T) -> String {
    let value = serde_json::to_value(reason).unwrap_or_default();
    value.get("why").map_or_else(|| value.to_string(), ToString::to_string)
}

fn location_text(location: &LocationReport) -> (String, String) {
    let mut kinds: Vec<String> = location.reasons.iter().map(kind).collect();
    kinds.push(location.word.to_string());
    let mut text = format!("{}: {} of {} HD calls free", location.name, location.free, location.max);
    if location.booting.0 > 0 {
        text = format!("{text}, {} booting", location.booting);
    }
    let word = location.word.to_string();
    if !word.is_empty() {
        text = format!("{text}; {word}");
    }
    for reason in &location.reasons {
        text = format!("{text}; {reason}");
    }
    (kinds.join(" "), text)
}

fn node_text(node: &NodeReport) -> (String, String) {
    let mut kinds: Vec<String> = node.reasons.iter().map(kind).collect();
    kinds.push(node.phase.to_string());
    let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
    (kinds.join(" "), format!("{}: {} ({})", node.node, node.phase, reasons.join("; ")))
}

/// One action and what became of it.
pub(super) fn result_line(result: &ActionResult, plan: &Plan) -> String {
    let name = |instance: &spillway_core::ids::InstanceId| {
        plan.report
            .nodes
            .iter()
            .find(|node| node.instance == *instance)
            .map_or_else(|| instance.to_string(), |node| node.node.to_string())
    };
    let what = match &result.action {
        Action::Start(start) => format!("start {}: {}", name(&start.instance), start.reason),
        Action::BeginDrain { node, reason, .. } => format!("drain {}: {reason}", node.name),
        Action::CancelDrain { node, because } => format!("cancel the drain of {}: {because}", node.name),
        Action::ConfirmIdle { node, .. } => format!("check that {} is idle", node.name),
        Action::Retire { node, reason } => format!("retire {}: {reason}", node.name),
        Action::Stop { node, reason, .. } => format!("stop {}: {reason}", node.name),
        Action::ClearMaintenance { node } => format!("clear the maintenance mode of {}", node.name),
    };
    let place = result
        .in_place_of
        .as_ref()
        .map_or_else(String::new, |instance| format!(", in place of {}", name(instance)));
    let end = match &result.end {
        ActionEnd::Done => "done".to_owned(),
        ActionEnd::Busy { drain_cancelled: true } => "busy: the drain is cancelled".to_owned(),
        ActionEnd::Busy { drain_cancelled: false } => "busy: left alone".to_owned(),
        ActionEnd::Refused(refusal) => format!("refused: {}", refusal.code),
        ActionEnd::Failed(fault) => format!("failed: {fault}"),
        ActionEnd::OutOfTime => "no time was left".to_owned(),
    };
    format!("{what}{place} -> {end}")
}
