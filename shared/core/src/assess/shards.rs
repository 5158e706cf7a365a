//! Which conferences run on which node, as far as it can be told.

use std::net::Ipv4Addr;

use rustc_hash::FxHashMap as HashMap;

use crate::observation::Platform;

/// Shards by node, and how many of them cannot be placed: each of those may be on any node.
#[derive(Debug)]
pub(super) struct Shards {
    by_node: HashMap<Ipv4Addr, u32>,
    unplaced: u32,
}

impl Shards {
    /// `None` where they were not read.
    pub(super) fn of(platform: &Platform) -> Option<Self> {
        let mut shards = Self { by_node: HashMap::default(), unplaced: 0 };
        for shard in platform.shards.as_ref()? {
            match shard.node {
                Some(node) => *shards.by_node.entry(node).or_default() += 1,
                None => shards.unplaced += 1,
            }
        }
        Some(shards)
    }

    /// Shards that are known to be on the node.
    pub(super) fn on(&self, node: Ipv4Addr) -> u32 {
        self.by_node.get(&node).copied().unwrap_or(0)
    }

    /// Whether none is on the node, nor may be.
    pub(super) fn none_on(&self, node: Ipv4Addr) -> bool {
        self.unplaced == 0 && self.on(node) == 0
    }
}
