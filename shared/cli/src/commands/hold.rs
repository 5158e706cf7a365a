//! `spillway start`, `spillway hold` and `spillway release`. Starting is holding from now on: what is started without a
//! hold is stopped again as soon as nobody needs it, which is what the guide warns of (*Manually starting an overflow
//! node*). The cycle starts the nodes; nothing else does.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use spillway_core::cycle::LeaseMemory;
use spillway_core::desk::may_start;
use spillway_core::ids::{HdCalls, HoldId};
use spillway_core::ledger::{Hold, HoldAmount, HoldScope, Wish};
use spillway_core::observation::Observation;
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::Mode;
use spillway_core::ports::LedgerWrite;
use spillway_view::clean;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::desk::{Desk, World, cycle_json, exit_of, lines};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::wait;
use crate::when;

/// How long a start holds its nodes where nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(1);

/// What to hold.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("amount").required(true).args(["node", "hd_calls", "nodes", "all"])))]
pub(crate) struct What {
    /// These overflow nodes, by name or instance id
    #[arg(value_name = "NODE")]
    node: Vec<String>,
    /// Capacity for this many HD calls
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    hd_calls: Option<u32>,
    /// This many overflow nodes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    nodes: Option<u32>,
    /// All overflow nodes
    #[arg(long)]
    all: bool,
    /// Only in this overflow location
    #[arg(long, value_name = "NAME", conflicts_with = "node")]
    location: Option<String>,
    /// For how long: 2h, 90m (one hour unless said)
    #[arg(long = "for", value_name = "TIME", conflicts_with = "until")]
    lasts: Option<String>,
    /// Until when: 17:30, 2026-03-02T08:50
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

/// `spillway start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    what: What,
    /// Wait until they are ready
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    acting: Acting,
}

/// `spillway hold`.
#[derive(Debug, Args)]
pub(crate) struct HoldOptions {
    #[command(flatten)]
    what: What,
    /// From when: 08:50, 2026-03-02T08:50 (now unless said)
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

/// `spillway release`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// A hold's id, or a node whose drain or retirement is to end
    #[arg(value_name = "HOLD|NODE")]
    what: String,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn start(context: &Context, options: &Start, output: &Output) -> Ended {
    Box::pin(put(context, &options.what, None, &options.acting, options.wait, output)).await
}

pub(crate) async fn hold(context: &Context, options: &HoldOptions, output: &Output) -> Ended {
    Box::pin(put(context, &options.what, options.from.as_deref(), &options.acting, false, output)).await
}

async fn put(
    context: &Context,
    what: &What,
    from: Option<&str>,
    acting: &Acting,
    wait: bool,
    output: &Output,
) -> Ended {
    let desk = Desk::open(context, acting).await?;
    let world = desk.look().await?;
    let from = from.map_or(Ok(world.now), |text| when::instant(text, &output.zone, world.now))?;
    let until = when::end(what.lasts.as_deref(), what.until.as_deref(), Some(USUAL), from, &output.zone)?;
    let now_too = from <= world.now;
    if now_too {
        desk.may_act(&world)?;
    }
    let holds = wanted(&desk, &world, what, from, until)?;
    warn_about_assist(&desk, &world, from, until)?;
    if !output.json {
        describe(&desk, &world, &holds, now_too, output);
    }
    confirm(acting, if now_too { "Hold these?" } else { "Hold these then?" })?;
    for hold in &holds {
        let what = format!("hold {} until {until}", hold.id);
        let about = world.held_node(desk.policy(), hold).map(|found| found.about());
        desk.work().put_hold(hold, &what, about.as_ref()).await?;
    }
    let ids: Vec<&HoldId> = holds.iter().map(|hold| &hold.id).collect();
    if !now_too {
        if output.json {
            output::json(&json!({"schema": 1, "platform": context.platform, "holds": holds}));
        } else {
            output::text("held from then on; the first cycle after it starts what is missing\n");
        }
        return Ok(Exit::Done);
    }
    let mut memory = LeaseMemory::default();
    let report = desk.cycle(&mut memory, &[]).await;
    let won = match report.outcome {
        spillway_core::outcome::Outcome::Stale => Some(desk.winner().await),
        _ => None,
    };
    // A hold that is stored is met by whoever has the lease, or by the next cycle: nothing is lost.
    let exit = if won.is_some() { Exit::Done } else { exit_of(&report) };
    if output.json && !wait {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "holds": holds, "cycle": cycle_json(&report), "won": won,
        }));
    } else if !output.json {
        for line in lines(&report) {
            output::text(&format!("{}\n", clean(&line)));
        }
        match &won {
            Some(won) => output::text(&format!("held; {}; the next cycle meets the hold\n", clean(won))),
            None => output::text(&format!("{}\n", clean(&report.summary()))),
        }
    }
    if wait {
        return wait::until_held(&desk, &ids, &mut memory, output).await;
    }
    Ok(exit)
}

