//! The life of a call: it arrives, is seated or refused (and dials again), ends, or is dropped with its node.
//! Every caller is counted once at the end of his story: `offered = completed + refused + in progress +
//! redialling + dropped` holds at every instant.

use uuid::Uuid;

use crate::dice::Draw;
use crate::load_model::{CallMedia, MeetingKind};

use crate::capacity::Load;
use crate::capacity::demand;
use crate::state::calls::{Call, CallId, RefusalCause, Seat};
use crate::state::conference::{Conference, Group, Part};
use crate::state::history::PastParticipant;
use crate::state::instance::Initiator;
use crate::state::location::LocationIx;
use crate::state::node::NodeIx;
use crate::state::{Happening, World};

impl World {
    pub(crate) fn caller_arrives(&mut self, caller: usize, attempt: u32) {
        let Some(&who) = self.callers.list.get(caller) else { return };
        if attempt == 0 {
            self.stats.offered += 1;
            self.stats.offered_load += who.demand();
        }
        self.stats.attempts += 1;
        let kind = self.callers.meetings.get(who.meeting).map_or(MeetingKind::Meeting, |m| m.kind);
        let group = Group::Meeting(who.meeting);
        let outside = self.settings.internet_share > 0.0
            && self.dice.unit(Draw::Internet, caller as u64, 0) < self.settings.internet_share;
        let seated = self
            .entry_location(who.entry)
            .ok_or(RefusalCause::NoSignalling)
            .and_then(|location| self.find_seat(location, group, who.media, who.legs, outside));
        match seated {
            Ok(seat) => {
                let call = self.connect(group, kind, who.media, who.legs, seat, true);
                self.plan(who.duration, Happening::CallEnds { call });
            }
            Err(cause) => self.refuse(caller, attempt, cause, who.demand()),
        }
    }

    fn refuse(&mut self, caller: usize, attempt: u32, cause: RefusalCause, load: Load) {
        self.stats.refused_attempts += 1;
        self.stats.refused_attempts_load += load;
        *self.stats.refused_by_cause.entry(cause).or_default() += 1;
        if cause == RefusalCause::Capacity {
            self.note_capacity_alarm();
        }
        let redial = self.callers.redial;
        if attempt < redial.times {
            self.redialling += 1;
            let wait =
                self.dice.between(Draw::Redial, caller as u64, u64::from(attempt), (redial.from, redial.to));
            self.plan(wait, Happening::Redial { caller, attempt: attempt + 1 });
        } else {
            self.stats.refused += 1;
            self.stats.refused_for_address += u64::from(cause == RefusalCause::StaleAddress);
            self.stats.refused_load += load;
        }
    }

    pub(crate) fn redial(&mut self, caller: usize, attempt: u32) {
        self.redialling = self.redialling.saturating_sub(1);
        self.caller_arrives(caller, attempt);
    }

    /// The location at a point of the shares.
    fn entry_location(&self, point: f64) -> Option<LocationIx> {
        let open = || self.locations.iter().enumerate().filter(|(_, l)| !l.deleted && l.share > 0.0);
        let mut left = point * open().map(|(_, l)| l.share).sum::<f64>();
        for (ix, location) in open() {
            if left < location.share {
                return Some(ix);
            }
            left -= location.share;
        }
        open().next_back().map(|(ix, _)| ix)
    }

    pub(crate) fn find_seat(
        &self,
        location: LocationIx,
        group: Group,
        media: CallMedia,
        legs: u8,
        from_internet: bool,
    ) -> Result<Seat, RefusalCause> {
        let signalling = self.choose_signalling(location).ok_or(RefusalCause::NoSignalling)?;
        let (node, load) = self.choose_media(location, group, media, legs).ok_or(RefusalCause::Capacity)?;
        let proxies = self
            .nodes
            .get(signalling)
            .is_some_and(|n| n.role == spillway_core::observation::NodeRole::Proxying);
        let proxy = proxies.then_some(signalling);
        // Media from the internet reaches the proxying node where there is one, else the media node itself.
        let faces_internet = proxy.unwrap_or(node);
        if from_internet && (self.address_is_stale(signalling) || self.address_is_stale(faces_internet)) {
            return Err(RefusalCause::StaleAddress);
        }
        Ok(Seat { location, media: node, signalling, proxy, load })
    }

    /// Whether the node has a public address and believes in another one.
    pub(crate) fn address_is_stale(&self, node: NodeIx) -> bool {
        let Some(node) = self.nodes.get(node) else { return false };
        let public =
            node.instance.and_then(|ix| self.instances.get(ix)).and_then(|instance| instance.now.public_ip);
        public.is_some_and(|public| node.effective.static_nat != Some(public))
    }

