//! `spillway stop`: a drain that an operator asks for. It waits for the calls to end, as long as that takes. `--now` does not:
//! it names the calls that would be dropped, asks, and is in the history under the operator's name.

use clap::Args;
use serde_json::{Value, json};
use spillway_core::cycle::LeaseMemory;
use spillway_core::desk::may_stop;
use spillway_core::ids::NodeName;
use spillway_core::ledger::{Hold, HoldScope};
use spillway_core::observation::InstanceState;
use spillway_core::outcome::{ActionEnd, CycleReport, Outcome};
use spillway_core::plan::{Action, Override};
use spillway_core::ports::ManagementRead;
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::desk::{Desk, Found, World, cycle_json, exit_of, lines};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::wait::{self, Progress};

/// `spillway stop`.
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Overflow nodes, by name or instance id
    #[arg(value_name = "NODE", required = true)]
    node: Vec<String>,
    /// Do not wait for the calls: they are dropped. Also where the minimum lifetime is not over
    #[arg(long)]
    now: bool,
    /// Wait for the calls, but not for the minimum lifetime. Waits until the nodes are stopped
    #[arg(long, conflicts_with = "now")]
    ignore_lifetime: bool,
    /// Wait until the nodes are stopped
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    acting: Acting,
}

/// Tries of a stop at once when another cycle is faster: its lease lasts for seconds.
const TRIES: u32 = 5;

pub(crate) async fn run(context: &Context, options: &Stop, output: &Output) -> Ended {
    if options.now && options.acting.reason.is_none() {
        return Err(Failure::usage("a stop that drops calls needs a reason").remedy("say --reason \"…\""));
    }
    let desk = Desk::open(context, &options.acting).await?;
    let world = desk.look().await?;
    desk.may_act(&world)?;
    let mut found = Vec::new();
    for name in &options.node {
        let node = world.find(desk.policy(), name)?;
        may_stop(desk.policy(), &node.node)?;
        found.push(node);
    }
    let running: Vec<Found> = found
        .into_iter()
        .filter(|found| matches!(found.instance.state, InstanceState::Pending | InstanceState::Running))
        .collect();
    if running.is_empty() {
        if output.json {
            output::json(
                &json!({"schema": 1, "platform": context.platform, "stopped": [], "already": options.node}),
            );
        } else {
            output::text("nothing to stop: none of them runs\n");
        }
        return Ok(Exit::Done);
    }
    let calls = show(&desk, &world, &running, options, output).await?;
    let held_by = held_by(&world, &running);
    if !output.json {
        for held in &held_by {
            let until = held.hold.until.to_zoned(output.zone.clone()).strftime("%Y-%m-%d %H:%M %Z");
            output::note(&format!(
                "{} is held by {} until {until}: a cycle may start it again; to keep it down, first spillway release {}, or \
                 spillway node retire {}",
                held.node, held.hold.id, held.hold.id, held.node
            ));
        }
    }
    let held_by: Vec<Value> = held_by.iter().map(Held::json).collect();
    let question = match (options.now, calls) {
        (true, 0) => "Stop now? Nothing was seen on them.".to_owned(),
        (true, calls) => format!("Stop now and drop {calls} participants?"),
        (false, _) => "Drain these and stop them when their calls have ended?".to_owned(),
    };
    confirm(&options.acting, &question)?;
    for found in &running {
        for id in desk.work().release_own_holds(&found.instance.id, &world.ledger).await? {
            if !output.json {
                output::note(&format!("hold {id} is released"));
            }
        }
    }
    if options.now {
        stop_now(&desk, &running, &held_by, output).await
    } else {
        Box::pin(drain(&desk, &running, options, &held_by, output)).await
    }
}

/// A node that is to be stopped, and a hold that asks for it or for one of several: the next cycle may start it again.
struct Held<'a> {
    node: &'a NodeName,
    hold: &'a Hold,
}

impl Held<'_> {
    fn json(&self) -> Value {
        json!({"node": self.node, "hold": self.hold.id, "until": self.hold.until})
    }
}

/// The holds in force that cover the nodes. A node's own is released with the stop, and is not among them.
fn held_by<'a>(world: &'a World, nodes: &'a [Found]) -> Vec<Held<'a>> {
    let now = world.now;
    let current = || world.ledger.holds.iter().filter(move |hold| hold.is_current(now));
    nodes
        .iter()
        .flat_map(|found| {
            let holds = current().filter(|hold| match &hold.scope {
                HoldScope::All => true,
                HoldScope::Location(name) => *name == found.location,
                HoldScope::Node(_) => false,
            });
            holds.map(|hold| Held { node: &found.node.name, hold })
        })
        .collect()
}

/// Says what runs on each; gives how many participants that is.
async fn show(
    desk: &Desk<'_>,
    world: &World,
    nodes: &[Found],
    options: &Stop,
    output: &Output,
) -> Result<u32, Failure> {
    let mut calls = 0;
    for found in nodes {
        let activity = desk.clients.management.read_activity(found.node.address).await?;
        calls += activity.participants;
        if output.json {
            continue;
        }
        output::note(&format!(
            "{} ({}, {}): {} participants in {} conferences",
            found.node.name, found.location, found.phase, activity.participants, activity.shards
        ));
        if options.now {
            let shards = world.platform.shards.iter().flatten();
            for shard in shards.filter(|shard| shard.node == found.node.address) {
                output::note(&format!("  would drop: {}", shard.conference));
            }
        }
    }
    Ok(calls)
}

