//! Starts that are needed and not made, and holds that could be met and are not.

use spillway_core::ids::LocationId;
use spillway_core::ledger::HoldAmount;

use super::seen::{Seen, SeenNode, covers};
use super::{CYCLES_TO_START, Watch};
use crate::rule::Rule;

impl Watch {
    /// A location is needed and has too little room although something there could be started.
    pub(super) fn check_starts(&mut self, seen: &Seen<'_>, counts: u32) {
        let locations: Vec<_> =
            seen.platform.locations.iter().map(|each| (each.id, each.name.clone())).collect();
        for (id, name) in locations {
            let room: u32 = seen.nodes_in(id).map(|node| self.most(seen, node)).sum();
            let threshold = seen.threshold(&name);
            let startable = self.startable(seen, seen.nodes_in(id));
            let missing = !startable.is_empty()
                && room <= threshold
                && seen.is_needed(id, |node| self.most(seen, node));
            let count = self.missing.entry(name.clone()).or_default();
            *count = if missing { *count + counts } else { 0 };
            if *count > CYCLES_TO_START {
                let could = startable.join(", ");
                let what = format!(
                    "is needed for {count} cycles, {room} HD calls are free or on their way, threshold {threshold}; \
                     {could} could be started"
                );
                self.note(seen.now, Rule::MissingStart, name.as_str(), &what);
            }
        }
    }

    /// A hold is not met although something that it covers could be started.
    pub(super) fn check_holds(&mut self, seen: &Seen<'_>, counts: u32) {
        let mut unmet = std::collections::BTreeMap::new();
        for hold in seen.holds() {
            let members: Vec<&SeenNode> = seen.ours().filter(|node| covers(hold, node)).collect();
            let up: Vec<&&SeenNode> = members.iter().filter(|node| self.counts_as_up(seen, node)).collect();
            let nodes = u32::try_from(up.len()).unwrap_or(u32::MAX);
            let missing = match hold.amount {
                HoldAmount::AllNodes => members.len() > up.len(),
                HoldAmount::Nodes(wanted) => nodes < wanted,
                HoldAmount::HdCalls(calls) => up.iter().map(|node| node.capacity()).sum::<u32>() < calls.0,
            };
            let startable = self.startable(seen, members.iter().copied());
            if !missing || startable.is_empty() {
                continue;
            }
            let count = self.unmet.get(&hold.id).copied().unwrap_or(0) + counts;
            unmet.insert(hold.id.clone(), count);
            if count > CYCLES_TO_START {
                let could = startable.join(", ");
                let what =
                    format!("is not met for {count} cycles: {nodes} nodes are up; {could} could be started");
                self.note(seen.now, Rule::UnmetHold, &format!("hold {}", hold.id), &what);
            }
        }
        self.unmet = unmet;
    }

    /// The names of the nodes that could be started.
    fn startable<'a>(&self, seen: &Seen<'_>, nodes: impl Iterator<Item = &'a SeenNode>) -> Vec<String> {
        let free = nodes.filter(|node| self.may_start(seen, node) && has_slot(seen, node.node.location));
        free.map(|node| node.view.name.to_string()).collect()
    }

    fn may_start(&self, seen: &Seen<'_>, node: &SeenNode) -> bool {
        let retired = node.is_retired() || seen.record(node).is_some_and(|record| record.retired);
        let troubled = self.nodes.get(&node.view.name).is_some_and(|watch| watch.is_troubled(seen));
        node.ours && node.could_start && !node.is_in_anothers_maintenance() && !retired && !troubled
    }

    /// Whether a hold may count a node as up.
    fn counts_as_up(&self, seen: &Seen<'_>, node: &SeenNode) -> bool {
        let watch = self.nodes.get(&node.view.name);
        let was_ready =
            watch.is_some_and(|watch| watch.ready_in == node.view.launched_at && watch.ready_in.is_some());
        node.is_running() && !node.node.maintenance_mode && (seen.is_young(node) || was_ready)
    }
}

/// Whether the policy allows one more node in a location.
fn has_slot(seen: &Seen<'_>, location: LocationId) -> bool {
    let name = seen.platform.locations.iter().find(|each| each.id == location).map(|each| &each.name);
    let Some(most) = name.and_then(|name| seen.policy.max_nodes.get(name)) else { return true };
    let going = |node: &&SeenNode| {
        node.ours && node.view.state != Some(spillway_core::observation::InstanceState::Stopped)
    };
    seen.nodes_in(location).filter(going).count() < *most as usize
}