    pub(crate) fn connect(
        &mut self,
        group: Group,
        kind: MeetingKind,
        media: CallMedia,
        legs: u8,
        seat: Seat,
        is_callers: bool,
    ) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.join(group, kind, seat.media, u32::from(legs));
        if let Some(node) = self.nodes.get_mut(seat.media) {
            node.load += seat.load;
            node.media_legs += u32::from(legs);
        }
        if let Some(node) = self.nodes.get_mut(seat.signalling) {
            node.signalling += u32::from(legs);
        }
        let call = Call { group, media, legs, seat, connected_at: self.now, is_callers };
        self.calls.insert(id, call);
        id
    }

    /// Adds a call to its conference, which begins with its first call and is spread with its second part.
    fn join(&mut self, group: Group, kind: MeetingKind, node: NodeIx, legs: u32) {
        if !self.conferences.contains_key(&group) {
            self.conferences_begun += 1;
            let number = self.conferences_begun;
            let conference = Conference {
                number,
                id: self.dice.uuid(Draw::Conference, number, 0),
                name: conference_name(group, kind),
                service_type: if kind == MeetingKind::Gateway { "gateway" } else { "conference" },
                started_at: self.now,
                parts: std::collections::BTreeMap::new(),
                spread_at: None,
                legs: 0,
                gone: Vec::new(),
            };
            self.conferences.insert(group, conference);
        }
        let (now, cost) = (self.now, self.settings.placement.backplane);
        let Some(conference) = self.conferences.get_mut(&group) else { return };
        conference.legs += legs;
        if let Some(part) = conference.parts.get_mut(&node) {
            part.calls += 1;
            return;
        }
        conference.parts.insert(node, Part { calls: 1, backplane: Load::NONE });
        if let Some(node) = self.nodes.get_mut(node) {
            node.parts += 1;
        }
        if conference.parts.len() > 1 {
            conference.spread_at.get_or_insert(now);
            for (ix, part) in &mut conference.parts {
                let Some(node) = self.nodes.get_mut(*ix) else { continue };
                // A full node carries the backplane as well as it can: it is never loaded above its capacity.
                let more = (cost - part.backplane).min(node.capacity.load() - node.load);
                part.backplane += more;
                node.load += more;
            }
        }
    }

    pub(crate) fn call_ends(&mut self, id: CallId) {
        if let Some(call) = self.remove_call(id, "Call disconnected")
            && call.is_callers
        {
            self.stats.completed += 1;
        }
    }

    /// Takes a call out of the world, whatever the reason.
    fn remove_call(&mut self, id: CallId, reason: &'static str) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        let legs = u32::from(call.legs);
        if let Some(node) = self.nodes.get_mut(call.seat.media) {
            node.load -= call.seat.load;
            node.media_legs = node.media_legs.saturating_sub(legs);
        }
        if let Some(node) = self.nodes.get_mut(call.seat.signalling) {
            node.signalling = node.signalling.saturating_sub(legs);
        }
        self.leave(id, &call, reason);
        Some(call)
    }

    fn leave(&mut self, id: CallId, call: &Call, reason: &'static str) {
        let now = self.now;
        let ids: Vec<Uuid> = (0..call.legs).map(|leg| self.participant_id(id, leg)).collect();
        let Some(conference) = self.conferences.get_mut(&call.group) else { return };
        for (leg, participant) in ids.into_iter().enumerate() {
            conference.gone.push(participant);
            self.history.participants.push_back(PastParticipant {
                id: participant,
                conference: conference.id,
                conference_name: conference.name.clone(),
                service_type: conference.service_type,
                call: id.0,
                outgoing: leg > 0,
                media: call.media,
                start: call.connected_at,
                end: now,
                location: call.seat.location,
                media_node: call.seat.media,
                signalling_node: call.seat.signalling,
                proxy_node: call.seat.proxy,
                reason,
            });
        }
        conference.legs = conference.legs.saturating_sub(u32::from(call.legs));
        if let Some(part) = conference.parts.get_mut(&call.seat.media) {
            part.calls = part.calls.saturating_sub(1);
            if part.calls == 0 {
                let backplane = part.backplane;
                conference.parts.remove(&call.seat.media);
                if let Some(node) = self.nodes.get_mut(call.seat.media) {
                    node.load -= backplane;
                    node.parts = node.parts.saturating_sub(1);
                }
            }
        }
        if conference.parts.len() == 1 {
            for (ix, part) in &mut conference.parts {
                if let Some(node) = self.nodes.get_mut(*ix) {
                    node.load -= part.backplane;
                }
                part.backplane = Load::NONE;
            }
            conference.spread_at = None;
        }
        if conference.parts.is_empty()
            && let Some(ended) = self.conferences.remove(&call.group)
        {
            self.history.conference_ended(ended, now, &self.settings.history);
        }
    }

    /// The node is gone: its calls are dropped and counted on whoever stopped it.
    pub(crate) fn drop_calls_on(&mut self, node: NodeIx, by: Initiator) {
        if !self.nodes.get(node).is_some_and(crate::state::node::Node::is_busy) {
            return;
        }
        let lost: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, call)| {
                call.seat.media == node || call.seat.signalling == node || call.seat.proxy == Some(node)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in lost {
            if let Some(call) = self.remove_call(id, "Node stopped")
                && call.is_callers
            {
                self.stats.dropped.add(by, demand(call.media, call.legs));
            }
        }
    }

    pub(crate) fn participant_id(&self, call: CallId, leg: u8) -> Uuid {
        self.dice.uuid(Draw::Participant, call.0, u64::from(leg))
    }
}

fn conference_name(group: Group, kind: MeetingKind) -> String {
    let word = match kind {
        MeetingKind::Meeting => "meeting",
        MeetingKind::Gateway => "gateway",
        MeetingKind::AudioMeeting => "audio",
        MeetingKind::TownHall => "town-hall",
    };
    match group {
        Group::Meeting(number) => format!("{word}-{number}"),
        Group::ByHand(number) => format!("{word}-by-hand-{number}"),
    }
}
