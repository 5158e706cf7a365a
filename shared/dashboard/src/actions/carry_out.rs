//! What a button does: what is asked is stored, with who asked, and one cycle runs.

use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_engine::cycle::LeaseMemory;
use spillway_engine::ports::LedgerRead;
use spillway_engine::ports::{Clock, FleetWrite, LedgerWrite, ManagementWrite, OverflowStart};
use spillway_engine::ports::{Ports, Systems};
use spillway_view::action;

use super::{PageActions, end};
use crate::action::{Answer, PageAction};

impl<S: Systems<Fleet: FleetWrite, Management: ManagementWrite + OverflowStart, Ledger: LedgerWrite>>
    PageActions<'_, S>
{
    /// Does it: stores what is asked, writes down who asked, and runs one cycle.
    ///
    /// # Errors
    /// Something could not be read, or what is asked could not be stored.
    pub async fn act(&self, asked: &PageAction) -> Result<Answer, Fault> {
        // The world may be another one than when the plan was shown.
        let (preview, about) = self.prepare(asked).await?;
        let about = match (preview.refused, about) {
            (None, Some(about)) => about,
            (why, _) => {
                let why = why.unwrap_or_default();
                return Ok(Answer { done: false, lines: vec![format!("Nothing was changed: {why}")] });
            }
        };
        let work = self.work(asked);
        let Ports { ledger, clock, .. } = self.ports;
        let now = clock.now();
        let mut lines = Vec::new();
        match asked {
            PageAction::Start { instance, hold_minutes, .. } => {
                let hold = work.node_hold(instance, now, end(now, *hold_minutes));
                let what = format!("start and hold for {hold_minutes} minutes");
                work.put_hold(&hold, &what, Some(&about)).await?;
                lines.push(format!("{} is held for {hold_minutes} minutes", about.node));
            }
            PageAction::Stop { instance, .. } => {
                let known = ledger.read_ledger(now).await?;
                let released = work.release_own_holds(instance, &known).await?;
                lines.extend(released.iter().map(|id| format!("Hold {id} is released")));
                work.ask_stop(&about).await?;
                lines.push(format!("{} is to be drained and stopped", about.node));
            }
        }
        let report = Box::pin(work.cycle(&mut LeaseMemory::default(), &[])).await;
        if report.outcome == Outcome::LeaseBusy {
            // What was asked is stored: whoever has the lease, or comes next, meets it.
            let holder = work.lease_holder().await;
            lines.push(format!("{holder}; that cycle or the next one carries out what you asked for"));
        }
        let failed = tell(&report, asked.instance(), &mut lines);
        Ok(Answer { done: !failed, lines })
    }
}

/// What the cycle did, in words; whether something failed for the node that was asked for.
fn tell(report: &CycleReport, asked: &InstanceId, lines: &mut Vec<String>) -> bool {
    let mut failed = false;
    for result in &report.results {
        failed |= result.end.is_failure() && result.action.instance() == asked;
        lines.push(format!("{}: {}", action(&result.action), result.end));
    }
    match report.outcome {
        Outcome::LeaseBusy => {}
        // In `assist` mode what nobody asked for is withheld; what was asked for is not.
        Outcome::NoOp | Outcome::Acted | Outcome::Withheld => {
            let why = report.plan.report.nodes.iter().find(|node| node.instance == *asked);
            let done = report.results.iter().any(|result| result.action.instance() == asked);
            if let (false, Some(node)) = (done, why) {
                let reasons: Vec<String> = node.reasons.iter().map(ToString::to_string).collect();
                lines.push(format!("{}: {}", node.node, reasons.join("; ")));
            }
        }
        Outcome::Outage | Outcome::LedgerDown | Outcome::Refused => {
            failed = true;
            lines.push(format!("The cycle ended as {}: {}", report.outcome, report.summary()));
        }
    }
    failed
}
