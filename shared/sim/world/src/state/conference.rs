//! A live conference and its parts on nodes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::node::NodeIx;
use crate::capacity::Load;

/// What calls belong together: a meeting of the load, or one made by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    Meeting(usize),
    ByHand(u64),
}

/// The part of a conference on one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) calls: u32,
    /// What the connection to the other parts costs here; nothing while there is one part.
    pub(crate) backplane: Load,
}

#[derive(Debug, Clone)]
pub(crate) struct Conference {
    /// How-many-th conference of the world: names it in draws.
    pub(crate) number: u64,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) service_type: &'static str,
    pub(crate) started_at: Timestamp,
    /// Parts by node.
    pub(crate) parts: BTreeMap<NodeIx, Part>,
    /// When it was first spread.
    pub(crate) spread_at: Option<Timestamp>,
    /// Legs now.
    pub(crate) legs: u32,
    /// Participants whose call has ended, by their ids.
    pub(crate) gone: Vec<Uuid>,
}
