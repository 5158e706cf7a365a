//! `spillway stop`: a drain that an operator asks for. It waits for the calls to end, as long as that takes. `--now` does not:
//! it names the calls that would be dropped, asks, and is in the history under the operator's name.

mod drain;
mod nodes;
mod now;
mod plan;

use clap::Args;
use serde_json::json;
use spillway_core::blocker::may_stop;
use spillway_core::observation::InstanceState;
use spillway_engine::ports::ManagementRead;

use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::known::{FoundNode, KnownState};
use crate::output::{self, Output};
use crate::session::CliSession;

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

pub(crate) async fn run(context: &Context, options: &Stop, output: &Output) -> Ended {
    if options.now && options.acting.reason.is_none() {
        return Err(Failure::usage("a stop that drops calls needs a reason").remedy("add --reason \"…\""));
    }
    let session = CliSession::open(context, &options.acting).await?;
    let known = session.read().await?;
    session.may_act(&known)?;
    let mut found = Vec::new();
    for name in &options.node {
        let node = known.find(session.policy(), name)?;
        may_stop(session.policy(), &node.node)?;
        found.push(node);
    }
    let running: Vec<FoundNode> = found
        .into_iter()
        .filter(|found| matches!(found.instance.state, InstanceState::Pending | InstanceState::Running))
        .collect();
    if running.is_empty() {
        if output.json {
            output::json(
                &json!({"schema": 1, "platform": context.platform, "stopped": [], "already": options.node}),
            );
        } else {
            output::text("nothing to stop: none of these nodes is running\n");
        }
        return Ok(Exit::Done);
    }
    let calls = show(&session, &known, &running, options, output).await?;
    let asked = plan::Asked {
        nodes: &running,
        now: options.now,
        ignore_lifetime: options.ignore_lifetime,
        by: &session.by,
        reason: &session.reason,
    };
    let holds = plan::Holds::of(&known, &running);
    if !output.json {
        for line in asked.lines(session.policy(), &known, output) {
            output::note(&line);
        }
    }
    let question = match (options.now, calls) {
        (true, 0) => "Stop now? No calls were seen on these nodes.".to_owned(),
        (true, calls) => format!("Stop now and drop {calls} participants?"),
        (false, _) => "Drain these nodes and stop them when their calls have ended?".to_owned(),
    };
    confirm(&options.acting, &session.place, &question)?;
    for found in &running {
        for id in session.operator().release_own_holds(&found.instance.id, &known.ledger).await? {
            if !output.json {
                output::note(&format!("released hold {id}"));
            }
        }
    }
    if options.now {
        now::stop(&session, &asked, &holds, output).await
    } else {
        let wait = options.wait || options.ignore_lifetime;
        let drain = drain::Drain { session: &session, asked: &asked, holds: &holds, wait };
        Box::pin(drain.run(output)).await
    }
}

/// Says what runs on each; gives how many participants that is.
async fn show(
    session: &CliSession<'_>,
    known: &KnownState,
    nodes: &[FoundNode],
    options: &Stop,
    output: &Output,
) -> Result<u32, Failure> {
    let mut calls = 0;
    for found in nodes {
        let activity = session.clients.management.read_activity(found.node.address).await?;
        calls += activity.participants;
        if output.json {
            continue;
        }
        output::note(&format!(
            "{} ({}, {}): {} participants in {} conferences",
            found.node.name, found.location, found.phase, activity.participants, activity.shards
        ));
        if options.now {
            let shards = known.platform.shards.iter().flatten();
            for shard in shards.filter(|shard| shard.node.is_none_or(|at| at == found.node.address)) {
                output::note(&format!("  would drop calls of: {}", shard.conference));
            }
        }
    }
    Ok(calls)
}
