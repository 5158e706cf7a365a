//! `spillway plan`: what the next cycle would do, and why. Reads only: the planner is the functions' own, and its safety
//! check too.

use clap::Args;
use serde_json::json;
use spillway_core::policy::{Mode, Policy};
use spillway_core::safety::check;
use spillway_engine::cycle::read_world;
use spillway_view::{PlanView, render_plan};

use crate::context::Context;
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Terminal};

/// `spillway plan`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Every node by name, also those that are stopped and not needed (JSON always has them)
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(context: &Context, options: &Options, output: &Output) -> Ended {
    let clients = context.clients().await?;
    let policy = &clients.settings.policy;
    let (observation, ledger) = read_world(clients.ports()).await;
    let now = context.now();
    let plan = spillway_core::plan_ahead(policy, &observation, &ledger, None, now, &[]);
    let violations = check(policy, &observation, &ledger, &plan, now).err().unwrap_or_default();
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "plan": plan,
            "withheld": withheld(policy), "violations": violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
    } else {
        let view = PlanView {
            zone: output.zone.clone(),
            now,
            withheld: withheld(policy),
            all: options.all,
            violations: &violations,
        };
        output::text(&render_plan(&plan, &view, &Terminal));
    }
    // A plan without what it is made from is no answer.
    let unread = observation.platform.is_err() || observation.fleet.is_err() || ledger.is_err();
    Ok(match (violations.is_empty(), unread) {
        (false, _) => Exit::Refused,
        (true, true) => Exit::Failed,
        (true, false) => Exit::Done,
    })
}

fn withheld(policy: &Policy) -> Option<&'static str> {
    match (policy.dry_run, policy.mode) {
        (true, _) => Some("dry_run is set in the policy"),
        (false, Mode::Assist) => Some("the policy's mode is assist: Pexip's own bursting decides"),
        (false, Mode::Control) => None,
    }
}
