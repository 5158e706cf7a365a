//! Out of service and back: drained and stopped by the functions' own cycle, set aside, started, taking calls again.

use super::{Memory, Stopped, Worker};
use crate::operation::OperationSystems;
use crate::ports::ManagementRead;
use crate::ports::ManagementWrite;

use jiff::SignedDuration;

use crate::operator::run_cycle;
use crate::ports::{LedgerWrite, OperatorFleet};
use spillway_core::assess::{is_fresh, is_our_maintenance};
use spillway_core::blocker::Blocker;
use spillway_core::ids::InstanceId;
use spillway_core::ledger::{EventKind, OperatorCommand};
use spillway_core::observation::{InstanceState, NodeRole};
use spillway_core::operation::Seen;
use spillway_core::outcome::{ActionEnd, CycleReport, Outcome};
use spillway_core::plan::Override;
use spillway_core::planner::IDLE_GAP;

impl<S: OperationSystems, O: OperatorFleet> Worker<'_, S, O> {
    /// The cycle drains and stops. One runs here as well, so that it goes on also where no function runs.
    pub(super) async fn retire(&self, memory: &mut Memory, seen: &Seen) -> Result<Option<String>, Stopped> {
        let id = Self::detail(seen)?.instance.id.clone();
        let record = seen.record();
        let draining = record.is_some_and(|record| record.retired && record.drain.is_some());
        if memory.draining && !draining && seen.is_up() && record.is_some_and(|record| record.drain_vetoed) {
            return Err(Blocker::Vetoed.into());
        }
        memory.draining |= draining;
        let command = format!("retire-{id}");
        let pending = seen.ledger.requests.iter().any(|request| request.id == command);
        let on_its_way = seen.state() == Some(InstanceState::Stopping) || (seen.is_up() && draining);
        if !pending && !on_its_way {
            self.ask(seen, &command, OperatorCommand::Retire(id.clone())).await?;
            self.tell(seen, EventKind::Asked, "asked", "drain, stop and keep stopped".to_owned()).await?;
        }
        let overrides = [Override {
            instance: id.clone(),
            calls: false,
            lifetime: true,
            by: self.by.clone(),
            reason: self.why.clone(),
        }];
        let overrides = if self.ignore_lifetime { &overrides[..] } else { &[] };
        let report = self.cycle(memory, overrides).await;
        if let Some(event) = report
            .plan
            .events
            .iter()
            .find(|event| event.kind == EventKind::RequestDone && event.instance.as_ref() == Some(&id))
        {
            return Err(Blocker::Dismissed(event.reason.clone()).into());
        }
        Ok(Some(Self::why_from(&report, &id)))
    }

    pub(super) async fn set_aside(
        &self,
        memory: &mut Memory,
        seen: &Seen,
    ) -> Result<Option<String>, Stopped> {
        let node = self.node(seen)?;
        if seen.worked_on(node).is_none() {
            if memory.aside_since.is_some() {
                return Err(Blocker::Vetoed.into());
            }
            let mark = self.operation.mark(&self.why, &self.by);
            self.ports.management.set_maintenance(node.id, true, &mark).await?;
            memory.aside_since = Some(seen.now);
            let text = format!("maintenance mode on for {}", self.operation.word());
            self.tell(seen, EventKind::Retired, "set-aside", text).await?;
            return Ok(None);
        }
        let since = *memory.aside_since.get_or_insert(seen.now);
        let replication = self.policy.replication_of(seen.platform.nodes.len());
        let shown = node
            .status
            .as_ref()
            .is_some_and(|status| status.maintenance_mode && is_fresh(self.policy, &seen.platform, status));
        if !shown || seen.now.duration_since(since) < replication {
            return Ok(Some("maintenance mode has not reached the node yet".to_owned()));
        }
        if let Some(why) = self.busy(seen).await? {
            memory.idle_at = None;
            return Ok(Some(why));
        }
        let first = *memory.idle_at.get_or_insert(seen.now);
        if seen.now.duration_since(first) < IDLE_GAP {
            return Ok(Some("nothing runs on it, to be read again".to_owned()));
        }
        memory.drained = true;
        Ok(None)
    }

    pub(super) async fn start(&self, memory: &mut Memory, seen: &Seen) -> Result<Option<String>, Stopped> {
        let instance = &Self::detail(seen)?.instance;
        match instance.state {
            InstanceState::Pending => return Ok(Some("the instance starts".to_owned())),
            InstanceState::Stopping => return Ok(Some("the instance is still stopping".to_owned())),
            _ => {}
        }
        let lately = memory
            .start_asked_at
            .is_some_and(|at| seen.now.duration_since(at) < SignedDuration::from_secs(120));
        if !seen.is_tagged(&self.policy.tag_value) {
            if !lately {
                self.operator.start_instance(instance).await?;
                memory.start_asked_at = Some(seen.now);
                self.tell(seen, EventKind::Start, "start", "started".to_owned()).await?;
            }
            return Ok(Some("the instance starts".to_owned()));
        }
        let id = instance.id.clone();
        if !lately {
            self.ask(seen, &format!("reinstate-{id}"), OperatorCommand::Reinstate(id.clone())).await?;
            memory.start_asked_at = Some(seen.now);
        }
        let report = self.cycle(memory, &[]).await;
        Ok(Some(Self::why_from(&report, &id)))
    }

    /// Retirement ends first: whoever takes the command up clears the maintenance mode as well, should this end here.
    pub(super) async fn take_calls(&self, memory: &mut Memory, seen: &Seen) -> Result<(), Stopped> {
        let node = self.node(seen)?;
        let retired = seen.record().is_some_and(|record| record.retired);
        if let (true, Some(detail)) = (retired, &seen.detail) {
            let id = detail.instance.id.clone();
            for word in ["retire", "reinstate"] {
                self.ports.ledger.remove_request(&format!("{word}-{id}")).await?;
            }
            self.ask(seen, &format!("release-{id}"), OperatorCommand::Release(id)).await?;
        }
        if node.maintenance_mode {
            let whose = if is_our_maintenance(node) {
                String::new()
            } else {
                format!(" that somebody else set ({})", node.maintenance_mode_reason)
            };
            self.ports.management.set_maintenance(node.id, false, "").await?;
            let text = format!("maintenance mode{whose} off after {}", self.operation.word());
            self.tell(seen, EventKind::MaintenanceCleared, "take-calls", text).await?;
        }
        if retired {
            self.cycle(memory, &[]).await;
        }
        Ok(())
    }

    /// What runs on the node, in words; `None`: nothing.
    pub(super) async fn busy(&self, seen: &Seen) -> Result<Option<String>, Stopped> {
        if !seen.is_up() {
            return Ok(None);
        }
        let activity = self.ports.management.read_activity(self.node(seen)?.address).await?;
        if activity.is_idle() {
            return Ok(None);
        }
        Ok(Some(format!(
            "{} participants in {} conferences are on it",
            activity.participants, activity.shards
        )))
    }

    /// What the node lacks to take calls; `None`: nothing.
    pub(super) fn not_ready(&self, seen: &Seen) -> Option<String> {
        let Some(node) = seen.node(&self.subject) else { return Some("it is not configured".to_owned()) };
        let launched = seen.detail.as_ref().and_then(|detail| detail.instance.launched_at);
        let Some(status) = &node.status else { return Some("it has never reported".to_owned()) };
        let since_launch =
            status.last_updated.is_some_and(|at| launched.is_none_or(|launched| at > launched));
        if !since_launch || !is_fresh(self.policy, &seen.platform, status) {
            return Some("it has not reported since it started".to_owned());
        }
        if !seen.platform.version.is_empty() && status.version != seen.platform.version {
            return Some(format!("it runs version {}; the Management Node upgrades it", status.version));
        }
        if node.role == NodeRole::Transcoding && status.max_hd_calls.0 == 0 {
            return Some("it has not measured its capacity yet".to_owned());
        }
        (!status.synced).then(|| "its configuration is not synchronised yet".to_owned())
    }

    async fn cycle(&self, memory: &mut Memory, overrides: &[Override]) -> CycleReport {
        let place = format!("at the command line ({})", self.operation.word());
        run_cycle(self.ports, self.policy, &self.by, &place, &mut memory.lease, overrides).await
    }

    /// Why the cycle has not come further with the node.
    fn why_from(report: &CycleReport, id: &InstanceId) -> String {
        let refused = report.results.iter().find_map(|result| match &result.end {
            ActionEnd::Refused(refusal) if result.action.instance() == id => {
                Some(format!("EC2 refuses: {refusal}"))
            }
            ActionEnd::Failed(fault) if result.action.instance() == id => Some(fault.to_string()),
            _ => None,
        });
        if let Some(refused) = refused {
            return refused;
        }
        if report.outcome == Outcome::LeaseBusy {
            return "another cycle has the lease; it goes on with it".to_owned();
        }
        if report.suspension().is_some() || !report.violations.is_empty() {
            return report.summary();
        }
        let node = report.plan.report.nodes.iter().find(|node| node.instance == *id);
        node.map_or_else(
            || "the cycle does not see the node yet".to_owned(),
            |node| node.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        )
    }
}
