//! Calls by hand: so many at a location or on a node. Shared between the play and the surprises it lays.

use std::collections::BTreeMap;

use spillway_world::{CallHandle, CallSpec, World};

/// The calls that a script has made.
#[derive(Debug, Default)]
pub(super) struct Calls {
    at_location: BTreeMap<String, Vec<CallHandle>>,
    on_node: BTreeMap<String, Vec<CallHandle>>,
    /// Callers who found no room.
    pub(super) refused: usize,
}

impl Calls {
    /// From now on so many calls at a location; gives how many found no room now.
    pub(super) fn set_at(&mut self, world: &mut World, location: &str, calls: usize) -> usize {
        let here = self.at_location.entry(location.to_owned()).or_default();
        here.retain(|call| world.media_node_of(*call).is_some());
        while here.len() > calls {
            // The last who came goes first: an overflow node empties before the location itself does.
            if let Some(call) = here.pop() {
                world.hang_up(call);
            }
        }
        let mut refused = 0;
        for _ in here.len()..calls {
            match world.call(location, CallSpec::HD) {
                Ok(call) => here.push(call),
                Err(_) => refused += 1,
            }
        }
        self.refused += refused;
        refused
    }

    /// From now on so many calls on a node.
    pub(super) fn set_on(&mut self, world: &mut World, node: &str, calls: usize) {
        let here = self.on_node.entry(node.to_owned()).or_default();
        here.retain(|call| world.media_node_of(*call).is_some());
        while here.len() > calls {
            if let Some(call) = here.pop() {
                world.hang_up(call);
            }
        }
        let more = u32::try_from(calls - here.len()).unwrap_or(0);
        here.extend(world.seat_calls(node, more, CallSpec::HD));
    }

    /// Everybody whose media is on the node hangs up.
    pub(super) fn leave_node(&mut self, world: &mut World, node: &str) {
        for calls in self.at_location.values_mut().chain(self.on_node.values_mut()) {
            calls.retain(|call| {
                let here = world.media_node_of(*call).is_some_and(|on| on == node);
                if here {
                    world.hang_up(*call);
                }
                !here
            });
        }
    }

    /// Everybody hangs up.
    pub(super) fn leave(&mut self, world: &mut World) {
        for calls in self.at_location.values_mut().chain(self.on_node.values_mut()) {
            world.hang_up_all(calls);
            calls.clear();
        }
    }
}
