//! How large a platform is for a load, by the guide's example of 30:70 between always-on and overflow capacity.
//! It looks at the callers only: no policy is favoured.

use crate::callers::Callers;

use super::capacity::NodeCapacity;

/// How a platform is sized from a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizing {
    /// Always-on share of the capacity (guide: 30:70 between always-on and overflow).
    pub always_on_share: f64,
    /// Capacity for the peak times this: whole calls, backplanes and the three-node rule leave gaps.
    pub headroom: f64,
    /// Fixed number of always-on nodes instead.
    pub always_on: Option<usize>,
    /// Fixed number of overflow nodes instead.
    pub overflow: Option<usize>,
}

impl Default for Sizing {
    fn default() -> Self {
        Self { always_on_share: 0.3, headroom: 1.25, always_on: None, overflow: None }
    }
}

impl Sizing {
    /// Always-on and overflow nodes of the recommended type for these callers, at least one of each.
    pub fn nodes(&self, callers: &Callers) -> (usize, usize) {
        let peak = callers.peak().map_or(0.0, |(load, _)| load.hd());
        let each = f64::from(NodeCapacity::C5_2XLARGE.hd);
        let all = (peak * self.headroom / each).ceil().max(2.0);
        let always_on = (all * self.always_on_share).round().clamp(1.0, all - 1.0);
        (
            self.always_on.unwrap_or(always_on as usize).max(1),
            self.overflow.unwrap_or((all - always_on) as usize),
        )
    }
}
