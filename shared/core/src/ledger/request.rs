//! What operators ask for, from storing it until a cycle has done it.

use super::event::Actor;
use crate::ids::InstanceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An operator's command, met by the next cycle that holds the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Id, in the order of asking.
    pub id: String,
    /// Who asked.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What.
    #[serde(alias = "wish")]
    pub command: OperatorCommand,
}

/// A pause in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause<'a> {
    /// Its end.
    pub until: Timestamp,
    /// Who asked for it.
    pub by: &'a Actor,
    /// Why.
    pub reason: &'a str,
}

/// What an operator can ask of the next cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorCommand {
    /// Drain and stop this node.
    Stop(InstanceId),
    /// Give up the drain of this node, or end its retirement: it takes calls again.
    Release(InstanceId),
    /// Drain and stop this node, and leave it so: it stays in maintenance mode, and no rule starts it.
    Retire(InstanceId),
    /// Start this node although it is retired. It stays in maintenance mode until it is released, so that its
    /// static NAT address is right before it takes a call.
    Reinstate(InstanceId),
    /// Do nothing until the instant. Who ends the pause before that removes the request.
    Pause {
        /// End of the pause.
        until: Timestamp,
    },
}

impl OperatorCommand {
    /// The node that it is about; none: the platform.
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            Self::Stop(id) | Self::Release(id) | Self::Retire(id) | Self::Reinstate(id) => Some(id),
            Self::Pause { .. } => None,
        }
    }
}
