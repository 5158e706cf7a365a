//! From what was read to the status. The rules' own assessment and plan say what is true; nothing is decided here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::{SignedDuration, Timestamp};
use spillway_core::assess::{Assessment, Phase};
use spillway_core::fault::Fault;
use spillway_core::ids::{HdCalls, InstanceId, LocationName, NodeName};
use spillway_core::ledger::{Hold, Ledger, NodeRecord};
use spillway_core::observation::{
    Certificate, Fleet, Instance, InstanceState, NodeRole, Observation, Platform,
};
use spillway_core::plan::Plan;
use spillway_core::policy::Policy;
use spillway_core::report::{Gate, NodeReason, NodeReport, Purpose};

use crate::issues::issues;
use crate::status::{
    EdgeLocation, FirstLine, HoldLine, LastCycle, NodeState, OverflowLocation, OverflowNode,
    PrincipalLocation, SCHEMA, Status, Trouble,
};
use crate::words::action;

/// Everything that was read of a platform.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// Its name.
    pub platform: &'a str,
    /// Its policy.
    pub policy: &'a Policy,
    /// What a cycle reads.
    pub observation: &'a Observation,
    /// What is remembered.
    pub ledger: &'a Result<Ledger, Fault>,
    /// Port licences: in use, and in all; `None` where the Management Node does not say.
    pub licences: Option<(u64, u64)>,
    /// TLS certificates.
    pub certificates: &'a [Certificate],
    /// Now.
    pub now: Timestamp,
}

/// The status of a platform, and the plan that its reasons come from.
pub fn status(read: &Read<'_>) -> (Status, Plan) {
    let Read { platform, policy, observation, ledger, licences, certificates, now } = *read;
    let plan = spillway_core::plan(policy, observation, ledger, now);
    let known = ledger.as_ref().ok();
    let mut status = Status {
        schema: SCHEMA,
        platform: platform.to_owned(),
        at: observation.observed_at,
        mode: policy.mode,
        dry_run: policy.dry_run,
        trouble: trouble(&plan, observation, ledger),
        first: first_line(known, licences),
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
            status.issues = issues(policy, fleet, &view, certificates);
            status.first.oldest_report_s = oldest_report(policy, &view);
            status.first.held = plan.report.held;
        }
        // What EC2 and the ledger know without the Management Node: enough to see what runs.
        (Err(_), Ok(fleet)) => status.nodes = blind_nodes(policy, fleet, known, now),
        (_, Err(_)) => {}
    }
    status.nodes.sort_by(|a, b| (a.state, &a.name, &a.instance).cmp(&(b.state, &b.name, &b.instance)));
    (status, plan)
}

/// Everything that could not be read, of which a plan names only the first; then what else keeps the rules from acting.
fn trouble(plan: &Plan, observation: &Observation, ledger: &Result<Ledger, Fault>) -> Vec<Trouble> {
    let faults =
        [observation.platform.as_ref().err(), observation.fleet.as_ref().err(), ledger.as_ref().err()];
    let unread = faults.into_iter().flatten();
    let mut trouble: Vec<Trouble> =
        unread.map(|fault| Trouble { what: fault.to_string(), remedy: fault.remedy.clone() }).collect();
    match &plan.report.gate {
        None
        | Some(
            Gate::PlatformUnreadable { .. } | Gate::FleetUnreadable { .. } | Gate::LedgerUnreadable { .. },
        ) => {}
        Some(gate @ (Gate::MostNodesStale { .. } | Gate::ModeMismatch { .. } | Gate::Paused { .. })) => {
            trouble.push(Trouble { what: gate.to_string(), remedy: String::new() });
        }
    }
    trouble
}

