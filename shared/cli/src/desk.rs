//! What commands that act share: the clients, who acts and why, one cycle of the functions' own kind, and the line of
//! history for what was asked. There is no other way to act on a node from here.

use jiff::Timestamp;
use serde_json::{Value, json};
use spillway_core::assess::Assessment;
use spillway_core::cycle::{LeaseMemory, Ports, read_world};
use spillway_core::desk::{About, may_act};
use spillway_core::fault::Fault;
use spillway_core::ids::{InstanceId, LocationName, NodeName};
use spillway_core::ledger::{Actor, Hold, HoldScope, Ledger, Wish};
use spillway_core::observation::{Fleet, Instance, Node, Platform};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::plan::{Action, Override};
use spillway_core::policy::Policy;
use spillway_core::ports::{Clock, LedgerWrite};
use spillway_dynamodb::DynamoLedger;
use spillway_ec2::AwsFleet;
use spillway_pexip::{HttpManagement, SystemClock};

use crate::acting::Acting;
use crate::context::{Clients, Context};
use crate::exit::{Exit, Failure};
use crate::identity::caller;

/// An operator at work.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) context: &'a Context,
    pub(crate) clients: Clients,
    /// Who acts.
    pub(crate) by: Actor,
    /// Why, in the operator's words.
    pub(crate) reason: String,
}

/// What is so now, all of it: an operator's command does not act on half a picture.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) fleet: Fleet,
    pub(crate) ledger: Ledger,
    pub(crate) now: Timestamp,
}

/// An overflow node by all its names.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) instance: Instance,
    pub(crate) node: Node,
    pub(crate) location: LocationName,
    pub(crate) phase: &'static str,
}

type CliDesk<'a> = spillway_core::desk::Desk<'a, AwsFleet, HttpManagement, DynamoLedger, SystemClock>;
type CliPorts<'a> = Ports<'a, AwsFleet, HttpManagement, DynamoLedger, SystemClock>;

impl<'a> Desk<'a> {
    /// Asks STS who acts, and makes the clients.
    pub(crate) async fn open(context: &'a Context, acting: &Acting) -> Result<Self, Failure> {
        let clients = context.clients().await?;
        let by = caller(context).await?;
        let reason = acting.reason.clone().unwrap_or_default();
        let reason = if reason.trim().is_empty() { "no reason given".to_owned() } else { reason };
        Ok(Self { context, clients, by, reason })
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.clients.settings.policy
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context.clock.now()
    }

    pub(crate) fn ports(&self) -> CliPorts<'_> {
        Ports {
            fleet: &self.clients.fleet,
            management: &self.clients.management,
            ledger: &self.clients.ledger,
            clock: self.context.clock.as_ref(),
        }
    }

    /// What the command line and the status page do in the same way.
    pub(crate) fn work(&self) -> CliDesk<'_> {
        spillway_core::desk::Desk {
            ports: self.ports(),
            policy: self.policy(),
            by: self.by.clone(),
            reason: self.reason.clone(),
            place: "at the command line",
        }
    }

    /// One cycle, by an owner of its own. `memory` lasts as long as the command.
    pub(crate) async fn cycle(&self, memory: &mut LeaseMemory, overrides: &[Override]) -> CycleReport {
        Box::pin(self.work().cycle(memory, overrides)).await
    }

    /// Reads everything.
    pub(crate) async fn look(&self) -> Result<World, Failure> {
        let (observation, ledger) = read_world(self.ports()).await;
        Ok(World {
            platform: observation.platform?,
            fleet: observation.fleet?,
            ledger: ledger?,
            now: self.now(),
        })
    }

    /// Writes into the history that this was asked, by whom and why.
    pub(crate) async fn asked(&self, what: &str, about: Option<&Found>) -> Result<(), Fault> {
        self.work().asked(what, about.map(Found::about).as_ref()).await
    }

    /// Stores a wish. The id is the wish's own, so that asking twice is asking once.
    pub(crate) async fn wish(&self, id: String, wish: Wish) -> Result<(), Fault> {
        self.clients.ledger.put_request(&self.work().request(id, wish, self.now())).await
    }

    /// Who has the lease, or had it a moment ago: what the loser of a race is told.
    pub(crate) async fn winner(&self) -> String {
        self.work().winner().await
    }

    /// Refuses where a pause or the policy keeps every cycle from acting.
    pub(crate) fn may_act(&self, world: &World) -> Result<(), Failure> {
        Ok(may_act(self.policy(), &world.ledger, world.now)?)
    }
}