/// The holds that were asked for.
fn wanted(
    desk: &Desk<'_>,
    world: &World,
    what: &What,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Hold>, Failure> {
    if !what.node.is_empty() {
        return what
            .node
            .iter()
            .map(|name| {
                let found = world.find(desk.policy(), name)?;
                may_start(&found.node, world.ledger.nodes.get(&found.instance.id))?;
                Ok(desk.work().node_hold(&found.instance.id, from, until))
            })
            .collect();
    }
    let scope = match &what.location {
        None => HoldScope::All,
        Some(name) => HoldScope::Location(world.overflow_location(desk.policy(), name)?),
    };
    let amount = match (what.hd_calls, what.nodes) {
        (Some(calls), _) => HoldAmount::HdCalls(HdCalls(calls)),
        (None, Some(nodes)) => HoldAmount::Nodes(nodes),
        (None, None) => HoldAmount::AllNodes,
    };
    Ok(vec![desk.work().hold(hold_id(world.now), scope, amount, from, until)])
}

/// The id of a hold that is on no single node. With the nanoseconds: those of two operators in one second are two holds.
fn hold_id(now: Timestamp) -> HoldId {
    HoldId::new(format!("operator-{}", now.strftime("%Y%m%dT%H%M%S.%9fZ")))
}

/// Where Pexip's own bursting decides, it stops what is idle after its minimum lifetime, held or not.
fn warn_about_assist(
    desk: &Desk<'_>,
    world: &World,
    from: Timestamp,
    until: Timestamp,
) -> Result<(), Failure> {
    if desk.policy().mode != Mode::Assist {
        return Ok(());
    }
    if from > world.now {
        return Err(Failure::refused("in assist mode a hold begins now")
            .remedy("use a pre-warm window for later: spillway prewarm add"));
    }
    let lifetime = desk.policy().min_lifetime_of(&world.platform.bursting);
    if until.duration_since(from) > lifetime {
        output::note(&format!(
            "Pexip's own bursting decides here: it stops a node that is idle {lifetime:#} after its start, and no hold of \
             ours keeps it"
        ));
    }
    Ok(())
}

/// What the next cycle would start for these holds.
fn starts_for(desk: &Desk<'_>, world: &World, holds: &[Hold]) -> Plan {
    let mut ledger = world.ledger.clone();
    ledger.holds.retain(|each| holds.iter().all(|hold| hold.id != each.id));
    ledger.holds.extend(holds.iter().map(|hold| Hold { from: hold.from.min(world.now), ..hold.clone() }));
    let observation = Observation {
        observed_at: world.now,
        platform: Ok(world.platform.clone()),
        fleet: Ok(world.fleet.clone()),
    };
    spillway_core::plan(desk.policy(), &observation, &Ok(ledger), world.now)
}

fn describe(desk: &Desk<'_>, world: &World, holds: &[Hold], now_too: bool, output: &Output) {
    let plan = starts_for(desk, world, holds);
    for hold in holds {
        let (from, until) = (shown(hold.from, output), shown(hold.until, output));
        let from = if now_too { String::new() } else { format!("from {from} ") };
        output::note(&format!("hold {}: {} {from}until {until}", hold.id, subject(desk, world, hold)));
        if let Some(report) = plan.report.holds.iter().find(|report| report.id == hold.id) {
            let when = if now_too { "starts" } else { "as things are now, that would start" };
            output::note(&format!(
                "  {} up already; {when} {}; {} missing after that",
                report.up, report.added, report.missing
            ));
        }
    }
    for start in named_starts(&plan, holds) {
        output::note(&format!("  start {start}"));
    }
}

fn shown(at: Timestamp, output: &Output) -> String {
    at.to_zoned(output.zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// What is held, in words: a node by its name where it has one.
fn subject(desk: &Desk<'_>, world: &World, hold: &Hold) -> String {
    match &hold.scope {
        HoldScope::All => format!("{} everywhere", hold.amount),
        HoldScope::Location(name) => format!("{} in {name}", hold.amount),
        HoldScope::Node(id) => match world.held_node(desk.policy(), hold) {
            Some(found) => format!("node {}", found.node.name),
            None => format!("the node on {id}"),
        },
    }
}

fn named_starts(plan: &Plan, holds: &[Hold]) -> Vec<String> {
    plan.actions
        .iter()
        .filter_map(|action| match action {
            Action::Start(start)
                if start.hold.as_ref().is_some_and(|id| holds.iter().any(|hold| hold.id == *id)) =>
            {
                Some(start.node.as_ref().map_or_else(|| start.instance.to_string(), ToString::to_string))
            }
            _ => None,
        })
        .collect()
}

pub(crate) async fn release(context: &Context, options: &Release, output: &Output) -> Ended {
    let desk = Desk::open(context, &options.acting).await?;
    let world = desk.look().await?;
    let hold = world.ledger.holds.iter().find(|hold| hold.id.as_str() == options.what);
    let what = if let Some(hold) = hold {
        if !output.json {
            output::note(&format!(
                "hold {}: {} until {}, by {}: {}",
                hold.id,
                subject(&desk, &world, hold),
                shown(hold.until, output),
                spillway_core::report::actor(&hold.by),
                hold.reason
            ));
        }
        confirm(&options.acting, "Release it? Nodes that nobody needs are then drained and stopped.")?;
        desk.clients.ledger.remove_hold(&hold.id).await?;
        desk.asked(&format!("release hold {}", hold.id), None).await?;
        format!("hold {}", hold.id)
    } else {
        desk.may_act(&world)?;
        let found = world.find(desk.policy(), &options.what).map_err(|failure| {
            let ids: Vec<&str> = world.ledger.holds.iter().map(|hold| hold.id.as_str()).collect();
            let none = if ids.is_empty() { "there are none".to_owned() } else { ids.join(", ") };
            Failure::usage(format!("{} is neither a hold nor an overflow node", options.what))
                .remedy(format!("holds: {none}; {}", failure.remedy))
        })?;
        let name = found.node.name.clone();
        confirm(
            &options.acting,
            &format!("End the drain or retirement of {name}, so that it takes calls again?"),
        )?;
        let id = &found.instance.id;
        // Whatever was asked of this node before and is not met yet is over.
        for wish in ["stop", "retire"] {
            desk.clients.ledger.remove_request(&format!("{wish}-{id}")).await?;
        }
        desk.wish(format!("release-{id}"), Wish::Release(id.clone())).await?;
        desk.asked("release", Some(&found)).await?;
        format!("node {name}")
    };
    let report = desk.cycle(&mut LeaseMemory::default(), &[]).await;
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "released": what, "cycle": cycle_json(&report),
        }));
    } else {
        for line in lines(&report) {
            output::text(&format!("{}\n", clean(&line)));
        }
        output::text(&format!("released {}\n", clean(&what)));
    }
    Ok(match exit_of(&report) {
        // What was released stays released, whoever has the lease.
        Exit::Failed if report.outcome == spillway_core::outcome::Outcome::Stale => Exit::Done,
        exit => exit,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::hold_id;

    #[test]
    fn two_holds_in_one_second_are_two() {
        let now: jiff::Timestamp = "2026-03-02T08:50:00.000001Z".parse().unwrap();
        assert_eq!(hold_id(now).as_str(), "operator-20260302T085000.000001000Z");
        assert_ne!(hold_id(now), hold_id(now + SignedDuration::from_nanos(1)));
    }
}