fn first_line(ledger: Option<&Ledger>, licences: Option<(u64, u64)>) -> FirstLine {
    let digest = ledger.and_then(|ledger| ledger.cycle.digest.as_ref());
    FirstLine {
        licences_left: licences.map(|(used, total)| total.saturating_sub(used)),
        licences_total: licences.map(|(_, total)| total),
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

fn locations(status: &mut Status, view: &Assessment<'_>, plan: &Plan) {
    let mut by_location: BTreeMap<&LocationName, (u32, u32)> = BTreeMap::new();
    for (_, location) in view.overflow_locations() {
        let here = location.overflow.iter().filter_map(|index| view.nodes.get(*index));
        let ready = here.filter(|node| node.phase == Phase::Ready).count();
        by_location.insert(&location.location.name, (count(ready), count(location.overflow.len())));
    }
    let mut counted: BTreeMap<&LocationName, (HdCalls, HdCalls)> = BTreeMap::new();
    for location in &plan.report.locations {
        // A location can be both; its calls are there once.
        counted.insert(&location.name, (location.free, location.booting));
        match &location.purpose {
            Purpose::Principal { overflow } => status.principal.push(PrincipalLocation {
                name: location.name.clone(),
                free: location.free,
                max: location.max,
                threshold: location.threshold,
                word: location.word,
                overflow: overflow.clone(),
            }),
            Purpose::Overflow => {
                let (ready, nodes) = by_location.get(&location.name).copied().unwrap_or_default();
                status.overflow.push(OverflowLocation {
                    name: location.name.clone(),
                    free: location.free,
                    max: location.max,
                    booting: location.booting,
                    threshold: location.threshold,
                    ready,
                    nodes,
                    why: location.reasons.iter().map(ToString::to_string).collect(),
                });
            }
        }
    }
    let free: HdCalls = counted.values().map(|(free, _)| *free).sum();
    let booting: HdCalls = counted.values().map(|(_, booting)| *booting).sum();
    status.first.room_now = Some(free);
    status.first.room_in_5_minutes = Some(free.plus(booting));
}

fn nodes(view: &Assessment<'_>, plan: &Plan, ledger: Option<&Ledger>, now: Timestamp) -> Vec<OverflowNode> {
    let said: BTreeMap<&InstanceId, &NodeReport> =
        plan.report.nodes.iter().map(|report| (&report.instance, report)).collect();
    let conferences = conferences(view.platform);
    let holds = current(ledger, now);
    let line = |node: &spillway_core::assess::OverflowNode<'_>| {
        let id = &node.instance.id;
        let location = view.location_name(node.node.location);
        let on_it = conferences.get(&node.node.address);
        let report = said.get(id);
        let life = node.record.and_then(|record| record.life.as_ref()).filter(|_| node.is_running());
        OverflowNode {
            state: state(node, report.copied()),
            since: since(node),
            max: node.capacity,
            free: node.free,
            started_by: life.map(|life| life.by.clone()),
            started_why: life.map(|life| life.reason.clone()),
            held_until: held_until(&holds, id, Some(&location)).filter(|_| node.is_running()),
            conferences: on_it
                .map(|all| all.iter().take(OverflowNode::NAMED).map(|&name| name.to_owned()).collect())
                .unwrap_or_default(),
            hosting: count(on_it.map_or(0, BTreeSet::len)),
            why: report
                .map(|report| report.reasons.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            instance: id.clone(),
            name: node.node.name.clone(),
            location: Some(location),
            instance_type: node.instance.instance_type.clone(),
        }
    };
    view.nodes.iter().map(line).collect()
}

fn conferences(platform: &Platform) -> BTreeMap<Ipv4Addr, BTreeSet<&str>> {
    let mut by_node: BTreeMap<Ipv4Addr, BTreeSet<&str>> = BTreeMap::new();
    for shard in platform.shards.iter().flatten() {
        by_node.entry(shard.node).or_default().insert(&shard.conference);
    }
    by_node
}

fn state(node: &spillway_core::assess::OverflowNode<'_>, report: Option<&NodeReport>) -> NodeState {
    let retired = node.record.is_some_and(|record| record.retired);
    let backs_off = report.is_some_and(|report| {
        report.reasons.iter().any(|reason| matches!(reason, NodeReason::BackingOff { .. }))
    });
    match &node.phase {
        _ if retired => NodeState::Retired,
        Phase::FailedStart { .. } => NodeState::FailedStart,
        Phase::Degraded => NodeState::Degraded,
        Phase::Booting { .. } => NodeState::Booting,
        Phase::Maintenance { ours: true } => NodeState::Draining,
        Phase::Maintenance { ours: false } => NodeState::Maintenance,
        Phase::Ready => NodeState::Ready,
        Phase::Stopping => NodeState::Stopping,
        Phase::Stopped if backs_off => NodeState::BackingOff,
        Phase::Stopped => NodeState::Stopped,
        Phase::Gone => NodeState::Gone,
    }
}

fn since(node: &spillway_core::assess::OverflowNode<'_>) -> Option<Timestamp> {
    let drain = node.record.and_then(|record| record.drain.as_ref()).filter(|_| node.is_running());
    match (&node.phase, drain) {
        (Phase::Maintenance { ours: true }, Some(drain)) => Some(drain.began_at),
        (Phase::Stopped | Phase::Gone, _) => None,
        _ => node.started_at(),
    }
}

/// Holds in force.
fn current(ledger: Option<&Ledger>, now: Timestamp) -> Vec<&Hold> {
    ledger.into_iter().flat_map(|ledger| &ledger.holds).filter(|hold| hold.is_current(now)).collect()
}

fn held_until(holds: &[&Hold], instance: &InstanceId, location: Option<&LocationName>) -> Option<Timestamp> {
    holds.iter().filter(|hold| hold.covers(instance, location)).map(|hold| hold.until).max()
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

fn edge(policy: &Policy, platform: &Platform) -> Vec<EdgeLocation> {
    let mut by_location: BTreeMap<&LocationName, (u32, Vec<f64>, u32)> = BTreeMap::new();
    let names: BTreeMap<_, _> = platform.locations.iter().map(|each| (each.id, &each.name)).collect();
    for node in platform.nodes.iter().filter(|node| node.role == NodeRole::Proxying) {
        let Some(name) = names.get(&node.location) else { continue };
        let (nodes, loads, reporting) = by_location.entry(name).or_default();
        *nodes += 1;
        let Some(status) = node.status.as_ref().filter(|_| !spillway_core::assess::in_maintenance(node))
        else {
            continue;
        };
        let fresh =
            status.last_updated.is_some_and(|at| platform.server_time.duration_since(at) <= policy.staleness);
        if fresh {
            *reporting += 1;
            loads.extend(status.media_load);
        }
    }
    by_location
        .into_iter()
        .map(|(name, (nodes, loads, reporting))| EdgeLocation {
            name: name.clone(),
            nodes,
            reporting,
            load: (!loads.is_empty()).then(|| loads.iter().sum::<f64>() / loads.len() as f64),
            highest: loads.iter().copied().max_by(f64::total_cmp),
        })
        .collect()
}

/// Without the Management Node: what EC2 shows, with the names that the ledger remembers.
fn blind_nodes(policy: &Policy, fleet: &Fleet, ledger: Option<&Ledger>, now: Timestamp) -> Vec<OverflowNode> {
    let holds = current(ledger, now);
    let line = |instance: &Instance| {
        let record = ledger.and_then(|ledger| ledger.nodes.get(&instance.id));
        let location = record.and_then(|record| record.location.as_ref()).map(|(_, name)| name.clone());
        let up = matches!(instance.state, InstanceState::Pending | InstanceState::Running);
        let life = record.and_then(|record| record.life.as_ref()).filter(|_| up);
        OverflowNode {
            name: blind_name(instance, record),
            instance_type: instance.instance_type.clone(),
            state: blind_state(instance.state),
            since: instance.launched_at.filter(|_| up),
            max: record
                .and_then(|record| record.capacity)
                .unwrap_or_else(|| policy.hd_calls_of(&instance.instance_type)),
            free: HdCalls(0),
            started_by: life.map(|life| life.by.clone()),
            started_why: life.map(|life| life.reason.clone()),
            held_until: held_until(&holds, &instance.id, location.as_ref()).filter(|_| up),
            conferences: Vec::new(),
            hosting: 0,
            why: Vec::new(),
            instance: instance.id.clone(),
            location,
        }
    };
    fleet.instances.iter().map(line).collect()
}

fn blind_name(instance: &Instance, record: Option<&NodeRecord>) -> NodeName {
    record.and_then(|record| record.name.clone()).unwrap_or_else(|| NodeName::new(&instance.name))
}

fn blind_state(state: InstanceState) -> NodeState {
    match state {
        InstanceState::Pending => NodeState::Booting,
        InstanceState::Running | InstanceState::Unknown => NodeState::Running,
        InstanceState::Stopping => NodeState::Stopping,
        InstanceState::Stopped => NodeState::Stopped,
        InstanceState::ShuttingDown | InstanceState::Terminated => NodeState::Gone,
    }
}

pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
