//! A hold in words, and what the next cycle would start for it.

use spillway_core::ledger::{Hold, HoldAmount, HoldScope};
use spillway_core::observation::Observation;
use spillway_core::plan::{Action, Plan};
use spillway_core::report::HoldReport;

use crate::known::KnownState;
use crate::output::{self, Output, counted};
use crate::session::CliSession;

/// What the next cycle would start for these holds.
fn starts_for(session: &CliSession<'_>, known: &KnownState, holds: &[Hold]) -> Plan {
    let mut ledger = known.ledger.clone();
    ledger.holds.retain(|each| holds.iter().all(|hold| hold.id != each.id));
    ledger.holds.extend(holds.iter().map(|hold| Hold { from: hold.from.min(known.now), ..hold.clone() }));
    let observation = Observation {
        observed_at: known.now,
        platform: Ok(known.platform.clone()),
        fleet: Ok(known.fleet.clone()),
    };
    spillway_core::plan_ahead(session.policy(), &observation, &Ok(ledger), None, known.now, &[])
}

/// Says what each hold asks for, and what the next cycle would start for it.
pub(super) fn describe(
    session: &CliSession<'_>,
    known: &KnownState,
    holds: &[Hold],
    now_too: bool,
    output: &Output,
) {
    let plan = starts_for(session, known, holds);
    for hold in holds {
        let (from, until) = (output.minute(hold.from), output.minute(hold.until));
        let from = if now_too { String::new() } else { format!("from {from} ") };
        output::note(&format!("hold {}: {} {from}until {until}", hold.id, subject(session, known, hold)));
        if let Some(report) = plan.report.holds.iter().find(|report| report.id == hold.id) {
            let HoldReport { up, added, missing, .. } = report;
            let when = if now_too { "" } else { "as things are now, " };
            let (up, added) = (counted(*up, "node"), counted(*added, "node"));
            let unit = if matches!(hold.amount, HoldAmount::HdCalls(_)) { "HD call" } else { "node" };
            let still = match missing {
                0 => String::new(),
                missing => format!("; {} would still be missing", counted(*missing, unit)),
            };
            output::note(&format!("  {up} up already; {when}{added} would start{still}"));
        }
    }
    for start in named_starts(&plan, holds) {
        output::note(&format!("  start {start}"));
    }
}

/// What is held, in words: a node by its name where it has one.
pub(super) fn subject(session: &CliSession<'_>, known: &KnownState, hold: &Hold) -> String {
    match &hold.scope {
        HoldScope::All => format!("{} everywhere", hold.amount),
        HoldScope::Location(name) => format!("{} in {name}", hold.amount),
        HoldScope::Node(id) => match known.held_node(session.policy(), hold) {
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
