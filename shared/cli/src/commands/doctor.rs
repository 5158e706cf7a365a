//! `spillway doctor`: reads everything and says, one line each, what does not fit and what to do about it. Changes nothing.

use std::time::Instant;

use jiff::SignedDuration;
use serde_json::json;
use spillway_audit::{Check, Verdict, examine, render_checks};
use spillway_core::report::actor;
use spillway_core::snapshot::Snapshot;
use spillway_engine::cycle::read_world;
use spillway_engine::ports::{CertificateRead, LicenceRead};
use spillway_view::time::span;

use crate::clock;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Terminal};

pub(crate) async fn run(context: &Context, output: &Output) -> Ended {
    let checks = checks(context).await;
    let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Good);
    if output.json {
        output::json(&json!({"schema": 1, "platform": context.platform, "verdict": worst, "checks": checks}));
    } else {
        output::text(&render_checks(&checks, context.now(), &output.zone, &Terminal));
    }
    Ok(if worst == Verdict::Bad { Exit::Failed } else { Exit::Done })
}

async fn checks(context: &Context) -> Vec<Check> {
    let mut checks = Vec::new();
    match context.caller().await {
        Ok(caller) => {
            let found = format!("you are {} in account {}", actor(&caller.by), caller.account);
            checks.push(Check::good("AWS identity", found));
            checks.extend(caller.clock_ahead.map(aws_clock));
        }
        Err(failure) => checks.push(bad("AWS identity", failure)),
    }
    let region = context.connector.config().region().map_or_else(|| "?".to_owned(), ToString::to_string);
    let clients = match context.settings().await {
        Ok(_) => {
            checks.push(Check::good(
                "settings",
                format!(
                    "policy, addresses and credentials under /spillway/{}/ in {region} are right",
                    context.platform
                ),
            ));
            context.clients().await
        }
        Err(failure) => {
            checks.push(bad("settings", failure));
            return checks;
        }
    };
    let clients = match clients {
        Ok(clients) => clients,
        Err(failure) => {
            checks.push(bad("table", failure));
            return checks;
        }
    };
    let began = Instant::now();
    let (observation, ledger) = read_world(clients.ports()).await;
    checks
        .push(Check::good("speed", format!("everything was read in {:.1} s", began.elapsed().as_secs_f64())));
    let licences = clients.management.read_licences().await;
    let certificates = clients.management.read_certificates().await;
    let snapshot = Snapshot { observation, ledger, licences, certificates };
    checks.extend(examine(&clients.settings.policy, &snapshot, context.now()));
    checks.push(windows(context, clients.settings.stack.is_some()).await);
    checks
}

/// This machine's clock: commands that act are refused with a wrong one.
fn aws_clock(ahead: SignedDuration) -> Check {
    const WHAT: &str = "AWS clock";
    if clock::is_wrong(&ahead) {
        let remedy = "set this machine's clock (NTP): commands that act are refused until then";
        return Check::bad(WHAT, clock::said(ahead, "AWS's"), remedy.to_owned());
    }
    Check::good(WHAT, format!("it and this machine's differ by {}", span(ahead.abs())))
}

async fn windows(context: &Context, deployed: bool) -> Check {
    const WHAT: &str = "pre-warm windows";
    if !deployed {
        return Check::warn(
            WHAT,
            format!("parameter /spillway/{}/stack is missing", context.platform),
            "deploy the stack with SAM".to_owned(),
        );
    }
    let scheduler = match context.scheduler().await {
        Ok(scheduler) => scheduler,
        Err(Failure { message, remedy, .. }) => return Check::warn(WHAT, message, remedy),
    };
    match scheduler.windows().await {
        Err(fault) => bad(WHAT, fault.into()),
        Ok(windows) if !windows.bad.is_empty() => {
            let names: Vec<String> =
                windows.bad.iter().map(|bad| format!("{}: {}", bad.name, bad.error)).collect();
            Check::bad(
                WHAT,
                names.join("; "),
                "correct the input of its schedule, or remove the window: spillway prewarm remove".to_owned(),
            )
        }
        Ok(windows) => {
            let enabled = windows.windows.iter().filter(|window| window.enabled).count();
            Check::good(WHAT, format!("{enabled} of {} enabled", windows.windows.len()))
        }
    }
}

fn bad(what: &str, failure: Failure) -> Check {
    Check::bad(what, failure.message, failure.remedy)
}
