//! An operator at work, at the command line or at the status page: what keeps a command from being met, how it is stored, the line
//! of history that says who asked and why, and one cycle of the functions' own kind. There is no other way to start or stop an
//! overflow node by hand. Starting is holding, and stopping is a request for a drain; both have the node's own id, so that
//! whoever asks twice asks once, and whoever has the lease meets what was asked.

use crate::cycle::CycleSystems;
use crate::ports::Systems;
use std::time::Duration;

use jiff::Timestamp;

use crate::cycle::{Cycle, LeaseMemory};
use crate::ports::Ports;
use crate::ports::{Clock, LedgerRead, LedgerWrite};
use spillway_core::fault::Fault;
use spillway_core::ids::{HoldId, InstanceId, LocationName, NodeName};
use spillway_core::ledger::{
    Actor, Event, EventKind, Hold, HoldAmount, HoldScope, Ledger, OperatorCommand, Request,
};
use spillway_core::outcome::CycleReport;
use spillway_core::plan::Override;
use spillway_core::policy::Policy;
use spillway_core::report::actor;

/// How long one cycle may take: what a function has.
const CYCLE: Duration = Duration::from_secs(45);

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
pub struct Operator<'a, S: Systems> {
    /// The outside world.
    pub ports: Ports<'a, S>,
    /// The policy.
    pub policy: &'a Policy,
    /// Who acts.
    pub by: Actor,
    /// Why, in the operator's words.
    pub reason: String,
    /// Where, for whoever is told who has the lease: `at the command line`.
    pub place: &'static str,
}

impl<S: Systems> Operator<'_, S> {
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
        self.request(format!("stop-{instance}"), OperatorCommand::Stop(instance.clone()), at)
    }

    /// A request of the operator's. The id is the command's own, so that asking twice is asking once.
    pub fn request(&self, id: String, command: OperatorCommand, at: Timestamp) -> Request {
        Request { id, by: self.by.clone(), at, reason: self.reason.clone(), command }
    }
}

impl<S: Systems<Ledger: LedgerWrite>> Operator<'_, S> {
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
        let mut pauses: Vec<&Request> = ledger
            .requests
            .iter()
            .filter(|request| matches!(request.command, OperatorCommand::Pause { .. }))
            .collect();
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

impl<S: Systems<Ledger: LedgerRead>> Operator<'_, S> {
    /// Who has the lease, or had it a moment ago: what the loser of a race is told.
    pub async fn lease_holder(&self) -> String {
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

impl<S: CycleSystems> Operator<'_, S> {
    /// One cycle. `memory` lasts as long as the operator waits; overrides are shown, checked and recorded.
    pub async fn cycle(&self, memory: &mut LeaseMemory, overrides: &[Override]) -> CycleReport {
        run_cycle(self.ports, self.policy, &self.by, self.place, memory, overrides).await
    }
}

/// One cycle by an operator, named with the place that he is at.
pub(crate) async fn run_cycle<S: CycleSystems>(
    ports: Ports<'_, S>,
    policy: &Policy,
    by: &Actor,
    place: &str,
    memory: &mut LeaseMemory,
    overrides: &[Override],
) -> CycleReport {
    let owner = format!("{} {place}, {}", actor(by), ports.clock.now());
    let deadline = ports.clock.monotonic() + CYCLE;
    Box::pin(Cycle { ports, policy, owner, deadline, profiles: None }.run_overridden(memory, overrides)).await
}
