//! `spillway node …`: the guide's tasks on one node, whole and checked: *Converting between overflow and "always on"*,
//! *Managing AWS instances*, *Assigning a persistent public IP address*. The steps are the core's; here they are shown, asked
//! about, and driven to their end. Interrupting is safe: the same command goes on from where it was.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use spillway_core::ids::{AllocationId, InstanceId, InstanceType, LocationName};
use spillway_core::operation::{Memory, Operation, Seen, Step, Stopped, Subject, Turn, Worker, warnings};
use spillway_core::ports::OperatorFleet;
use spillway_dynamodb::DynamoLedger;
use spillway_ec2::{AwsFleet, Operator};
use spillway_pexip::{HttpManagement, SystemClock};
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::desk::Desk;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::wait::{self, Progress};

/// The guide: "update one node at a time, waiting a few minutes before updating the next node".
const BETWEEN_NODES: &str = "5m";

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
    Upgrade(super::node_upgrade::Options),
}

/// What a node becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Overflow,
    AlwaysOn,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// Nodes, by name
    #[arg(value_name = "NODE", required = true)]
    node: Vec<String>,
    /// What they become
    #[arg(long, value_enum)]
    to: Kind,
    /// The system location that they move to
    #[arg(long, value_name = "NAME")]
    location: String,
    /// How long to wait between two nodes
    #[arg(long, value_name = "TIME", default_value = BETWEEN_NODES)]
    between: String,
    #[command(flatten)]
    common: Common,
}

/// What every operation takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The instance, where the node's private address does not tell (one node only)
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Stop overflow nodes that are younger than the minimum lifetime too
    #[arg(long)]
    ignore_lifetime: bool,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Debug, Args)]
pub(crate) struct Several {
    /// Nodes, by name
    #[arg(value_name = "NODE", required = true)]
    node: Vec<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The node, by name; the instance's id once the node is deleted
    #[arg(value_name = "NODE")]
    node: String,
    /// Terminate the instance with this id as well. There is no way back
    #[arg(long, value_name = "INSTANCE-ID")]
    terminate: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Change {
    /// Nodes, by name
    #[arg(value_name = "NODE", required = true)]
    node: Vec<String>,
    /// Leave them stopped
    #[arg(long)]
    leave_stopped: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct Resize {
    /// The new instance type
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct Address {
    /// The node, by name
    #[arg(value_name = "NODE")]
    node: String,
    /// This Elastic IP; else the one it has, or a new one
    #[arg(long, value_name = "EIPALLOC-ID")]
    allocation: Option<String>,
    #[command(flatten)]
    common: Common,
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
            let between = crate::when::length(&options.between, jiff::SignedDuration::from_hours(1))?;
            let between = Duration::try_from(between).unwrap_or(no_wait);
            each(context, &options.node, &operation, &options.common, between, output).await
        }
        NodeCommand::Retire(options) => {
            each(context, &options.node, &Operation::Retire, &options.common, no_wait, output).await
        }
        NodeCommand::Reinstate(options) => {
            each(context, &options.node, &Operation::Reinstate, &options.common, no_wait, output).await
        }
        NodeCommand::Remove(options) => Box::pin(remove(context, options, output)).await,
        NodeCommand::EnableEna(options) => {
            let operation = Operation::EnableEna { leave_stopped: options.leave_stopped };
            each(context, &options.node, &operation, &options.common, no_wait, output).await
        }
        NodeCommand::Resize(Resize { kind, change }) => {
            let operation = Operation::Resize {
                kind: InstanceType::new(kind.clone()),
                leave_stopped: change.leave_stopped,
            };
            each(context, &change.node, &operation, &change.common, no_wait, output).await
        }
        NodeCommand::Address(options) => {
            let allocation = options.allocation.clone().map(AllocationId::new);
            let nodes = std::slice::from_ref(&options.node);
            each(context, nodes, &Operation::Address { allocation }, &options.common, no_wait, output).await
        }
        NodeCommand::Upgrade(options) => Box::pin(super::node_upgrade::run(context, options, output)).await,
    }
}

/// The instance's id is typed, so that nobody terminates another than he means.
async fn remove(context: &Context, options: &Remove, output: &Output) -> Ended {
    let operation = Operation::Remove { terminate: options.terminate.is_some() };
    let desk = Desk::open(context, &options.common.acting).await?;
    let operator = operator(&desk)?;
    let subject = find(&desk, &operator, &options.node, options.common.instance.as_deref()).await?;
    if let Some(typed) = &options.terminate
        && subject.instance.as_ref().map(InstanceId::as_str) != Some(typed)
    {
        let is = subject.instance.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string);
        return Err(Failure::refused(format!("{typed} is not the instance of {}", options.node))
            .remedy(format!("its instance is {is}")));
    }
    let work = Work { desk: &desk, operator: &operator, operation: &operation, common: &options.common };
    let ended = Box::pin(work.one(subject, output)).await?;
    if output.json {
        output::json(
            &json!({"schema": 1, "platform": context.platform, "operation": operation, "nodes": [ended]}),
        );
    }
    Ok(Exit::Done)
}

