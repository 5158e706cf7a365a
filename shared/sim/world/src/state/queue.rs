//! What is planned, by time. Equal times keep the order in which they were planned: this is part of "same seed,
//! same run".

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::calls::CallId;
use super::instance::InstanceIx;
use super::node::NodeIx;

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    InstanceRuns { instance: InstanceIx, epoch: u64 },
    InstanceStopped { instance: InstanceIx, epoch: u64 },
    InstanceFails { instance: InstanceIx, epoch: u64 },
    NodeContacts { node: NodeIx, epoch: u64 },
    NodeReady { node: NodeIx, epoch: u64 },
    NodeReports { node: NodeIx, epoch: u64 },
    Replicated { node: NodeIx, change: u64 },
    CallEnds { call: CallId },
    Redial { caller: usize, attempt: u32 },
    ControllerTick,
    SampleDue,
    ManagementUpgraded,
    UpgradeStep,
    NodeUpgraded { node: NodeIx },
    FailedOver,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    planned: BTreeMap<(Timestamp, u64), Happening>,
    count: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Timestamp, happening: Happening) {
        self.count += 1;
        self.planned.insert((at, self.count), happening);
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.planned.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Happening> {
        self.planned.pop_first().map(|(_, happening)| happening)
    }
}
