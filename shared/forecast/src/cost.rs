//! What a larger safety factor costs for each call that it saves.

/// Where a saved call is too dear, the safety factor is not raised further.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostLimit {
    /// The most node-hours that one saved call may cost.
    pub node_hours_per_call: f64,
    /// What a node carries, HD calls.
    pub node: f64,
}

/// How long a call lasts, minutes: assumed, since a load does not tell. Meetings last about 25 or 50 minutes.
const CALL_MINUTES: f64 = 40.0;

impl CostLimit {
    /// Whether the step costs more. `capacity` is what it adds above what is always on, and `saved` the demand that it meets
    /// and that was not met before, both in HD calls times minutes. A node is on for longer than it is needed, by the minimum
    /// lifetime: so this is the least that the step costs.
    pub(crate) fn is_passed(&self, capacity: f64, saved: f64) -> bool {
        let node_hours = capacity / self.node.max(1.0) / 60.0;
        let calls = saved / CALL_MINUTES;
        node_hours > self.node_hours_per_call * calls
    }
}