impl Found {
    /// It as the history names it.
    pub(crate) fn about(&self) -> About {
        About {
            instance: self.instance.id.clone(),
            node: self.node.name.clone(),
            location: self.location.clone(),
        }
    }
}

impl World {
    /// The overflow node with this name or instance id.
    pub(crate) fn find(&self, policy: &Policy, name: &str) -> Result<Found, Failure> {
        let view = Assessment::new(policy, &self.platform, &self.fleet, Some(&self.ledger), self.now);
        let wanted = |id: &InstanceId, node: &NodeName| id.as_str() == name || node.as_str() == name;
        view.nodes
            .iter()
            .find(|node| wanted(&node.instance.id, &node.node.name))
            .map(|node| Found {
                instance: node.instance.clone(),
                node: node.node.clone(),
                location: view.location_name(node.node.location),
                phase: node.phase.word(),
            })
            .ok_or_else(|| {
                let names: Vec<&str> =
                    view.nodes.iter().take(12).map(|node| node.node.name.as_str()).collect();
                Failure::usage(format!("{name} is not an overflow node of this platform")).remedy(format!(
                    "overflow nodes are: {}{}",
                    names.join(", "),
                    if view.nodes.len() > 12 { ", …" } else { "" }
                ))
            })
    }

    /// The node that a hold is about, where it is about one.
    pub(crate) fn held_node(&self, policy: &Policy, hold: &Hold) -> Option<Found> {
        match &hold.scope {
            HoldScope::Node(id) => self.find(policy, id.as_str()).ok(),
            HoldScope::All | HoldScope::Location(_) => None,
        }
    }

    /// Whether there is a location with this name that holds overflow nodes.
    pub(crate) fn overflow_location(&self, policy: &Policy, name: &str) -> Result<LocationName, Failure> {
        let view = Assessment::new(policy, &self.platform, &self.fleet, Some(&self.ledger), self.now);
        let names: Vec<LocationName> =
            view.overflow_locations().map(|(_, location)| location.location.name.clone()).collect();
        names.iter().find(|each| each.as_str() == name).cloned().ok_or_else(|| {
            let names: Vec<&str> = names.iter().map(LocationName::as_str).collect();
            Failure::usage(format!("{name} is not an overflow location"))
                .remedy(format!("overflow locations are: {}", names.join(", ")))
        })
    }
}

/// What a cycle did, one line for each action.
pub(crate) fn lines(report: &CycleReport) -> Vec<String> {
    report
        .results
        .iter()
        .map(|result| {
            let (name, why) = about(&result.action);
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            format!("{} {name}{why}: {}", result.action.word(), result.end)
        })
        .collect()
}

fn about(action: &Action) -> (String, String) {
    match action {
        Action::Start(start) => {
            let name = start.node.as_ref().map_or_else(|| start.instance.to_string(), ToString::to_string);
            (name, start.reason.clone())
        }
        Action::BeginDrain { node, reason, .. }
        | Action::Retire { node, reason }
        | Action::Stop { node, reason, .. } => (node.name.to_string(), reason.clone()),
        Action::CancelDrain { node, because } => (node.name.to_string(), because.to_string()),
        Action::ConfirmIdle { node, .. } | Action::ClearMaintenance { node } => {
            (node.name.to_string(), String::new())
        }
    }
}

/// The exit code for how a cycle ended.
pub(crate) fn exit_of(report: &CycleReport) -> Exit {
    match report.outcome {
        Outcome::Refused => Exit::Refused,
        Outcome::Stale | Outcome::Outage | Outcome::LedgerDown => Exit::Failed,
        Outcome::Quiet | Outcome::Withheld | Outcome::Acted => {
            let failed = report.results.iter().filter(|result| result.end.is_failure()).count();
            match (failed, report.results.len()) {
                (0, _) => Exit::Done,
                (failed, all) if failed == all => Exit::Failed,
                _ => Exit::Partly,
            }
        }
    }
}

/// A cycle as JSON: the same shape wherever a command runs one.
pub(crate) fn cycle_json(report: &CycleReport) -> Value {
    json!({
        "outcome": report.outcome,
        "summary": report.summary(),
        "results": report.results,
        "violations": report.violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "faults": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
