//! An operator at work, at the command line or at the status page: what keeps a wish from being met, how it is stored, the line
//! of history that says who asked and why, and one cycle of the functions' own kind. There is no other way to start or stop an
//! overflow node by hand. Starting is holding, and stopping is a request for a drain; both have the node's own id, so that
//! whoever asks twice asks once, and whoever has the lease meets what was asked.

use std::time::Duration;

use jiff::Timestamp;

use crate::assess::is_our_maintenance;
use crate::cycle::{Cycle, LeaseMemory, Ports};
use crate::fault::Fault;
use crate::ids::{HoldId, InstanceId, LocationName, NodeName};
use crate::ledger::{
    Actor, Event, EventKind, Hold, HoldAmount, HoldScope, Ledger, NodeRecord, Request, Wish,
};
use crate::observation::Node;
use crate::outcome::CycleReport;
use crate::plan::Override;
use crate::policy::{Mode, Policy};
use crate::ports::{Clock, FleetWrite, LedgerRead, LedgerWrite, ManagementWrite, OverflowStart};
use crate::report::actor;

/// How long one cycle may take: what a function has.
const CYCLE: Duration = Duration::from_secs(45);

/// What keeps an operator's wish from being met at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// No cycle does anything.
    #[error("Spillway is paused until {until} by {by}: {reason}")]
    Paused {
        /// Its end.
        until: Timestamp,
        /// Who asked for it.
        by: String,
        /// Why.
        reason: String,
    },
    /// No cycle changes anything.
    #[error("the policy says dry_run: no cycle changes anything")]
    DryRun,
    /// Pexip's own bursting decides what stops.
    #[error("the policy's mode is assist: Pexip's own bursting stops nodes, Spillway does not")]
    PexipStops,
    /// Somebody else works on the node.
    #[error("{node} is in maintenance mode that somebody else set: {reason}")]
    Foreign {
        /// Which.
        node: NodeName,
        /// The reason given there.
        reason: String,
    },
    /// An operator took the node out of service.
    #[error("{0} is retired")]
    Retired(NodeName),
}

impl Hindrance {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Paused { .. } => "end the pause first: spillway resume --reason …".to_owned(),
            Self::DryRun => "take dry_run out of the policy: spillway policy set".to_owned(),
            Self::PexipStops => {
                "to stop a node by hand, put it into maintenance mode and stop its instance as the guide says"
                    .to_owned()
            }
            Self::Foreign { .. } => "clear it under Platform > Conferencing Nodes first".to_owned(),
            Self::Retired(node) => format!("take it back into service: spillway node reinstate {node}"),
        }
    }
}

/// Whether a pause or the policy keeps every cycle from acting.
///
/// # Errors
/// Which of them.
pub fn may_act(policy: &Policy, ledger: &Ledger, now: Timestamp) -> Result<(), Hindrance> {
    if let Some(pause) = ledger.pause(now) {
        let (by, reason) = (actor(pause.by).to_owned(), pause.reason.to_owned());
        return Err(Hindrance::Paused { until: pause.until, by, reason });
    }
    if policy.dry_run { Err(Hindrance::DryRun) } else { Ok(()) }
}

/// Whether a node can be asked for by name.
///
/// # Errors
/// What keeps it from being started.
pub fn may_start(node: &Node, record: Option<&NodeRecord>) -> Result<(), Hindrance> {
    if record.is_some_and(|record| record.retired) {
        return Err(Hindrance::Retired(node.name.clone()));
    }
    may_touch(node)
}

/// Whether a node can be drained and stopped.
///
/// # Errors
/// What keeps it from being stopped.
pub fn may_stop(policy: &Policy, node: &Node) -> Result<(), Hindrance> {
    if policy.mode == Mode::Assist {
        return Err(Hindrance::PexipStops);
    }
    may_touch(node)
}

fn may_touch(node: &Node) -> Result<(), Hindrance> {
    if node.maintenance_mode && !is_our_maintenance(node) {
        let reason = node.maintenance_mode_reason.clone();
        return Err(Hindrance::Foreign { node: node.name.clone(), reason });
    }
    Ok(())
}

/// Which node it is about, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its instance.
    pub instance: InstanceId,
    /// Its name.
    pub node: NodeName,
    /// Its location.
    pub location: LocationName,
}

/// An operator at work.
#[derive(Debug)]
pub struct Desk<'a, F, M, L, C> {
    /// The outside world.
    pub ports: Ports<'a, F, M, L, C>,
    /// The policy.
    pub policy: &'a Policy,
    /// Who acts.
    pub by: Actor,
    /// Why, in the operator's words.
    pub reason: String,
    /// Where, for whoever is told who has the lease: `at the command line`.
    pub place: &'static str,
}

