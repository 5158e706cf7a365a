//! What a window would start on the platform as it is now.

use jiff::Timestamp;

use super::licences::Reach;
use super::spec::WindowSpec;
use super::tick::Tick;
use crate::assess::Assessment;
use crate::ids::HdCalls;
use crate::ledger::Ledger;
use crate::observation::{Fleet, Platform};
use crate::policy::Policy;

/// What a window is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Preview {
    /// Its nodes that are up now.
    pub up_nodes: u32,
    /// HD calls that they carry.
    pub up_hd_calls: HdCalls,
    /// Nodes that it would start now.
    pub starts: u32,
    /// HD calls that it asks for beyond what is up.
    pub hd_calls: HdCalls,
    /// Its nodes, up or not: what it would start if all were stopped is no more than these.
    pub nodes: u32,
}

/// What a window would start if it fired now, licences aside.
pub fn preview(
    policy: &Policy,
    platform: &Platform,
    fleet: &Fleet,
    ledger: Option<&Ledger>,
    spec: &WindowSpec,
    now: Timestamp,
) -> Preview {
    let view = Assessment::new(policy, platform, fleet, ledger, now);
    let tick = Tick { spec: spec.clone(), scheduled_at: None };
    let hold = tick.hold(now);
    let reach = Reach::of(&view, &hold);
    let (starts, hd_calls) = reach.asked(hold.amount);
    let down = u32::try_from(reach.down.len()).unwrap_or(u32::MAX);
    Preview {
        up_nodes: reach.up_nodes,
        up_hd_calls: reach.up,
        starts,
        hd_calls,
        nodes: reach.up_nodes.saturating_add(down),
    }
}
