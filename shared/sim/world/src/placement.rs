//! Where the media of a call goes, by the vendor's rules: a node of the location that hosts the conference
//! already, then the highest `media_priority_weight`, then the most room; at most three media nodes per location
//! and conference; the location itself (or its transcoding location) first, then the primary, then the secondary
//! overflow location. Signalling stays where the call came in. It only chooses; seating is `calls`.

use std::cmp::Reverse;

use spillway_core::observation::NodeRole;

use crate::load_model::CallMedia;

use super::capacity::Load;
use crate::state::World;
use crate::state::conference::{Conference, Group};
use crate::state::location::LocationIx;
use crate::state::node::NodeIx;

/// What a candidate is ranked by: it hosts the conference already, its weight, its room, then the first by id.
type Rank = (bool, i64, Load, Reverse<NodeIx>);

impl World {
    /// The node that signals a call: the least busy one of the location that takes calls.
    pub(crate) fn choose_signalling(&self, location: LocationIx) -> Option<NodeIx> {
        let limit = self.settings.placement.proxy_connections;
        self.nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.location == location && node.takes_calls())
            .filter(|(_, node)| node.role == NodeRole::Transcoding || node.signalling < limit)
            .min_by_key(|(ix, node)| (node.signalling, *ix))
            .map(|(ix, _)| ix)
    }

    /// The node for the media of a call, and its weight there.
    pub(crate) fn choose_media(
        &self,
        location: LocationIx,
        group: Group,
        media: CallMedia,
        legs: u8,
    ) -> Option<(NodeIx, Load)> {
        let conference = self.conferences.get(&group);
        self.locations
            .get(location)?
            .media_locations(location)
            .find_map(|candidate| self.choose_media_in(candidate, conference, media, legs))
    }

    fn choose_media_in(
        &self,
        location: LocationIx,
        conference: Option<&Conference>,
        media: CallMedia,
        legs: u8,
    ) -> Option<(NodeIx, Load)> {
        let hosts = |ix: NodeIx| conference.is_some_and(|c| c.parts.contains_key(&ix));
        let hosting_here = conference.map_or(0, |c| {
            c.parts.keys().filter(|ix| self.nodes.get(**ix).is_some_and(|n| n.location == location)).count()
        });
        let may_spread_here = hosting_here < self.settings.placement.nodes_per_conference;
        // A new part of a conference that has one elsewhere costs a backplane here.
        let entrance = match conference {
            Some(conference) if !conference.parts.is_empty() => self.settings.placement.backplane,
            _ => Load::NONE,
        };
        let mut best: Option<(Rank, Load)> = None;
        for (ix, node) in self.nodes.iter().enumerate() {
            if node.location != location || !node.takes_calls() || node.role != NodeRole::Transcoding {
                continue;
            }
            let here = hosts(ix);
            if !here && !may_spread_here {
                continue;
            }
            let weight = Load(node.capacity.weight(media).0 * u64::from(legs));
            let needed = if here { weight } else { weight + entrance };
            let room = node.room();
            if room < needed {
                continue;
            }
            let rank = (here, node.effective.media_priority_weight, room, Reverse(ix));
            if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                best = Some((rank, weight));
            }
        }
        best.map(|((_, _, _, Reverse(ix)), weight)| (ix, weight))
    }
}
