//! What the Management Node remembers of what has ended: conferences, participants, starts and stops of nodes,
//! lowered alarms. Oldest out first. The words of node events and alarms are not documented: ours are plain
//! English and nobody should decide anything from them.

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::observation::InstanceState;
use spillway_core::reconcile::NodeHistoryLine;

use crate::state::history::{Alarm, NodeEvent};
use crate::state::instance::{Initiator, InstanceIx};
use crate::state::node::NodeIx;
use crate::state::{World, later};

/// Names and numbers of alarms are not documented.
const CAPACITY_ALARM: (u32, &str) = (1, "capacity_exceeded");
const CLOUD_ALARM: (u32, &str) = (2, "cloud_bursting_error");
/// How long an alarm stands after its last cause.
const ALARM_STANDS: SignedDuration = SignedDuration::from_mins(10);

impl World {
    /// Notes a start, a stop or a change to running of an overflow node, while Pexip's bursting watches.
    pub(crate) fn note_node_event(
        &mut self,
        instance: InstanceIx,
        event_type: &'static str,
        state: &'static str,
        by: Initiator,
    ) {
        let reason = self.history.reason.take();
        let watches = self.management.bursting.enabled
            && self.instances.get(instance).is_some_and(|i| self.is_overflow_instance(i));
        let Some(node) = self.node_of.get(&instance).copied().filter(|_| watches) else { return };
        let details = reason.unwrap_or_else(|| {
            let known = self.instances.get(instance).map_or(InstanceState::Unknown, |i| i.now.state);
            match by {
                Initiator::Pexip => "Started manually".to_owned(),
                Initiator::Spillway | Initiator::Outside => {
                    format!("Node instance is {}", crate::state::instance::state_word(known))
                }
            }
        });
        self.history.events_noted += 1;
        let event = NodeEvent {
            id: self.history.events_noted,
            at: self.now,
            event_type,
            state,
            context: if by == Initiator::Pexip { "bursting" } else { "external" },
            details,
            node,
        };
        self.history.events.push_back(event);
        while self.history.events.len() > self.settings.history.events {
            self.history.events.pop_front();
        }
    }

    /// What the Conferencing Node history has between two instants, oldest first.
    pub fn node_history(&self, from: Timestamp, until: Timestamp) -> Result<Vec<NodeHistoryLine>, Fault> {
        self.management_answers()?;
        let within = self.history.events.iter().filter(|event| from <= event.at && event.at < until);
        Ok(within
            .map(|event| NodeHistoryLine {
                at: event.at,
                node: Some(self.node_id(event.node)),
                name: self.nodes.get(event.node).map(|node| node.name.clone()),
                words: NodeHistoryLine::words(&[
                    event.event_type,
                    event.state,
                    event.context,
                    &event.details,
                ]),
            })
            .collect())
    }

    pub(crate) fn note_capacity_alarm(&mut self) {
        self.raise_alarm(
            CAPACITY_ALARM,
            "warning",
            "A call was rejected: capacity exceeded".to_owned(),
            None,
        );
    }

    pub(crate) fn note_cloud_alarm(&mut self, details: String, node: Option<NodeIx>) {
        self.raise_alarm(CLOUD_ALARM, "error", details, node);
    }

    fn raise_alarm(
        &mut self,
        (identifier, name): (u32, &'static str),
        level: &'static str,
        details: String,
        node: Option<NodeIx>,
    ) {
        self.lower_alarms();
        let until = later(self.now, ALARM_STANDS);
        let standing =
            self.history.alarms.iter_mut().find(|alarm| alarm.identifier == identifier && alarm.node == node);
        if let Some(alarm) = standing {
            alarm.until = until;
            return;
        }
        self.history.alarms_raised += 1;
        self.history.alarms.push(Alarm {
            id: self.history.alarms_raised,
            identifier,
            name,
            level,
            details,
            instance: String::new(),
            node,
            raised: self.now,
            until,
        });
    }

    /// Alarms whose cause is long past go to history. Called before alarms are read or raised.
    pub(crate) fn lower_alarms(&mut self) {
        let now = self.now;
        let (standing, past): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.history.alarms).into_iter().partition(|alarm| alarm.until > now);
        self.history.alarms = standing;
        for alarm in past {
            let until = alarm.until;
            self.history.lowered.push_back((alarm, until));
        }
        while self.history.lowered.len() > self.settings.history.alarms {
            self.history.lowered.pop_front();
        }
    }
}
