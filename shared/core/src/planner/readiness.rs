//! How ready the nodes of each hold are, at the end of the plan: ready, late or failed, with their static NAT address
//! and their version. It decides nothing; somebody who is told three minutes before the spike still can.

use jiff::Timestamp;

use super::draft::Draft;
use super::hold::{Up, current, is_reached, members, report_of, up_for};
use crate::assess::Phase;
use crate::ids::HdCalls;
use crate::ledger::{Hold, HoldAmount, Ledger};
use crate::observation::InstanceState;
use crate::plan::Plan;
use crate::report::{NodeReason, Readiness};

/// Completes the reports of the holds; those that no rule looked at are reported too.
pub(super) fn report_holds(draft: &mut Draft<'_>) {
    let ledger = draft.ledger;
    draft.plan.report.held = super::hold_status::hold_status(draft);
    for hold in current(ledger, draft.now) {
        let readiness = Some(readiness_of(draft, hold));
        if let Some(report) = draft.plan.report.holds.iter_mut().find(|report| report.id == hold.id) {
            report.readiness = readiness;
        } else {
            let (up, all) = up_for(draft, hold);
            let report = report_of(hold, up.nodes, up, all);
            draft.plan.report.holds.push(crate::report::HoldReport { readiness, ..report });
        }
    }
}

/// The same where the world could not be read: what is not known is not ready.
pub(super) fn report_unseen(ledger: &Ledger, now: Timestamp, plan: &mut Plan) {
    for hold in current(ledger, now) {
        if plan.report.holds.iter().any(|report| report.id == hold.id) {
            continue;
        }
        let known = ledger.nodes.iter().filter(|(id, record)| {
            record.location.as_ref().is_some_and(|(_, location)| hold.covers(id, Some(location)))
        });
        let all = u32::try_from(known.count()).unwrap_or(u32::MAX);
        plan.report.holds.push(report_of(hold, 0, Up::default(), all));
    }
}

fn readiness_of(draft: &Draft<'_>, hold: &Hold) -> Readiness {
    let members = members(draft, hold);
    let all = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let mut readiness = Readiness::default();
    let mut useful = Up::default();
    for node in members {
        let nat_right = is_reached(draft, node);
        let runs = node.instance.state == InstanceState::Running;
        readiness.nat_wrong += u32::from(runs && !nat_right);
        readiness.version_behind += u32::from(node.behind);
        match &node.phase {
            Phase::Ready if !draft.is_up(node) => {}
            Phase::Ready => {
                readiness.ready += u32::from(nat_right);
                if nat_right {
                    useful.add(node.capacity);
                }
            }
            Phase::Booting { .. } => readiness.booting += 1,
            Phase::FailedStart { .. } => readiness.failed += 1,
            _ if draft.started.contains(&node.instance.id) => readiness.booting += 1,
            Phase::Stopped if matches!(draft.start_obstacle(node), Some(NodeReason::BackingOff { .. })) => {
                readiness.failed += 1;
            }
            Phase::Stopped | Phase::Degraded | Phase::Maintenance { .. } | Phase::Stopping | Phase::Gone => {}
        }
    }
    // What licences cut off was asked all the same, and callers come for it.
    readiness.percent = percent(useful, hold.asked.unwrap_or(hold.amount), all);
    readiness
}

fn percent(useful: Up, asked: HoldAmount, members: u32) -> u32 {
    let (ready, wanted) = match asked {
        HoldAmount::AllNodes => (useful.nodes, members),
        HoldAmount::Nodes(nodes) => (useful.nodes, nodes),
        HoldAmount::HdCalls(HdCalls(calls)) => (useful.hd_calls.0, calls),
    };
    let percent = u64::from(ready) * 100 / u64::from(wanted.max(1));
    // Nothing asked is all there.
    if wanted == 0 { 100 } else { u32::try_from(percent.min(100)).unwrap_or(100) }
}
