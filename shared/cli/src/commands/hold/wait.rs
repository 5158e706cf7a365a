//! Waiting until what is held is ready. How far a hold is, its own report says: only nodes that it covers count.

use std::fmt;
use std::time::Duration;

use serde_json::json;
use spillway_core::ledger::{Hold, HoldAmount};
use spillway_core::outcome::CycleReport;
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::ports::Clock;

use crate::cycle_result::cycle_json;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, counted};
use crate::progress::{self, Progress};
use crate::session::CliSession;

/// Waits until everything that these holds ask for is ready. Each turn is a cycle: it meets the holds by itself where no
/// function does.
pub(super) async fn until_held(
    session: &CliSession<'_>,
    holds: &[Hold],
    memory: &mut LeaseMemory,
    output: &Output,
) -> Ended {
    let mut progress = Progress::new(output);
    let clock = session.context.connector.clock();
    let limit = Duration::try_from(session.policy().boot_limit).unwrap_or_default() + Duration::from_mins(2);
    let until = clock.monotonic() + limit;
    let stays = "the hold stays and its nodes go on starting; spillway status shows them";
    loop {
        let report = session.cycle(memory, &[]).await;
        let status = HoldStatus::of(&report, holds);
        if let Some(status) = &status {
            progress.waits(&status.to_string());
        }
        let late = clock.monotonic() >= until;
        match status {
            Some(status) if status.is_met() || late => {
                progress.end();
                show(session, &status, &report, output);
                return Ok(status.exit());
            }
            None if late => {
                progress.end();
                let message = format!("it is not known how ready the nodes are: {}", report.summary());
                return Err(Failure::failed(message).remedy(stays));
            }
            _ => progress::pause(stays).await.inspect_err(|_| progress.end())?,
        }
    }
}

fn show(session: &CliSession<'_>, status: &HoldStatus, report: &CycleReport, output: &Output) {
    if output.json {
        let HoldStatus { ready, booting, failed, nat_wrong, missing, missing_hd_calls, met: _ } = status;
        output::json(&json!({
            "schema": 1, "platform": session.context.platform, "ready": ready, "booting": booting, "failed": failed,
            "nat_wrong": nat_wrong, "missing": missing, "missing_hd_calls": missing_hd_calls,
            "cycle": cycle_json(report),
        }));
    } else {
        output::text(&format!("{status}\n"));
    }
}

/// How far some holds are, together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct HoldStatus {
    /// Nodes that take calls.
    ready: u32,
    /// Nodes on their way.
    booting: u32,
    /// Nodes whose start failed.
    failed: u32,
    /// Nodes that run and whose static NAT address is not right. The reconciler corrects that, not the hold.
    nat_wrong: u32,
    /// Nodes that are neither up nor on their way.
    missing: u32,
    /// HD calls that are neither up nor on their way, for holds in HD calls.
    missing_hd_calls: u32,
    /// Whether all that was asked takes calls, whatever else boots.
    met: bool,
}

impl HoldStatus {
    /// `None` for a cycle that says nothing about one of them: another one held the lease, or the platform could not be read.
    fn of(report: &CycleReport, holds: &[Hold]) -> Option<Self> {
        let mut status = Self { met: true, ..Self::default() };
        for hold in holds {
            let report = report.plan.report.holds.iter().find(|report| report.id == hold.id)?;
            let readiness = report.readiness?;
            status.ready += readiness.ready;
            status.booting += readiness.booting;
            status.failed += readiness.failed;
            status.nat_wrong += readiness.nat_wrong;
            match hold.amount {
                HoldAmount::AllNodes | HoldAmount::Nodes(_) => status.missing += report.missing,
                HoldAmount::HdCalls(_) => status.missing_hd_calls += report.missing,
            }
            status.met &= readiness.percent == 100;
        }
        Some(status)
    }

    /// Whether there is nothing to wait for. A static NAT address is not waited for.
    fn is_met(&self) -> bool {
        self.met || self.booting + self.missing + self.missing_hd_calls == 0
    }

    fn exit(&self) -> Exit {
        match (self.is_met(), self.ready) {
            (true, _) => Exit::Done,
            (false, 0) => Exit::Failed,
            (false, _) => Exit::Partly,
        }
    }
}

