//! Time passes, and what was planned happens.

use jiff::{SignedDuration, Timestamp};

use crate::state::{Happening, World, later};

impl World {
    /// Lets time pass up to and including an instant. An instant in the past changes nothing.
    pub fn advance_to(&mut self, until: Timestamp) {
        loop {
            let caller = self.callers.list.get(self.next_caller).map(|caller| caller.at);
            let event = self.queue.next_at();
            // At the same instant what was planned first goes first: callers arrive after it.
            let (at, is_caller) = match (event, caller) {
                (Some(event), Some(caller)) if caller < event => (caller, true),
                (Some(event), _) => (event, false),
                (None, Some(caller)) => (caller, true),
                (None, None) => break,
            };
            if at > until {
                break;
            }
            // A caller from before the world began arrives when it begins.
            self.now = self.now.max(at);
            if is_caller {
                let caller = self.next_caller;
                self.next_caller += 1;
                self.caller_arrives(caller, 0);
            } else if let Some(happening) = self.queue.pop() {
                self.happen(happening);
            }
        }
        self.now = self.now.max(until);
    }

    /// Lets this much time pass.
    pub fn advance_by(&mut self, time: SignedDuration) {
        self.advance_to(later(self.now, time));
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::InstanceRuns { instance, epoch } => self.instance_runs(instance, epoch),
            Happening::InstanceStopped { instance, epoch } => self.instance_stopped(instance, epoch),
            Happening::InstanceFails { instance, epoch } => self.instance_fails(instance, epoch),
            Happening::NodeContacts { node, epoch } => self.node_contacts(node, epoch),
            Happening::NodeReady { node, epoch } => self.node_ready(node, epoch),
            Happening::NodeReports { node, epoch } => self.node_reports(node, epoch),
            Happening::Replicated { node, change } => self.replicated(node, change),
            Happening::CallEnds { call } => self.call_ends(call),
            Happening::Redial { caller, attempt } => self.redial(caller, attempt),
            Happening::ControllerTick => self.controller_ticks(),
            Happening::SampleDue => self.take_sample(),
            Happening::ManagementUpgraded => self.management_upgraded(),
            Happening::UpgradeStep => self.upgrade_step(),
            Happening::NodeUpgraded { node } => self.node_upgraded(node),
            Happening::FailedOver => self.failed_over(),
        }
    }

    pub(crate) fn plan(&mut self, after: SignedDuration, happening: Happening) {
        self.queue.push(later(self.now, after), happening);
    }
}