/// The nodes one after another: what disturbs one never disturbs two at once.
async fn each(
    context: &Context,
    nodes: &[String],
    operation: &Operation,
    common: &Common,
    between: Duration,
    output: &Output,
) -> Ended {
    if common.instance.is_some() && nodes.len() > 1 {
        return Err(Failure::usage("--instance is for one node").remedy("name one node at a time"));
    }
    let desk = Desk::open(context, &common.acting).await?;
    let operator = operator(&desk)?;
    let mut subjects = Vec::new();
    for name in nodes {
        subjects.push(find(&desk, &operator, name, common.instance.as_deref()).await?);
    }
    let work = Work { desk: &desk, operator: &operator, operation, common };
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for (index, subject) in subjects.into_iter().enumerate() {
        if index > 0 && !between.is_zero() && failures.is_empty() {
            output::note(&format!("waiting {} s before the next node (guide)", between.as_secs()));
            tokio::select! {
                () = tokio::time::sleep(between) => {}
                _ = tokio::signal::ctrl_c() => return Err(Failure::failed("interrupted between two nodes")),
            }
        }
        let name = subject.name.clone();
        match Box::pin(work.one(subject, output)).await {
            Ok(ended) => done.push(ended),
            Err(failure) => {
                failures.push((name, failure));
                // What stopped one would most likely stop the next, and nobody watches two.
                break;
            }
        }
    }
    let exit = match failures.pop() {
        None => Exit::Done,
        Some((_, failure)) if done.is_empty() => return Err(failure),
        Some((name, failure)) => {
            output::error(&failure, &output.zone);
            output::note(&format!("{} of {} nodes done; {name} is not", done.len(), nodes.len()));
            Exit::Partly
        }
    };
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "operation": operation, "nodes": done,
        }));
    }
    Ok(exit)
}

fn operator(desk: &Desk<'_>) -> Result<Operator, Failure> {
    let policy = desk.policy();
    Ok(Operator::connect(&desk.context.config, &policy.regions, &policy.vpcs, None)?)
}

/// The node with this name and its instance, by private address; or an instance whose node is deleted already.
async fn find(
    desk: &Desk<'_>,
    operator: &Operator,
    name: &str,
    instance: Option<&str>,
) -> Result<Subject, Failure> {
    let world = desk.look().await?;
    let node = world.platform.nodes.iter().find(|node| node.name.as_str() == name);
    let Some(node) = node else {
        let by_name = world.ledger.nodes.iter().find(|(id, record)| {
            id.as_str() == name || record.name.as_ref().is_some_and(|known| known.as_str() == name)
        });
        let known = by_name.map(|(id, _)| id.clone()).or_else(|| name.starts_with("i-").then(|| name.into()));
        if let Some(id) = known
            && let Some(detail) = operator.read_instance(&id).await?
        {
            // An instance whose node is configured is that node's.
            let node =
                world.platform.nodes.iter().find(|node| Some(node.address) == detail.instance.private_ip);
            return Ok(Subject {
                name: node.map_or_else(|| name.into(), |node| node.name.clone()),
                address: node.map(|node| node.address),
                instance: Some(id),
            });
        }
        return Err(Failure::usage(format!("the Management Node has no node {name}"))
            .remedy("the names are those under Platform > Conferencing Nodes"));
    };
    let found = operator.find_instances(node.address).await?;
    let instance = match (instance, found.as_slice()) {
        (Some(id), found) => {
            if !found.iter().any(|each| each.instance.id.as_str() == id) {
                return Err(Failure::refused(format!("{id} does not have the private address of {name}"))
                    .remedy(format!("that is {}", node.address)));
            }
            Some(InstanceId::new(id))
        }
        (None, []) => None,
        (None, [one]) => Some(one.instance.id.clone()),
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|each| each.instance.id.as_str()).collect();
            return Err(Failure::usage(format!("several instances have the private address of {name}"))
                .remedy(format!("say which: --instance {}", ids.join(" | "))));
        }
    };
    Ok(Subject { name: node.name.clone(), address: Some(node.address), instance })
}