/// Not only zeros: an operator reads what is there.
impl fmt::Display for HoldStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ready, booting, failed, nat_wrong, missing, missing_hd_calls, met: _ } = self;
        write!(f, "{} ready", counted(*ready, "node"))?;
        for (number, what) in [(booting, "booting"), (failed, "failed to start"), (missing, "missing")] {
            if *number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        if *missing_hd_calls > 0 {
            write!(f, ", {} missing", counted(*missing_hd_calls, "HD call"))?;
        }
        if *nat_wrong > 0 {
            write!(f, ", {nat_wrong} with a wrong static NAT address, which the reconciler corrects")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use spillway_core::assess::NodePhase;
    use spillway_core::ids::HdCalls;
    use spillway_core::ledger::{Actor, HoldScope};
    use spillway_core::outcome::Outcome;
    use spillway_core::plan::Plan;
    use spillway_core::report::{HoldReport, NodeReport, Readiness};

    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn hold(id: &str, scope: HoldScope, amount: HoldAmount) -> Hold {
        let (by, reason) = (Actor::Unknown, String::new());
        let until = AT + SignedDuration::from_hours(1);
        Hold { id: id.into(), scope, amount, from: AT, until, by, reason, spike_at: None, asked: None }
    }

    fn met(id: &str, added: u32, missing: u32, readiness: Option<Readiness>) -> HoldReport {
        let until = AT + SignedDuration::from_hours(1);
        HoldReport {
            id: id.into(),
            up: 1,
            added,
            missing,
            until,
            spike_at: None,
            readiness,
            reasons: Vec::new(),
        }
    }

    fn node(name: &str, location: &str, phase: NodePhase) -> NodeReport {
        NodeReport {
            instance: format!("i-{name}").as_str().into(),
            node: name.into(),
            location: location.into(),
            phase,
            since: None,
            capacity: HdCalls(17),
            free: HdCalls(17),
            hosts: false,
            reasons: Vec::new(),
        }
    }

    fn cycle(holds: Vec<HoldReport>, nodes: Vec<NodeReport>) -> CycleReport {
        let mut plan = Plan::empty(AT);
        plan.report.holds = holds;
        plan.report.nodes = nodes;
        CycleReport {
            outcome: Outcome::NoOp,
            began_at: AT,
            took: SignedDuration::ZERO,
            last_good: Some(AT),
            plan,
            results: Vec::new(),
            violations: Vec::new(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn nodes_of_another_location_are_not_counted() {
        let hold = hold("operator-1", HoldScope::Location("AWS burst".into()), HoldAmount::Nodes(1));
        let readiness = Readiness { ready: 1, percent: 100, ..Readiness::default() };
        let nodes = vec![
            node("a", "AWS burst", NodePhase::Ready),
            node("b", "Oslo", NodePhase::Booting),
            node("c", "Oslo", NodePhase::FailedStart),
        ];
        let cycle = cycle(vec![met("operator-1", 0, 0, Some(readiness))], nodes);
        let status = HoldStatus::of(&cycle, &[hold]).unwrap();
        assert_eq!((status.ready, status.booting, status.failed, status.exit()), (1, 0, 0, Exit::Done));
        assert_eq!(status.to_string(), "1 node ready");
    }

    #[test]
    fn missing_hd_calls_are_not_missing_nodes() {
        let hold = hold("operator-1", HoldScope::All, HoldAmount::HdCalls(HdCalls(40)));
        let readiness = Readiness { ready: 1, percent: 42, ..Readiness::default() };
        let cycle = cycle(
            vec![met("operator-1", 0, 23, Some(readiness))],
            vec![node("a", "AWS burst", NodePhase::Ready)],
        );
        let status = HoldStatus::of(&cycle, &[hold]).unwrap();
        assert_eq!((status.missing, status.missing_hd_calls), (0, 23));
        assert!(!status.is_met());
        assert_eq!(
            (status.to_string().as_str(), status.exit()),
            ("1 node ready, 23 HD calls missing", Exit::Partly)
        );
    }

    #[test]
    fn several_holds_are_waited_for_together_and_the_last_one_counts() {
        let scope = |id: &str| HoldScope::Node(id.into());
        let holds = ["i-a", "i-b"].map(|id| hold(&format!("node-{id}"), scope(id), HoldAmount::AllNodes));
        let readiness =
            |ready, booting| Some(Readiness { ready, booting, percent: ready * 100, ..Readiness::default() });
        let cycle = |last| {
            cycle(vec![met("node-i-a", 0, 0, readiness(1, 0)), met("node-i-b", 1, 0, last)], Vec::new())
        };
        let booting = HoldStatus::of(&cycle(readiness(0, 1)), &holds).unwrap();
        assert_eq!((booting.to_string().as_str(), booting.is_met()), ("1 node ready, 1 booting", false));
        let ready = HoldStatus::of(&cycle(readiness(1, 0)), &holds).unwrap();
        assert_eq!((ready.to_string().as_str(), ready.exit()), ("2 nodes ready", Exit::Done));
        assert_eq!(HoldStatus::of(&cycle(None), &holds), None, "the platform could not be read");
    }

    #[test]
    fn another_node_that_boots_does_not_keep_a_hold_waiting_and_a_wrong_address_is_named() {
        let hold = [hold("operator-1", HoldScope::All, HoldAmount::Nodes(1))];
        let of = |readiness| {
            HoldStatus::of(&cycle(vec![met("operator-1", 0, 0, Some(readiness))], Vec::new()), &hold)
        };
        let met = of(Readiness { ready: 1, booting: 2, percent: 100, ..Readiness::default() }).unwrap();
        assert_eq!((met.is_met(), met.exit()), (true, Exit::Done));
        let wrong = of(Readiness { nat_wrong: 1, ..Readiness::default() }).unwrap();
        assert_eq!(wrong.exit(), Exit::Done, "the hold has done what it can");
        assert!(wrong.to_string().contains("0 nodes ready, 1 with a wrong static NAT address"), "{wrong}");
    }
}
