//! What the check can find.

use crate::ids::{InstanceId, LocationName};
use serde::{Deserialize, Serialize};

/// What a plan would have broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "violation")]
pub enum Violation {
    /// An instance that was not observed, or does not carry our tag value.
    #[error("{instance} is not an instance with our tag")]
    NotOurs {
        /// Instance.
        instance: InstanceId,
    },
    /// An instance in a VPC or region that the policy does not name.
    #[error("{instance} is in {place}, which the policy does not name")]
    WrongPlace {
        /// Instance.
        instance: InstanceId,
        /// VPC.
        place: String,
    },
    /// A node that hosts something, or is not known to host nothing.
    #[error("{instance} is not known to be idle")]
    NotIdle {
        /// Instance.
        instance: InstanceId,
    },
    /// A stop outside a drain, or before the drain had its time.
    #[error("{instance} has not drained")]
    NotDrained {
        /// Instance.
        instance: InstanceId,
    },
    /// Younger than the minimum lifetime.
    #[error("{instance} is younger than the minimum lifetime")]
    Young {
        /// Instance.
        instance: InstanceId,
    },
    /// A stop or a new drain during an outage, or while something is being upgraded.
    #[error("no drain or stop during an outage or an upgrade: {instance}")]
    BadMoment {
        /// Instance.
        instance: InstanceId,
    },
    /// Two actions for one instance that contradict each other, or a start of one that runs already.
    #[error("{instance}: already running, or contradictory actions")]
    Contradiction {
        /// Instance.
        instance: InstanceId,
    },
    /// More starts than allowed.
    #[error("{starts} starts, allowed are {most}")]
    TooManyStarts {
        /// In the plan.
        starts: u32,
        /// By the policy.
        most: u32,
    },
    /// More nodes up in a location than allowed.
    #[error("{up} nodes up in {location}, allowed are {most}")]
    TooManyNodes {
        /// Location.
        location: LocationName,
        /// After the plan.
        up: u32,
        /// By the policy.
        most: u32,
    },
    /// More drains at once than allowed.
    #[error("{drains} drains at once, allowed are {most}")]
    TooManyDrains {
        /// After the plan.
        drains: u32,
        /// By the policy.
        most: u32,
    },
    /// A maintenance mode that is not ours.
    #[error("the maintenance mode of {instance} is somebody else's")]
    ForeignMaintenance {
        /// Instance.
        instance: InstanceId,
    },
    /// Rules set aside that nobody with the right to do so set aside.
    #[error("{instance} is to be stopped against a rule, and no operator's command said so")]
    NotGranted {
        /// Instance.
        instance: InstanceId,
    },
    /// The other controller is on.
    #[error("bursting is enabled on the Management Node: two controllers must not act")]
    TwoControllers,
}
