//! From what was read to the status. The rules' own assessment and plan say what is true; nothing is decided here.

use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::Assessment;
use spillway_core::ledger::Ledger;
use spillway_core::observation::Licences;
use spillway_core::observation::NodeRole;
use spillway_core::plan::Plan;
use spillway_core::policy::Policy;
use spillway_core::report::Suspension;

use super::locations::{edge, locations};
use super::nodes::{blind_nodes, nodes};
use super::{FirstLine, HoldLine, LastCycle, SCHEMA, Status, Trouble};
use crate::issues::issues;
use crate::time::age;
use crate::words::action;
use spillway_core::snapshot::Snapshot;

/// The status of a platform, of which this was read.
pub fn build_status(platform: &str, policy: &Policy, snapshot: &Snapshot, now: Timestamp) -> Status {
    let Snapshot { observation, ledger, licences, certificates } = snapshot;
    let plan = spillway_core::plan_ahead(policy, observation, ledger, None, now, &[]);
    let known = ledger.as_ref().ok();
    let mut status = Status {
        schema: SCHEMA,
        platform: platform.to_owned(),
        at: observation.observed_at,
        mode: policy.mode,
        dry_run: policy.dry_run,
        trouble: trouble(&plan, snapshot),
        first: first_line(known, licences.as_ref().ok().copied().flatten()),
        principal: Vec::new(),
        overflow: Vec::new(),
        nodes: Vec::new(),
        holds: holds(known, now),
        edge: Vec::new(),
        issues: Vec::new(),
        next: plan.actions.iter().map(action).collect(),
    };
    match (&observation.platform, &observation.fleet) {
        (Ok(platform), Ok(fleet)) => {
            let view = Assessment::new(policy, platform, fleet, known, now);
            locations(&mut status, &view, &plan);
            status.nodes = nodes(&view, &plan, known, now);
            status.edge = edge(policy, platform);
            status.issues = issues(policy, fleet, &view, certificates.as_deref().unwrap_or_default());
            status.first.oldest_report_s = oldest_report(policy, &view);
            status.first.held = plan.report.held;
        }
        // What EC2 and the ledger know without the Management Node: enough to see what runs.
        (Err(_), Ok(fleet)) => status.nodes = blind_nodes(policy, fleet, known, now),
        (_, Err(_)) => {}
    }
    if status.is_without_cycles() {
        let since = match &status.first.last_cycle {
            Some(cycle) => format!("no cycle for {}", age(cycle.at, status.at)),
            None => "no cycle has ever run".to_owned(),
        };
        status.trouble.insert(0, Trouble {
            what: format!("{since}: nothing is started or stopped"),
            remedy: "look whether the evaluator's schedule is enabled, and at its log: infra/RUNBOOK.md, no good cycle".to_owned(),
        });
    }
    status.nodes.sort_by(|a, b| (a.state, &a.name, &a.instance).cmp(&(b.state, &b.name, &b.instance)));
    status
}

/// Everything that could not be read, of which a plan names only the first; then what else keeps the rules from acting.
fn trouble(plan: &Plan, snapshot: &Snapshot) -> Vec<Trouble> {
    let Snapshot { observation, ledger, .. } = snapshot;
    let faults =
        [observation.platform.as_ref().err(), observation.fleet.as_ref().err(), ledger.as_ref().err()];
    let unread = faults.into_iter().flatten();
    let mut trouble: Vec<Trouble> =
        unread.map(|fault| Trouble { what: fault.to_string(), remedy: fault.remedy.clone() }).collect();
    match &plan.report.suspension {
        None
        | Some(
            Suspension::PlatformUnreadable { .. }
            | Suspension::FleetUnreadable { .. }
            | Suspension::LedgerUnreadable { .. },
        ) => {}
        Some(
            gate @ (Suspension::MostNodesStale { .. }
            | Suspension::ModeMismatch { .. }
            | Suspension::Paused { .. }),
        ) => {
            trouble.push(Trouble { what: gate.to_string(), remedy: String::new() });
        }
    }
    trouble
}

fn first_line(ledger: Option<&Ledger>, licences: Option<Licences>) -> FirstLine {
    let digest = ledger.and_then(|ledger| ledger.cycle.digest.as_ref());
    FirstLine {
        licences_left: licences.map(Licences::left),
        licences_total: licences.map(|licences| licences.ports_total),
        last_cycle: digest.map(|digest| LastCycle {
            at: digest.at,
            outcome: digest.outcome,
            summary: digest.summary.clone(),
        }),
        ledger_read: ledger.is_some(),
        last_good_cycle: digest.and_then(|digest| digest.last_good),
        last_refusal: digest.and_then(|digest| digest.last_refusal.clone()),
        ..FirstLine::default()
    }
}

fn holds(ledger: Option<&Ledger>, now: Timestamp) -> Vec<HoldLine> {
    let mut holds: Vec<HoldLine> = ledger
        .into_iter()
        .flat_map(|ledger| &ledger.holds)
        .filter(|hold| now < hold.until)
        .map(|hold| HoldLine {
            id: hold.id.clone(),
            scope: hold.scope.clone(),
            amount: hold.amount,
            from: hold.from,
            until: hold.until,
            spike_at: hold.spike_at,
            current: hold.is_current(now),
            by: hold.by.clone(),
            reason: hold.reason.clone(),
        })
        .collect();
    holds.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
    holds
}

/// By the Management Node's own clock: whether it is ours that is wrong does not matter.
fn oldest_report(policy: &Policy, view: &Assessment<'_>) -> Option<i64> {
    let age = |at: Timestamp| view.platform.server_time.duration_since(at);
    let ages = view
        .platform
        .nodes
        .iter()
        .filter(|node| node.role == NodeRole::Transcoding)
        .filter_map(|node| Some(age(node.status.as_ref()?.last_updated?)))
        .filter(|age| *age <= policy.staleness);
    ages.max().map(|age| age.max(SignedDuration::ZERO).as_secs())
}
