//! A call that is up: what it is and where it sits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::capacity::Load;
use crate::load_model::CallMedia;

use super::conference::Group;
use super::location::LocationIx;
use super::node::NodeIx;

/// Number of a call, in the order of connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallId(pub(crate) u64);

/// Why a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCause {
    /// No node at the location takes calls.
    NoSignalling,
    /// No room for the media: "capacity exceeded".
    Capacity,
    /// The node's static NAT address is not its public address, and the caller comes from the internet.
    StaleAddress,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) group: Group,
    pub(crate) media: CallMedia,
    pub(crate) legs: u8,
    pub(crate) seat: Seat,
    pub(crate) connected_at: Timestamp,
    /// Counts among the callers of the load, or was made by hand.
    pub(crate) is_callers: bool,
}

/// Where a call sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Where the call came in.
    pub(crate) location: LocationIx,
    pub(crate) media: NodeIx,
    pub(crate) signalling: NodeIx,
    pub(crate) proxy: Option<NodeIx>,
    /// What it weighs on its media node.
    pub(crate) load: Load,
}
