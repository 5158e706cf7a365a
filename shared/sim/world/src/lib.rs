//! The simulated world: a Pexip platform on EC2 and the people who call it, in virtual time.
//!
//! It exists so that everything Spillway does can be seen, compared and broken on one machine. It is pure: the same seed and
//! the same calls into it give the same run, byte for byte. Where the vendor does not document a behaviour the number is a
//! setting ([`WorldSettings`]) whose comment says that it is a guess.
//!
//! It must not speak HTTP, wait for anything, or reach AWS; it reads no clock and no environment, and no file but a trace
//! that it is given ([`trace::Trace::read`]). Time passes only in [`World::advance_to`]. It knows nothing of Spillway's
//! planner: whoever starts and stops instances is an [`Initiator`].
//!
//! Begin with [`WorldBuilder`]; then `state/` (what is so at an instant) and `time.rs` (what happens). Callers come from
//! [`weekday`] or [`trace`] by way of [`load_model`].

mod build;
mod builder;
pub mod callers;
mod calls;
pub mod capacity;
mod changes;
mod controller;
mod dice;
mod ec2;
pub mod fixtures;
mod history;
mod interventions;
mod licences;
pub mod load_model;
mod management;
mod node_spec;
mod operator;
mod pace;
mod placement;
mod read;
mod rows;
mod runs;
mod sampling;
mod sizing;
mod state;
mod time;
pub mod trace;
mod upgrade;
pub mod weekday;

#[cfg(test)]
mod tests;

pub use self::builder::{WorldBuilder, WorldError};
pub use self::capacity::{Load, NodeCapacity, is_offered};
pub use self::interventions::{CallHandle, CallSpec};
pub use self::node_spec::NodeSpec;
pub use self::pace::Paced;
pub use self::read::{NodeView, ServiceView};
pub use self::sizing::Sizing;
pub use self::state::calls::RefusalCause;
pub use self::state::ec2::{FleetScope, StateChange};
pub use self::state::instance::{BootFailure, Initiator, state_word};
pub use self::state::settings::{
    BootSettings, ControllerSettings, Ec2Settings, EventFaults, HistorySettings, PlacementSettings,
    ReportingSettings, UpgradeSettings, WorldSettings,
};
pub use self::state::stats::{Dropped, LocationSample, NodeHours, NodesByState, Sample, Stats};
pub use self::state::{SharedWorld, World, later, lock};
