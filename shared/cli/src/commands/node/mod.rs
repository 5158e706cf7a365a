//! `spillway node …`: the guide's tasks on one node, whole and checked: *Converting between overflow and "always on"*,
//! *Managing AWS instances*, *Assigning a persistent public IP address*. The steps are the core's; here they are shown, asked
//! about, and driven to their end. Interrupting is safe: the same command goes on from where it was.

mod each;
mod find;
mod options;
mod upgrade;
mod work;

use std::time::Duration;

use clap::Subcommand;
use jiff::SignedDuration;
use spillway_core::ids::{AllocationId, InstanceType, LocationName};
use spillway_core::operation::Operation;

use crate::context::Context;
use crate::exit::Ended;
use crate::output::Output;
use crate::when;
use each::{each, remove};
use options::{Address, Change, Convert, Kind, Remove, Resize, Several};

/// `spillway node`.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Turn always-on nodes into overflow nodes, or back, one at a time
    Convert(Convert),
    /// Drain overflow nodes, stop them, and keep them stopped and in maintenance mode
    Retire(Several),
    /// Start stopped nodes again: static NAT address right, then maintenance mode off
    Reinstate(Several),
    /// Drain a node and delete it from the Management Node; its instance is terminated only on demand
    Remove(Remove),
    /// Add ENA support to the instances of nodes: stop, change, check, start
    EnableEna(Change),
    /// Change the instance type of nodes: stop, change, check, start
    Resize(Resize),
    /// Give a node a persistent public address: an Elastic IP, kept over stops, and the static NAT address with it
    Address(Address),
    /// Start and hold overflow nodes, in batches, until they run the Management Node's version
    Upgrade(upgrade::Options),
}

pub(crate) async fn run(context: &Context, command: &NodeCommand, output: &Output) -> Ended {
    let no_wait = Duration::ZERO;
    match command {
        NodeCommand::Convert(options) => {
            let location = LocationName::new(options.location.clone());
            let operation = match options.to {
                Kind::Overflow => Operation::ToOverflow { location },
                Kind::AlwaysOn => Operation::ToAlwaysOn { location },
            };
            let between = when::length(&options.between, SignedDuration::from_hours(1))?;
            let between = Duration::try_from(between).unwrap_or(no_wait);
            Box::pin(each(context, &options.node, &operation, &options.common, between, output)).await
        }
        NodeCommand::Retire(options) => {
            Box::pin(each(context, &options.node, &Operation::Retire, &options.common, no_wait, output)).await
        }
        NodeCommand::Reinstate(options) => {
            Box::pin(each(context, &options.node, &Operation::Reinstate, &options.common, no_wait, output))
                .await
        }
        NodeCommand::Remove(options) => Box::pin(remove(context, options, output)).await,
        NodeCommand::EnableEna(options) => {
            let operation = Operation::EnableEna { leave_stopped: options.leave_stopped };
            Box::pin(each(context, &options.node, &operation, &options.common, no_wait, output)).await
        }
        NodeCommand::Resize(Resize { kind, change }) => {
            let operation = Operation::Resize {
                kind: InstanceType::new(kind.clone()),
                leave_stopped: change.leave_stopped,
            };
            Box::pin(each(context, &change.node, &operation, &change.common, no_wait, output)).await
        }
        NodeCommand::Address(options) => {
            let allocation = options.allocation.clone().map(AllocationId::new);
            let nodes = std::slice::from_ref(&options.node);
            Box::pin(each(
                context,
                nodes,
                &Operation::Address { allocation },
                &options.common,
                no_wait,
                output,
            ))
            .await
        }
        NodeCommand::Upgrade(options) => Box::pin(upgrade::run(context, options, output)).await,
    }
}
