//! What a stop does, shown before the question: the holds that it releases, those that may start the node again, and what its
//! cycle would do, which may be a start of another node.

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_core::ids::{HoldId, InstanceId};
use spillway_core::ledger::{Actor, Hold, OperatorCommand, Request};
use spillway_core::plan::Override;
use spillway_core::policy::Policy;

use super::nodes::{CoveredNode, covered, reasons};
use crate::foreseen::Foreseen;
use crate::known::{FoundNode, KnownState};
use crate::output::Output;

/// A stop that is asked for.
pub(super) struct Asked<'a> {
    pub(super) nodes: &'a [FoundNode],
    /// At once, dropping calls.
    pub(super) now: bool,
    pub(super) ignore_lifetime: bool,
    pub(super) by: &'a Actor,
    pub(super) reason: &'a str,
}

/// Beside what is stopped, for JSON: holds that may start the nodes again, and those that are released.
#[derive(Debug, Clone)]
pub(super) struct Holds {
    pub(super) covering: Vec<Value>,
    pub(super) released: Vec<HoldId>,
}

impl Holds {
    pub(super) fn of(known: &KnownState, nodes: &[FoundNode]) -> Self {
        let own = nodes.iter().flat_map(|found| known.own_holds(&found.instance.id));
        Self {
            covering: covered(known, nodes).iter().map(CoveredNode::json).collect(),
            released: own.map(|hold| hold.id.clone()).collect(),
        }
    }

    /// With what else a command gives.
    pub(super) fn beside(&self, mut value: Value) -> Value {
        value["held_by"] = json!(self.covering);
        value["released"] = json!(self.released);
        value
    }
}

impl Asked<'_> {
    /// The rules that the operator sets aside.
    pub(super) fn overrides(&self) -> Vec<Override> {
        let nodes = self.nodes.iter().filter(|_| self.now || self.ignore_lifetime);
        nodes
            .map(|found| Override {
                instance: found.instance.id.clone(),
                calls: self.now,
                lifetime: true,
                by: self.by.clone(),
                reason: self.reason.to_owned(),
            })
            .collect()
    }

    /// What its cycle would do.
    pub(super) fn foreseen(&self, policy: &Policy, known: &KnownState) -> Foreseen {
        let own: Vec<&Hold> =
            self.nodes.iter().flat_map(|found| known.own_holds(&found.instance.id)).collect();
        let mut ledger = known.ledger.clone();
        ledger.holds.retain(|hold| !own.iter().any(|own| own.id == hold.id));
        if !self.now {
            ledger
                .requests
                .extend(self.nodes.iter().map(|found| self.request(&found.instance.id, known.now)));
        }
        known.foresee(policy, ledger, &self.overrides())
    }

    fn request(&self, id: &InstanceId, at: Timestamp) -> Request {
        let command = OperatorCommand::Stop(id.clone());
        Request { id: format!("stop-{id}"), by: self.by.clone(), at, reason: self.reason.to_owned(), command }
    }

    pub(super) fn lines(&self, policy: &Policy, known: &KnownState, output: &Output) -> Vec<String> {
        let mut lines = Vec::new();
        for found in self.nodes {
            for hold in known.own_holds(&found.instance.id) {
                let until = output.minute(hold.until);
                lines.push(format!("hold {} of {} until {until} is released", hold.id, found.node.name));
            }
        }
        for CoveredNode { node, hold } in covered(known, self.nodes) {
            let until = output.minute(hold.until);
            lines.push(format!(
                "{node} is covered by hold {} until {until}: a cycle may start it again, or another node in its place; to prevent \
                 that, first run spillway release {} or spillway node retire {node}",
                hold.id, hold.id
            ));
        }
        let foreseen = self.foreseen(policy, known);
        lines.extend(foreseen.lines(&output.zone));
        let acted = |id: &InstanceId| foreseen.plan.actions.iter().any(|action| action.instance() == id);
        lines.extend(reasons(&foreseen.plan, |id| {
            self.nodes.iter().any(|found| found.instance.id == *id) && !acted(id)
        }));
        lines
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use spillway_core::ledger::{HoldAmount, HoldScope};

    use super::super::nodes::waiting;
    use super::*;
    use crate::staged;

    fn output() -> Output {
        Output { json: false, zone: TimeZone::UTC, terminal: false }
    }

    /// What is shown before `up-1` is stopped, on a platform with these holds.
    fn shown(
        now: bool,
        holds: impl Fn(&InstanceId) -> Vec<(&'static str, HoldScope, HoldAmount)>,
    ) -> Vec<String> {
        let harness = staged::harness(1);
        let mut known = staged::known(&harness);
        let found = known.find(harness.policy(), "up-1").unwrap();
        known.ledger.holds = holds(&found.instance.id)
            .into_iter()
            .map(|(id, scope, amount)| staged::hold(&harness, id, scope, amount))
            .collect();
        let by = Actor::Person("anna".to_owned());
        let asked = Asked { nodes: &[found], now, ignore_lifetime: false, by: &by, reason: "a fault" };
        asked.lines(harness.policy(), &known, &output())
    }

    #[test]
    fn a_stop_at_once_shows_the_node_that_a_wider_hold_starts_in_its_place() {
        let lines = shown(true, |_| vec![("operator-1", HoldScope::All, HoldAmount::Nodes(1))]);
        assert!(
            lines[0].starts_with("up-1 is covered by hold operator-1 until 2026-03-02 09:00 UTC"),
            "{lines:?}"
        );
        assert_eq!(
            lines[1..],
            [
                "would stop up-1 now, by an operator's override: a fault",
                "would start down-1 in Burst: hold operator-1: a rehearsal",
            ]
        );
    }

    #[test]
    fn a_drain_that_has_to_wait_for_an_upgrade_is_said_to_wait() {
        let harness = staged::harness(1);
        let mut known = staged::known(&harness);
        known.platform.upgrading = true;
        let nodes = [known.find(harness.policy(), "up-1").unwrap()];
        let by = Actor::Person("anna".to_owned());
        let asked = Asked { nodes: &nodes, now: false, ignore_lifetime: false, by: &by, reason: "a fault" };
        let lines = asked.lines(harness.policy(), &known, &output());
        assert_eq!(lines, ["up-1: not drained or stopped before the platform's upgrade is over"]);
        let plan = asked.foreseen(harness.policy(), &known).plan;
        let said: Vec<String> = waiting(&plan, &nodes).iter().map(ToString::to_string).collect();
        assert!(
            said[0].starts_with(
                "up-1 is not drained yet (not drained or stopped before the platform's upgrade is over): "
            ),
            "{said:?}"
        );
        known.platform.upgrading = false;
        let plan = asked.foreseen(harness.policy(), &known).plan;
        assert_eq!(waiting(&plan, &nodes), []);
    }

    #[test]
    fn the_nodes_own_hold_is_shown_to_be_released_and_starts_nothing() {
        let own = |id: &InstanceId| vec![("node-i-1", HoldScope::Node(id.clone()), HoldAmount::AllNodes)];
        let lines = shown(false, own);
        assert_eq!(
            lines,
            [
                "hold node-i-1 of up-1 until 2026-03-02 09:00 UTC is released",
                "would drain up-1 for an operator: a fault, asked by anna",
            ]
        );
    }
}
