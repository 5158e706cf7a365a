//! What Pexip's own bursting remembers between its ticks.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::instance::InstanceIx;

#[derive(Debug, Clone, Default)]
pub(crate) struct Controller {
    /// Instances that EC2 refused, and when.
    pub(crate) refused: BTreeMap<InstanceIx, Timestamp>,
}
