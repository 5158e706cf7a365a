//! EC2 state-change events, as EventBridge would deliver them: a little later, and with whatever the settings say
//! goes wrong. They are hints: nothing in the world depends on anybody reading them.

use jiff::Timestamp;
use spillway_core::ids::InstanceId;
use spillway_core::observation::InstanceState;

use crate::dice::Draw;

use crate::state::ec2::StateChange;
use crate::state::settings::EventFaults;
use crate::state::{World, later};

impl World {
    pub(crate) fn emit(&mut self, instance: &InstanceId, region: &str, state: InstanceState) {
        let number = self.ec2.event_count;
        self.ec2.event_count += 1;
        let faults = self.settings.ec2.event_faults;
        let chance = |n| self.dice.unit(Draw::EventFault, number, n);
        if chance(0) < faults.dropped {
            return;
        }
        let copies = if chance(1) < faults.doubled { 2 } else { 1 };
        for copy in 0..copies {
            let usual = self.dice.between(Draw::EventDelay, number, copy, self.settings.ec2.event_delay);
            let delay = if chance(2 + copy) < faults.late {
                let zero = jiff::SignedDuration::ZERO;
                usual.saturating_add(self.dice.between(
                    Draw::EventDelay,
                    number,
                    10 + copy,
                    (zero, faults.late_by),
                ))
            } else {
                usual
            };
            self.ec2.events.push(StateChange {
                id: self.dice.uuid(Draw::Event, number, 0),
                at: self.now,
                delivered_at: later(self.now, delay),
                instance: instance.clone(),
                region: region.to_owned(),
                state,
            });
        }
    }

    /// What goes wrong with state-change events from now on.
    pub fn set_event_faults(&mut self, faults: EventFaults) {
        self.settings.ec2.event_faults = faults;
    }

    /// The state-change events that have arrived by now, in the order of arrival. Each is given once.
    pub fn take_state_changes(&mut self) -> Vec<StateChange> {
        let now = self.now;
        let (mut arrived, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ec2.events).into_iter().partition(|event| event.delivered_at <= now);
        self.ec2.events = waiting;
        arrived.sort_by_key(|event| event.delivered_at);
        arrived
    }

    /// When the next state-change event arrives.
    pub fn next_state_change_at(&self) -> Option<Timestamp> {
        self.ec2.events.iter().map(|event| event.delivered_at).min()
    }
}
