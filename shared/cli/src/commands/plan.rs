//! `spillway plan`: what the next cycle would do, and why. Reads only: the planner is the functions' own, and its safety
//! check too.

use std::fmt::Write;

use serde_json::json;
use spillway_core::cycle::{Ports, read_world};
use spillway_core::plan::{Action, Plan};
use spillway_core::policy::{Mode, Policy};
use spillway_core::ports::Clock;
use spillway_core::safety::{Violation, check};
use spillway_status::clean;

use crate::context::Context;
use crate::exit::{Ended, Exit};
use crate::output::{self, Output};

pub(crate) async fn run(context: &Context, output: &Output) -> Ended {
    let clients = context.clients().await?;
    let policy = &clients.settings.policy;
    let ports = Ports {
        fleet: &clients.fleet,
        management: &clients.management,
        ledger: &clients.ledger,
        clock: context.clock.as_ref(),
    };
    let (observation, ledger) = read_world(ports).await;
    let now = context.clock.now();
    let plan = spillway_core::plan(policy, &observation, &ledger, now);
    let violations = check(policy, &observation, &ledger, &plan, now).err().unwrap_or_default();
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "plan": plan,
            "withheld": is_withheld(policy), "violations": violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
    } else {
        output::text(&render(output, policy, &plan, &violations));
    }
    Ok(if violations.is_empty() { Exit::Done } else { Exit::Refused })
}

fn is_withheld(policy: &Policy) -> bool {
    policy.dry_run || policy.mode == Mode::Assist
}

fn render(output: &Output, policy: &Policy, plan: &Plan, violations: &[Violation]) -> String {
    let at = plan.observed_at.to_zoned(output.zone.clone());
    let mut text = format!("what the next cycle would do, as of {}\n", at.strftime("%H:%M:%S %Z"));
    if let Some(gate) = &plan.report.gate {
        let _ = writeln!(text, "{}", clean(&gate.to_string()));
    }
    for violation in violations {
        let _ = writeln!(text, "refused by the safety check: {}", clean(&violation.to_string()));
    }
    for action in &plan.actions {
        let _ = writeln!(text, "{}", clean(&line(action)));
    }
    if plan.actions.is_empty() {
        text.push_str("nothing to do\n");
    } else if is_withheld(policy) {
        text.push_str("withheld: the policy says dry_run, or mode assist\n");
    }
    for location in &plan.report.locations {
        let reasons: Vec<String> = location.reasons.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {}: {}", clean(location.name.as_str()), clean(&reasons.join("; ")));
    }
    text
}

fn line(action: &Action) -> String {
    format!("{} {action:?}", action.word())
}