impl<F, M, L, C> Desk<'_, F, M, L, C> {
    /// The node's own hold. Its id is the node's, so that asking again moves its end.
    pub fn node_hold(&self, instance: &InstanceId, from: Timestamp, until: Timestamp) -> Hold {
        let id = HoldId::new(format!("node-{instance}"));
        self.hold(id, HoldScope::Node(instance.clone()), HoldAmount::AllNodes, from, until)
    }

    /// A hold of the operator's.
    pub fn hold(
        &self,
        id: HoldId,
        scope: HoldScope,
        amount: HoldAmount,
        from: Timestamp,
        until: Timestamp,
    ) -> Hold {
        let (by, reason) = (self.by.clone(), self.reason.clone());
        Hold { id, scope, amount, from, until, by, reason, spike_at: None, asked: None }
    }

    /// The request for a drain.
    pub fn stop_request(&self, instance: &InstanceId, at: Timestamp) -> Request {
        self.request(format!("stop-{instance}"), Wish::Stop(instance.clone()), at)
    }

    /// A request of the operator's. The id is the wish's own, so that asking twice is asking once.
    pub fn request(&self, id: String, wish: Wish, at: Timestamp) -> Request {
        Request { id, by: self.by.clone(), at, reason: self.reason.clone(), wish }
    }
}

impl<F, M, L: LedgerWrite, C: Clock> Desk<'_, F, M, L, C> {
    /// Stores a hold, and writes down that it was asked.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn put_hold(&self, hold: &Hold, what: &str, about: Option<&About>) -> Result<(), Fault> {
        self.ports.ledger.put_hold(hold).await?;
        self.asked(what, about).await
    }

    /// Lets go of the holds of a node itself, which would start it again at once.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn release_own_holds(
        &self,
        instance: &InstanceId,
        ledger: &Ledger,
    ) -> Result<Vec<HoldId>, Fault> {
        let own = ledger.holds.iter().filter(|hold| hold.scope == HoldScope::Node(instance.clone()));
        let own: Vec<HoldId> = own.map(|hold| hold.id.clone()).collect();
        for id in &own {
            self.ports.ledger.remove_hold(id).await?;
            self.asked(&format!("release hold {id}, as its node is to be stopped"), None).await?;
        }
        Ok(own)
    }

    /// Asks for a drain, and writes that down.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn ask_stop(&self, about: &About) -> Result<(), Fault> {
        let request = self.stop_request(&about.instance, self.ports.clock.now());
        self.ports.ledger.put_request(&request).await?;
        self.asked("drain and stop", Some(about)).await
    }

    /// Ends every pause that was read, and writes that down first. A pause is removed, not answered: what answers it would
    /// have to outlive it, and to be later by the clock of another machine. The oldest goes first, so that the pause in force
    /// goes last.
    ///
    /// # Errors
    /// The ledger cannot be written; the pause in force may still be there.
    pub async fn end_pauses(&self, ledger: &Ledger) -> Result<(), Fault> {
        self.asked("resume", None).await?;
        let mut pauses: Vec<&Request> =
            ledger.requests.iter().filter(|request| matches!(request.wish, Wish::Pause { .. })).collect();
        pauses.sort_by_key(|request| (request.at, &request.id));
        for pause in pauses {
            self.ports.ledger.remove_request(&pause.id).await?;
        }
        Ok(())
    }

    /// Writes into the history that this was asked, by whom and why.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn asked(&self, what: &str, about: Option<&About>) -> Result<(), Fault> {
        let at = self.ports.clock.now();
        let whose = about.map_or_else(|| "platform".to_owned(), |about| about.instance.to_string());
        let event = Event {
            id: format!("{at}-{whose}-asked"),
            at,
            kind: EventKind::Asked,
            instance: about.map(|about| about.instance.clone()),
            node: about.map(|about| about.node.clone()),
            location: about.map(|about| about.location.clone()),
            by: self.by.clone(),
            reason: format!("{what}: {}", self.reason),
        };
        self.ports.ledger.append_events(&[event]).await
    }
}

impl<F, M, L: LedgerRead, C: Clock> Desk<'_, F, M, L, C> {
    /// Who has the lease, or had it a moment ago: what the loser of a race is told.
    pub async fn winner(&self) -> String {
        let Ok(ledger) = self.ports.ledger.read_ledger(self.ports.clock.now()).await else {
            return "another cycle was faster".to_owned();
        };
        match (&ledger.cycle.owner, &ledger.cycle.digest) {
            (Some(owner), _) => format!("{owner} has the lease"),
            (None, Some(digest)) => {
                format!("another cycle was faster: at {} it ended with: {}", digest.at, digest.summary)
            }
            (None, None) => "another cycle was faster".to_owned(),
        }
    }
}

impl<F, M, L, C> Desk<'_, F, M, L, C>
where
    F: FleetWrite,
    M: ManagementWrite + OverflowStart,
    L: LedgerWrite,
    C: Clock,
{
    /// One cycle. `memory` lasts as long as the operator waits; overrides are shown, checked and recorded.
    pub async fn cycle(&self, memory: &mut LeaseMemory, overrides: &[Override]) -> CycleReport {
        run_cycle(self.ports, self.policy, &self.by, self.place, memory, overrides).await
    }
}

/// One cycle by an operator, named with the place that he is at.
pub(crate) async fn run_cycle<F, M, L, C>(
    ports: Ports<'_, F, M, L, C>,
    policy: &Policy,
    by: &Actor,
    place: &str,
    memory: &mut LeaseMemory,
    overrides: &[Override],
) -> CycleReport
where
    F: FleetWrite,
    M: ManagementWrite + OverflowStart,
    L: LedgerWrite,
    C: Clock,
{
    let owner = format!("{} {place}, {}", actor(by), ports.clock.now());
    let deadline = ports.clock.monotonic() + CYCLE;
    Box::pin(Cycle { ports, policy, owner, deadline }.run_overridden(memory, overrides)).await
}
