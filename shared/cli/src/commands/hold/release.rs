//! `spillway release`: a hold, or the drain or retirement of a node, ends.

use clap::Args;
use serde_json::json;
use spillway_core::ledger::OperatorCommand;
use spillway_core::report::actor;
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::ports::LedgerWrite;
use spillway_view::clean;

use super::describe::subject;
use crate::acting::{Acting, confirm};
use crate::context::Context;
use crate::cycle_result::{self, cycle_json, exit_of, lease_was_taken};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output};
use crate::session::CliSession;

/// `spillway release`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// A hold's id, or a node whose drain or retirement is to end
    #[arg(value_name = "HOLD|NODE")]
    what: String,
    #[command(flatten)]
    acting: Acting,
}

pub(crate) async fn release(context: &Context, options: &Release, output: &Output) -> Ended {
    let session = CliSession::open(context, &options.acting).await?;
    let known = session.read().await?;
    let hold = known.ledger.holds.iter().find(|hold| hold.id.as_str() == options.what);
    let what = if let Some(hold) = hold {
        if !output.json {
            output::note(&format!(
                "hold {}: {} until {}, by {}: {}",
                hold.id,
                subject(session.policy(), &known, hold),
                output.minute(hold.until),
                actor(&hold.by),
                hold.reason
            ));
        }
        confirm(
            &options.acting,
            "Release this hold? Nodes that are not needed are then drained and stopped.",
        )?;
        session.clients.ledger.remove_hold(&hold.id).await?;
        session.asked(&format!("release hold {}", hold.id), None).await?;
        format!("hold {}", hold.id)
    } else {
        session.may_act(&known)?;
        let found = known.find(session.policy(), &options.what).map_err(|failure| {
            let ids: Vec<&str> = known.ledger.holds.iter().map(|hold| hold.id.as_str()).collect();
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
        // A stop or retirement that was requested of this node, and has not begun, is over.
        for request in ["stop", "retire"] {
            session.clients.ledger.remove_request(&format!("{request}-{id}")).await?;
        }
        session.put_request(format!("release-{id}"), OperatorCommand::Release(id.clone())).await?;
        session.asked("release", Some(&found)).await?;
        format!("node {name}")
    };
    let report = session.cycle(&mut LeaseMemory::default(), &[]).await;
    if output.json {
        output::json(&json!({
            "schema": 1, "platform": context.platform, "released": what, "cycle": cycle_json(&report),
        }));
    } else {
        cycle_result::print(&report);
        output::text(&format!("released {}\n", clean(&what)));
    }
    Ok(match exit_of(&report) {
        // What was released stays released, whoever has the lease.
        Exit::Failed if lease_was_taken(&report) => Exit::Done,
        exit => exit,
    })
}
