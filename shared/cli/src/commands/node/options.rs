//! What the operations on nodes take.

use clap::{Args, ValueEnum};

use crate::acting::Acting;

/// The guide: "update one node at a time, waiting a few minutes before updating the next node".
const BETWEEN_NODES: &str = "5m";

/// What a node becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    Overflow,
    AlwaysOn,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// Nodes, by name
    #[arg(value_name = "NODE", required = true)]
    pub(super) node: Vec<String>,
    /// What they become
    #[arg(long, value_enum)]
    pub(super) to: Kind,
    /// The system location that they move to
    #[arg(long, value_name = "NAME")]
    pub(super) location: String,
    /// How long to wait between two nodes
    #[arg(long, value_name = "TIME", default_value = BETWEEN_NODES)]
    pub(super) between: String,
    #[command(flatten)]
    pub(super) common: Common,
}

/// What every operation takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The instance, where the node's private address does not tell (one node only)
    #[arg(long, value_name = "ID")]
    pub(super) instance: Option<String>,
    /// Stop overflow nodes that are younger than the minimum lifetime too
    #[arg(long)]
    pub(super) ignore_lifetime: bool,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Args)]
pub(crate) struct Several {
    /// Nodes, by name
    #[arg(value_name = "NODE", required = true)]
    pub(super) node: Vec<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The node, by name; the instance's id once the node is deleted
    #[arg(value_name = "NODE")]
    pub(super) node: String,
    /// Terminate the instance with this id as well. There is no way back
    #[arg(long, value_name = "INSTANCE-ID")]
    pub(super) terminate: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Nodes, by name
    #[arg(value_name = "NODE", required = true)]
    pub(super) node: Vec<String>,
    /// Leave them stopped
    #[arg(long)]
    pub(super) leave_stopped: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Resize {
    /// The new instance type
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) kind: String,
    #[command(flatten)]
    pub(super) change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Address {
    /// The node, by name
    #[arg(value_name = "NODE")]
    pub(super) node: String,
    /// This Elastic IP; else the one it has, or a new one
    #[arg(long, value_name = "EIPALLOC-ID")]
    pub(super) allocation: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}
