//! Whether licences leave room for the capacity that a window asks for. Each call takes a port licence; capacity beyond
//! the licences that are left, less what is free already where the same calls would land, cannot be used.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::assess::{Assessment, OverflowNode, Phase, is_our_maintenance};
use crate::ids::{HdCalls, LocationId};
use crate::ledger::{Hold, HoldAmount};
use crate::observation::Licences;

/// What was found out about licences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "licences")]
pub enum LicenceCheck {
    /// They leave room for all of it.
    Enough {
        /// Port licences left.
        left: u64,
    },
    /// They do not: the hold is cut to what can be used.
    Cut {
        /// Port licences left.
        left: u64,
        /// HD calls free, or on their way, where the same calls would land.
        free: u64,
        /// What was asked.
        asked: HoldAmount,
        /// What is held.
        held: HoldAmount,
    },
    /// They do not, and the window says to start the nodes all the same.
    Ignored {
        /// Port licences left.
        left: u64,
        /// HD calls free, or on their way, where the same calls would land.
        free: u64,
    },
    /// Not known, which is not "none left": nothing is cut.
    Unknown,
}

impl fmt::Display for LicenceCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enough { left } => write!(f, "{left} port licences are left: enough"),
            Self::Cut { left, free, asked, held } => write!(
                f,
                "{left} port licences are left and {free} HD calls are free already: of {asked} no more than {held} can \
                 be used, and no more is started; set `ignore_licences` to start them all the same"
            ),
            Self::Ignored { left, free } => write!(
                f,
                "{left} port licences are left and {free} HD calls are free already: not all of it can be used; started \
                 all the same, since `ignore_licences` is set"
            ),
            Self::Unknown => f.write_str("licences could not be checked"),
        }
    }
}

/// What a hold would mean on the platform as it is: the nodes it is about, and those that are not up.
pub(crate) struct Reach<'v> {
    /// HD calls of its nodes that are up, when empty.
    pub(crate) up: HdCalls,
    /// Its nodes that are up.
    pub(crate) up_nodes: u32,
    /// Its nodes that are not up, in the order in which they would be started.
    pub(crate) down: Vec<&'v OverflowNode<'v>>,
    /// Overflow locations that it covers.
    pub(crate) locations: BTreeSet<LocationId>,
}

impl<'v> Reach<'v> {
    pub(crate) fn of(view: &'v Assessment<'v>, hold: &Hold) -> Self {
        let mut reach = Self { up: HdCalls(0), up_nodes: 0, down: Vec::new(), locations: BTreeSet::new() };
        for (id, location) in view.overflow_locations() {
            for node in view.nodes_in(id) {
                if !hold.covers(&node.instance.id, Some(&location.location.name)) {
                    continue;
                }
                reach.locations.insert(id);
                // As the planner counts: a node that drains is not up, one that somebody else maintains is not ours.
                let foreign = node.node.maintenance_mode && !is_our_maintenance(node.node);
                match node.phase {
                    Phase::Booting { .. } | Phase::Ready | Phase::Degraded => {
                        reach.up = reach.up.plus(node.capacity);
                        reach.up_nodes += 1;
                    }
                    _ if foreign => {}
                    _ => reach.down.push(node),
                }
            }
        }
        reach.down.sort_by_key(|node| (node.capacity, &node.node.name));
        reach
    }

    /// Nodes that an amount would start, and the HD calls that it asks for beyond what is up.
    pub(crate) fn asked(&self, amount: HoldAmount) -> (u32, HdCalls) {
        let count = |nodes: &[&OverflowNode<'_>]| u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        match amount {
            HoldAmount::AllNodes => (count(&self.down), capacity(&self.down)),
            HoldAmount::Nodes(nodes) => {
                let wanted = nodes.saturating_sub(self.up_nodes) as usize;
                let some = self.down.get(..wanted).unwrap_or(&self.down);
                (count(some), capacity(some))
            }
            HoldAmount::HdCalls(calls) => {
                let missing = calls.minus(self.up);
                let mut left = missing;
                // The largest first, as the planner takes them.
                let nodes = self.down.iter().rev().take_while(|node| {
                    let wanted = left > HdCalls(0);
                    left = left.minus(node.capacity);
                    wanted
                });
                (u32::try_from(nodes.count()).unwrap_or(u32::MAX), missing)
            }
        }
    }
}

fn capacity(nodes: &[&OverflowNode<'_>]) -> HdCalls {
    nodes.iter().map(|node| node.capacity).sum()
}

/// Cuts a hold to what licences leave room for.
pub fn fit(view: &Assessment<'_>, hold: &mut Hold, licences: Licences, ignore: bool) -> LicenceCheck {
    let left = licences.left();
    let reach = Reach::of(view, hold);
    let (_, asked) = reach.asked(hold.amount);
    // Where the same calls would land: the overflow locations themselves, and the principal ones that overflow there.
    let mut landing = reach.locations.clone();
    landing.extend(
        view.pairs.iter().filter(|pair| reach.locations.contains(&pair.overflow)).map(|pair| pair.principal),
    );
    let free: u64 = landing
        .iter()
        .filter_map(|id| view.locations.get(id))
        .map(|location| u64::from(location.room().0))
        .sum();
    let usable = HdCalls(u32::try_from(left.saturating_sub(free)).unwrap_or(u32::MAX));
    if asked <= usable {
        return LicenceCheck::Enough { left };
    }
    if ignore {
        return LicenceCheck::Ignored { left, free };
    }
    let (was, held) = (hold.amount, HoldAmount::HdCalls(reach.up.plus(usable)));
    hold.asked = Some(was);
    hold.amount = held;
    LicenceCheck::Cut { left, free, asked: was, held }
}