struct Work<'a> {
    desk: &'a Desk<'a>,
    operator: &'a Operator,
    operation: &'a Operation,
    common: &'a Common,
}

/// What an operation did, for `--json`.
#[derive(Debug, serde::Serialize)]
struct Worked {
    node: String,
    instance: Option<InstanceId>,
    done: Vec<Step>,
}

impl Work<'_> {
    /// One node: plan shown, asked, driven to the end.
    async fn one(&self, subject: Subject, output: &Output) -> Result<Worked, Failure> {
        let desk = self.desk;
        let (name, instance) = (subject.name.clone(), subject.instance.clone());
        let worker = Worker {
            ports: desk.ports(),
            operator: self.operator,
            policy: desk.policy(),
            operation: self.operation,
            subject,
            by: desk.by.clone(),
            why: desk.reason.clone(),
            ignore_lifetime: self.common.ignore_lifetime,
        };
        let mut memory = Memory::default();
        let seen: Seen = worker.look(&memory).await?;
        let steps = worker.steps(&seen).map_err(|obstacle| stopped(Stopped::Obstacle(obstacle)))?;
        let mut done = Vec::new();
        if steps.is_empty() {
            if !output.json {
                output::text(&format!("{}: nothing to do\n", clean(name.as_str())));
            }
            return Ok(Worked { node: name.to_string(), instance, done });
        }
        if !output.json {
            let id = instance.as_ref().map_or_else(|| "no instance".to_owned(), ToString::to_string);
            output::note(&format!("{name} ({id}):"));
            for (number, step) in steps.iter().enumerate() {
                output::note(&format!("  {}. {step}", number + 1));
            }
            for warning in warnings(desk.policy(), self.operation, &worker.subject, &seen) {
                output::note(&format!("  note: {warning}"));
            }
        }
        confirm(&self.common.acting, &format!("Do this to {name}?"))?;
        let mut progress = Progress::new(output);
        let at = std::sync::Mutex::new("nothing was done yet".to_owned());
        // Wherever it is interrupted: what was done stays, and the rest is planned anew.
        let ended = tokio::select! {
            ended = Box::pin(self.drive(&worker, &mut memory, &mut done, &mut progress, &at)) => ended,
            _ = tokio::signal::ctrl_c() => {
                let at = at.lock().map(|at| at.clone()).unwrap_or_default();
                Err(Failure::failed(format!("interrupted; {name}: {at}")).remedy("the same command goes on from there"))
            }
        };
        progress.end();
        ended?;
        if !output.json {
            output::text(&format!("{}: done\n", clean(name.as_str())));
        }
        Ok(Worked { node: name.to_string(), instance, done })
    }

    /// Turn after turn, to the end.
    async fn drive(
        &self,
        worker: &At<'_>,
        memory: &mut Memory,
        done: &mut Vec<Step>,
        progress: &mut Progress,
        at: &std::sync::Mutex<String>,
    ) -> Result<(), Failure> {
        let name = &worker.subject.name;
        let stands = |text: String| {
            if let Ok(mut at) = at.lock() {
                *at = text;
            }
        };
        loop {
            match Box::pin(worker.turn(memory)).await.map_err(stopped)? {
                Turn::Finished => return Ok(()),
                Turn::Did(step) => {
                    stands(format!("the last step done is: {step}"));
                    progress.says(&format!("{name}: done: {step}"));
                    done.push(step);
                }
                Turn::Waits { step, why } => {
                    stands(format!("it was at the step: {step} ({why})"));
                    progress.waits(&format!("{name}: {}: {why}", step.word()));
                    tokio::time::sleep(wait::every()).await;
                }
            }
        }
    }
}

/// An operation at work, over the clients of the command line.
type At<'a> = Worker<'a, AwsFleet, HttpManagement, DynamoLedger, SystemClock, Operator>;

fn stopped(why: Stopped) -> Failure {
    match why {
        Stopped::Obstacle(obstacle) => Failure::refused(obstacle.to_string()).remedy(obstacle.remedy()),
        Stopped::Fault(fault) => fault.into(),
    }
}
