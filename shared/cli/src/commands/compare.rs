//! `spillway compare`: what Pexip's own bursting did beside what Spillway did or would have done.

use jiff::SignedDuration;
use serde_json::json;
use spillway_core::fault::Fault;
use spillway_pexip::NodeStatusEvent;
use spillway_view::{PlatformEvent, compare, render_comparison};

use super::past::past;
use crate::context::Context;
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Terminal};
use crate::period::Period;

const USUAL: SignedDuration = SignedDuration::from_hours(24);

pub(crate) async fn run(context: &Context, period: &Period, output: &Output) -> Ended {
    let (from, until) = period.ends(USUAL, &output.zone, context.now())?;
    let settings = context.settings().await?;
    let (ledger, management) =
        (context.connector.ledger(&settings)?, context.connector.management(&settings)?);
    let (past, platform) =
        tokio::join!(past(&ledger, from, until), management.read_node_history(from, until));
    let (past, platform) = (past?, platform.map_err(Fault::from)?);
    let platform: Vec<PlatformEvent> = platform.into_iter().map(in_its_words).collect();
    let comparison = compare(&past.events, &platform, &past.runs, from, until);
    if output.json {
        output::json(&json!({
            "platform": context.platform, "schema": comparison.schema, "comparison": comparison,
        }));
    } else {
        output::text(&render_comparison(&comparison, &output.zone, &Terminal));
    }
    Ok(Exit::Done)
}

fn in_its_words(event: NodeStatusEvent) -> PlatformEvent {
    let NodeStatusEvent { at, event_type, state, context, details, node: _, node_name } = event;
    let words: Vec<String> =
        [event_type, state, context, details].into_iter().filter(|word| !word.is_empty()).collect();
    PlatformEvent { at, node: node_name.map(|name| name.to_string()), what: words.join(", ") }
}
