//! `spillway cost`: what overflow nodes cost, by location and by what started them, at the policy's own prices.

use jiff::SignedDuration;
use serde_json::json;
use spillway_engine::ports::FleetRead;
use spillway_view::{cost, render_cost};

use super::past::past;
use crate::context::Context;
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Terminal};
use crate::period::Period;

const USUAL: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(crate) async fn run(context: &Context, period: &Period, output: &Output) -> Ended {
    let (from, until) = period.ends(USUAL, &output.zone, context.now())?;
    let settings = context.settings().await?;
    let (ledger, fleet) = (context.connector.ledger(&settings)?, context.connector.fleet(&settings.policy)?);
    let (past, fleet) = tokio::join!(past(&ledger, from, until), fleet.read_fleet());
    let cost = cost(&settings.policy, &fleet?, &past?.runs, from, until);
    if output.json {
        output::json(&json!({"platform": context.platform, "schema": cost.schema, "cost": cost}));
    } else {
        output::text(&render_cost(&cost, &Terminal));
    }
    Ok(Exit::Done)
}
