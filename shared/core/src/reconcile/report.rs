//! How a pass ended: the handler's return value, the log's summary line, the demo's lines.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::plan::{AddressAction, AddressPlan};
use crate::fault::Fault;
use crate::ids::InstanceId;
use crate::outcome::{ActionEnd, Outcome};

/// What became of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressResult {
    /// The action.
    pub action: AddressAction,
    /// What became of it.
    pub end: ActionEnd,
    /// The address that was set although the Elastic IP could not be had.
    pub instead: Option<std::net::Ipv4Addr>,
}

/// Everything about one pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReconcileReport {
    /// One word; see [`Outcome`].
    pub outcome: Outcome,
    /// Whether the whole platform was looked at.
    pub sweep: bool,
    /// When it began.
    pub began_at: Timestamp,
    /// How long it took.
    pub took: SignedDuration,
    /// The plan, with a reason for each instance.
    pub plan: AddressPlan,
    /// What became of the actions.
    pub results: Vec<AddressResult>,
    /// What could not be read or written beside the actions.
    pub faults: Vec<Fault>,
    /// Instances for which the pass has to be repeated.
    pub again: BTreeSet<InstanceId>,
    /// Instances whose event came before EC2 shows what it says: they are looked at again in a few seconds.
    #[serde(default)]
    pub early: BTreeSet<InstanceId>,
}

impl ReconcileReport {
    /// Addresses that were changed.
    pub fn changed(&self) -> usize {
        self.results.iter().filter(|result| result.end == ActionEnd::Done || result.instead.is_some()).count()
    }

    /// Actions that failed.
    pub fn failed(&self) -> usize {
        self.results.iter().filter(|result| result.end != ActionEnd::Done).count()
    }

    /// Running nodes that callers from outside cannot reach now.
    pub fn wrong_now(&self) -> usize {
        let mended: BTreeSet<&InstanceId> = self
            .results
            .iter()
            .filter(|result| result.end == ActionEnd::Done || result.instead.is_some())
            .map(|result| &result.action.node().instance)
            .collect();
        self.plan.nodes.iter().filter(|node| node.wrong && !mended.contains(&node.instance)).count()
    }

    /// One sentence.
    pub fn summary(&self) -> String {
        if let Some(suspension) = &self.plan.suspension {
            return suspension.to_string();
        }
        if let (Outcome::Outage, Some(fault)) = (self.outcome, self.faults.first()) {
            return format!("nothing was changed: {fault}");
        }
        if self.outcome == Outcome::Withheld {
            return format!("{} address changes withheld", self.plan.actions.len());
        }
        let counted = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            _ => Some(format!("{count} {many}")),
        };
        let parts: Vec<String> = [
            counted(self.changed(), "address set", "addresses set"),
            counted(self.failed(), "change failed", "changes failed"),
            counted(self.wrong_now(), "address wrong now", "addresses wrong now"),
            counted(self.plan.events.len(), "start or stop noted", "starts and stops noted"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let looked = counted(self.plan.nodes.len(), "instance looked at", "instances looked at")
            .unwrap_or_else(|| "no instance of the platform".to_owned());
        let said = if parts.is_empty() { looked } else { format!("{looked}: {}", parts.join(", ")) };
        match (self.outcome, self.faults.first()) {
            (Outcome::LedgerDown, Some(fault)) => {
                format!(
                    "{said}; only what is wrong for every call was set, and nothing was recorded: {fault}"
                )
            }
            _ => said,
        }
    }
}
