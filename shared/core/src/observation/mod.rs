//! What one cycle read of the world. What could not be read is part of the observation, with the reason:
//! a rule that needs it then says so, and never takes "unknown" for "none".

mod instance;
mod node;
mod platform;

use crate::fault::Fault;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use instance::{
    ElasticAddress, Fleet, Instance, InstanceDetail, InstanceState, InterfaceAddress, UnreadableRegion,
};
pub use node::{Node, NodeActivity, NodeRole, NodeStatus};
pub use platform::{BurstingSettings, Certificate, Licences, Location, Platform, PlatformScope, Shard};

/// A reading, or why there is none.
pub type Reading<T> = Result<T, Fault>;

/// The world as one cycle saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Our own clock when the reading was complete.
    pub observed_at: Timestamp,
    /// The Management Node's view.
    pub platform: Reading<Platform>,
    /// EC2's view of the instances that carry the platform's tag.
    pub fleet: Reading<Fleet>,
}