async fn stop_now(desk: &Desk<'_>, nodes: &[Found], held_by: &[Value], output: &Output) -> Ended {
    let overrides: Vec<Override> = nodes
        .iter()
        .map(|found| Override {
            instance: found.instance.id.clone(),
            calls: true,
            lifetime: true,
            by: desk.by.clone(),
            reason: desk.reason.clone(),
        })
        .collect();
    for found in nodes {
        desk.asked("stop now, whatever runs on it", Some(found)).await?;
    }
    let mut memory = LeaseMemory::default();
    let mut report = desk.cycle(&mut memory, &overrides).await;
    for _ in 1..TRIES {
        if report.outcome != Outcome::Stale {
            break;
        }
        if !output.json {
            output::note(&format!("{}; trying again", desk.winner().await));
        }
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        report = desk.cycle(&mut memory, &overrides).await;
    }
    let stopped = stopped_by(&report, nodes);
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": desk.context.platform, "stopped": stopped, "held_by": held_by,
            "cycle": cycle_json(&report),
        }));
    } else {
        for line in lines(&report) {
            output::text(&format!("{}\n", clean(&line)));
        }
        if stopped.len() < nodes.len() {
            output::text(&format!("{}\n", clean(&report.summary())));
            explain(&report, nodes);
        }
    }
    Ok(match (stopped.len(), exit_of(&report)) {
        (done, _) if done == nodes.len() => Exit::Done,
        (0, Exit::Done) => Exit::Refused,
        (0, exit) => exit,
        _ => Exit::Partly,
    })
}

/// The nodes whose stop EC2 accepted.
fn stopped_by(report: &CycleReport, nodes: &[Found]) -> Vec<String> {
    let accepted = |found: &&Found| {
        report.results.iter().any(|result| {
            matches!(&result.action, Action::Stop { node, .. } if node.instance == found.instance.id)
                && result.end == ActionEnd::Done
        })
    };
    nodes.iter().filter(accepted).map(|found| found.node.name.to_string()).collect()
}

/// Why nothing became of it, from the cycle's own report.
fn explain(report: &CycleReport, nodes: &[Found]) {
    for node in &report.plan.report.nodes {
        if nodes.iter().any(|found| found.instance.id == node.instance) {
            let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
            output::note(&format!("{}: {}", node.node, reasons.join("; ")));
        }
    }
}

async fn drain(
    desk: &Desk<'_>,
    nodes: &[Found],
    options: &Stop,
    held_by: &[Value],
    output: &Output,
) -> Ended {
    for found in nodes {
        desk.work().ask_stop(&found.about()).await?;
    }
    let mut memory = LeaseMemory::default();
    let overrides: Vec<Override> = nodes
        .iter()
        .filter(|_| options.ignore_lifetime)
        .map(|found| Override {
            instance: found.instance.id.clone(),
            calls: false,
            lifetime: true,
            by: desk.by.clone(),
            reason: desk.reason.clone(),
        })
        .collect();
    let report = desk.cycle(&mut memory, &overrides).await;
    let won = if report.outcome == Outcome::Stale { Some(desk.winner().await) } else { None };
    if !(options.wait || options.ignore_lifetime) {
        if output.json {
            output::json(&json!({
                "schema": 1, "platform": desk.context.platform, "draining": names(nodes),
                "held_by": held_by, "cycle": cycle_json(&report), "won": won,
            }));
        } else {
            for line in lines(&report) {
                output::text(&format!("{}\n", clean(&line)));
            }
            match &won {
                Some(won) => output::text(&format!("asked; {}; the next cycle takes it up\n", clean(won))),
                None => explain(&report, nodes),
            }
        }
        // What was asked is stored: whoever has the lease takes it up.
        return Ok(if won.is_some() { Exit::Done } else { exit_of(&report) });
    }
    let mut progress = Progress::new(output);
    let stays =
        format!("the drain goes on by itself; spillway release {} would end it", names(nodes).join(" "));
    loop {
        let world = desk.look().await?;
        let mut left = Vec::new();
        for found in nodes {
            let now = world.find(desk.policy(), found.instance.id.as_str())?;
            let record = world.ledger.nodes.get(&found.instance.id);
            if record.is_some_and(|record| record.drain_vetoed && record.drain.is_none()) {
                progress.end();
                return Err(Failure::refused(format!(
                    "a person cleared the maintenance mode of {}: its drain is over",
                    now.node.name
                ))
                .remedy("ask that person; the same command again insists"));
            }
            if now.instance.state != InstanceState::Stopped {
                left.push(found.instance.id.clone());
            }
        }
        if left.is_empty() {
            progress.end();
            if output.json {
                output::json(&json!({
                    "schema": 1, "platform": desk.context.platform, "stopped": names(nodes), "held_by": held_by,
                }));
            } else {
                output::text(&format!("stopped {}\n", clean(&names(nodes).join(", "))));
            }
            return Ok(Exit::Done);
        }
        let report = desk.cycle(&mut memory, &overrides).await;
        let waits: Vec<String> = report
            .plan
            .report
            .nodes
            .iter()
            .filter(|node| left.contains(&node.instance))
            .map(|node| {
                let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
                format!("{}: {}", node.node, reasons.join("; "))
            })
            .collect();
        if !waits.is_empty() {
            progress.waits(&waits.join(", "));
        } else if report.gate().is_some() {
            progress.waits(&report.summary());
        }
        wait::pause(&stays).await.inspect_err(|_| progress.end())?;
    }
}

fn names(nodes: &[Found]) -> Vec<String> {
    nodes.iter().map(|found| found.node.name.to_string()).collect()
}
