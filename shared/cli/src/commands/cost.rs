//! `spillway cost`: what overflow nodes cost, by location and by what started them, at the policy's own prices.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use spillway_core::ledger::{Event, Ledger};
use spillway_core::ports::{Clock, FleetRead, LedgerRead};
use spillway_dynamodb::DynamoLedger;
use spillway_view::{NodeRun, Present, cost, node_runs, render_cost};

use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Terminal};
use crate::period::Period;

const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A run that began before the period is looked for this far back; one that is older and has ended counts from there.
const BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(crate) async fn run(context: &Context, period: &Period, output: &Output) -> Ended {
    let (from, until) = period.ends(USUAL, &output.zone, context.clock.now())?;
    let settings = context.settings().await?;
    let (ledger, fleet) = (context.ledger(&settings)?, context.fleet(&settings.policy)?);
    let (past, fleet) = tokio::join!(past(&ledger, from, until), fleet.read_fleet());
    let cost = cost(&settings.policy, &fleet?, &past?.runs, from, until);
    if output.json {
        output::json(&json!({"platform": context.platform, "schema": cost.schema, "cost": cost}));
    } else {
        output::text(&render_cost(&cost, &Terminal));
    }
    Ok(Exit::Done)
}

/// What the ledger tells of a period.
pub(crate) struct Past {
    pub(crate) events: Vec<Event>,
    pub(crate) runs: Vec<NodeRun>,
}

pub(crate) async fn past(ledger: &DynamoLedger, from: Timestamp, until: Timestamp) -> Result<Past, Failure> {
    let read_from = from.saturating_sub(BEFORE).unwrap_or(from);
    let (events, state) = tokio::join!(ledger.read_events(read_from, until), ledger.read_ledger(until));
    let (events, state): (Vec<Event>, Ledger) = (events?, state?);
    let runs = node_runs(&events, &Present::of_ledger(&state));
    Ok(Past { events, runs })
}
