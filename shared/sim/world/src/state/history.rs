//! What the Management Node remembers of what has ended. Oldest out first.

use std::collections::VecDeque;

use jiff::Timestamp;
use uuid::Uuid;

use crate::load_model::CallMedia;

use super::conference::Conference;
use super::location::LocationIx;
use super::node::NodeIx;
use super::settings::HistorySettings;

#[derive(Debug, Clone)]
pub(crate) struct PastParticipant {
    pub(crate) id: Uuid,
    pub(crate) conference: Uuid,
    pub(crate) conference_name: String,
    pub(crate) service_type: &'static str,
    pub(crate) call: u64,
    pub(crate) outgoing: bool,
    pub(crate) media: CallMedia,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) location: LocationIx,
    pub(crate) media_node: NodeIx,
    pub(crate) signalling_node: NodeIx,
    pub(crate) proxy_node: Option<NodeIx>,
    pub(crate) reason: &'static str,
}

#[derive(Debug, Clone)]
pub(crate) struct PastConference {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) service_type: &'static str,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) participants: Vec<Uuid>,
}

#[derive(Debug, Clone)]
pub(crate) struct NodeEvent {
    pub(crate) id: u64,
    pub(crate) at: Timestamp,
    pub(crate) event_type: &'static str,
    pub(crate) state: &'static str,
    pub(crate) context: &'static str,
    pub(crate) details: String,
    pub(crate) node: NodeIx,
}

#[derive(Debug, Clone)]
pub(crate) struct Alarm {
    pub(crate) id: u64,
    pub(crate) identifier: u32,
    pub(crate) name: &'static str,
    pub(crate) level: &'static str,
    pub(crate) details: String,
    pub(crate) instance: String,
    pub(crate) node: Option<NodeIx>,
    pub(crate) raised: Timestamp,
    /// Lowered by itself then, unless raised again.
    pub(crate) until: Timestamp,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) participants: VecDeque<PastParticipant>,
    pub(crate) conferences: VecDeque<PastConference>,
    pub(crate) events: VecDeque<NodeEvent>,
    pub(crate) events_noted: u64,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) lowered: VecDeque<(Alarm, Timestamp)>,
    pub(crate) alarms_raised: u64,
    /// The reason of the controller's next start or stop, taken by the event it causes.
    pub(crate) reason: Option<String>,
}

impl History {
    pub(crate) fn conference_ended(&mut self, ended: Conference, at: Timestamp, keep: &HistorySettings) {
        self.conferences.push_back(PastConference {
            id: ended.id,
            name: ended.name,
            service_type: ended.service_type,
            start: ended.started_at,
            end: at,
            participants: ended.gone,
        });
        while self.conferences.len() > keep.conferences {
            let Some(oldest) = self.conferences.pop_front() else { break };
            // Participants go with their conference. They stand near the front: both ended long ago.
            let mut left = oldest.participants.len();
            let mut at = 0;
            while left > 0 && at < self.participants.len() {
                if self.participants.get(at).is_some_and(|p| p.conference == oldest.id) {
                    self.participants.remove(at);
                    left -= 1;
                } else {
                    at += 1;
                }
            }
        }
    }
}
