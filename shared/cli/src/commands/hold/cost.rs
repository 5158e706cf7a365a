//! How much a hold keeps up, and what that costs at the policy's prices: an end that was meant for today and is tomorrow's is
//! seen before it is paid for.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use spillway_core::assess::Assessment;
use spillway_core::ids::{HdCalls, InstanceId, InstanceType};
use spillway_core::ledger::{Hold, HoldAmount};
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Policy;
use spillway_view::time::span;

use crate::output::counted;

/// The nodes that a hold keeps up, one type for each: those that are up, as far as they are needed for it, then those that are
/// started for it.
pub(super) fn held<'a>(view: &'a Assessment<'_>, plan: &Plan, hold: &Hold) -> Vec<&'a InstanceType> {
    let started = |id: &InstanceId| {
        plan.actions.iter().any(|action| {
            matches!(action, Action::Start(start) if start.instance == *id && start.hold.as_ref() == Some(&hold.id))
        })
    };
    let covered = || {
        view.nodes
            .iter()
            .filter(|node| hold.covers(&node.instance.id, Some(&view.location_name(node.node.location))))
    };
    let up = covered().filter(|node| node.is_up());
    let to_start = covered().filter(|node| !node.is_up() && started(&node.instance.id));
    let (mut types, mut calls) = (Vec::new(), HdCalls(0));
    for node in up.chain(to_start) {
        let enough = match hold.amount {
            HoldAmount::AllNodes => false,
            HoldAmount::Nodes(nodes) => types.len() >= nodes as usize,
            HoldAmount::HdCalls(wanted) => calls >= wanted,
        };
        if enough {
            break;
        }
        types.push(&node.instance.instance_type);
        calls = calls.plus(node.capacity);
    }
    types
}

/// What these nodes cost for so long: `2 nodes for 16 h 20 min: 32.7 node-hours, 16.33 at the policy's prices`.
pub(super) fn cost(policy: &Policy, types: &[&InstanceType], length: SignedDuration) -> String {
    let hours = length.as_secs_f64() / 3600.0;
    let money: f64 =
        types.iter().filter_map(|kind| policy.price_per_hour.get(*kind)).map(|price| price * hours).sum();
    let without: BTreeSet<&str> = types
        .iter()
        .filter(|kind| !policy.price_per_hour.contains_key(**kind))
        .map(|kind| kind.as_str())
        .collect();
    let number = u32::try_from(types.len()).unwrap_or(u32::MAX);
    let kinds: BTreeSet<&str> = types.iter().map(|kind| kind.as_str()).collect();
    let price = if without.len() < kinds.len() {
        format!(", {money:.2} at the policy's prices")
    } else {
        String::new()
    };
    let unpriced = if without.is_empty() {
        String::new()
    } else {
        format!("; no price in the policy for {}", without.into_iter().collect::<Vec<_>>().join(", "))
    };
    let (nodes, all) = (counted(number, "node"), f64::from(number) * hours);
    format!("{nodes} for {}: {all:.1} node-hours{price}{unpriced}", span(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_that_of_all_nodes_for_the_whole_length() {
        let mut policy = Policy::with_defaults("mgr");
        policy.price_per_hour.insert("c5.2xlarge".into(), 0.5);
        let (known, unknown) = (InstanceType::new("c5.2xlarge"), InstanceType::new("m5.large"));
        let length = SignedDuration::from_mins(16 * 60 + 20);
        assert_eq!(
            cost(&policy, &[&known, &known], length),
            "2 nodes for 16 h 20 min: 32.7 node-hours, 16.33 at the policy's prices"
        );
        assert_eq!(
            cost(&policy, &[&known, &unknown], length),
            "2 nodes for 16 h 20 min: 32.7 node-hours, 8.17 at the policy's prices; no price in the policy for m5.large"
        );
        assert_eq!(
            cost(&policy, &[&unknown], SignedDuration::from_hours(1)),
            "1 node for 60 min: 1.0 node-hours; no price in the policy for m5.large"
        );
    }
}
