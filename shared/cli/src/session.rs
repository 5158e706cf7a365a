//! What commands that act share: the clients, who acts and why, one cycle of the functions' own kind, and the line of
//! history for what was asked. There is no other way to act on a node from here.

use std::sync::Arc;

use jiff::Timestamp;
use spillway_core::blocker::may_act;
use spillway_core::fault::Fault;
use spillway_core::ledger::{Actor, OperatorCommand};
use spillway_core::outcome::CycleReport;
use spillway_core::plan::Override;
use spillway_core::policy::Policy;
use spillway_engine::cycle::{LeaseMemory, read_world};
use spillway_engine::ports::LedgerWrite;
use spillway_runtime::{AwsSystems, ClientPorts, Clients};

use crate::acting::Acting;
use crate::clock;
use crate::context::Context;
use crate::exit::Failure;
use crate::identity::Place;
use crate::known::{FoundNode, KnownState};

/// An operator's command that acts on one platform.
#[derive(Debug)]
pub(crate) struct CliSession<'a> {
    pub(crate) context: &'a Context,
    pub(crate) clients: Arc<Clients>,
    /// Who acts.
    pub(crate) by: Actor,
    /// In which account and region.
    pub(crate) place: Place,
    /// Why, in the operator's words.
    pub(crate) reason: String,
}

/// What the command line and the status page do in the same way.
type Operator<'a> = spillway_engine::operator::Operator<'a, AwsSystems>;

impl<'a> CliSession<'a> {
    /// Asks STS who acts, and makes the clients. Refused where this machine's clock is wrong.
    pub(crate) async fn open(context: &'a Context, acting: &Acting) -> Result<Self, Failure> {
        let clients = context.clients().await?;
        let caller = context.caller().await?;
        clock::may_act(caller.clock_ahead)?;
        let by = caller.by.clone();
        let place = context.place().await;
        Ok(Self { context, clients, by, place, reason: acting.reason_or_none().to_owned() })
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.clients.settings.policy
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.context.now()
    }

    pub(crate) fn ports(&self) -> ClientPorts<'_> {
        self.clients.ports()
    }

    /// What the command line and the status page do in the same way.
    pub(crate) fn operator(&self) -> Operator<'_> {
        Operator {
            ports: self.ports(),
            policy: self.policy(),
            by: self.by.clone(),
            reason: self.reason.clone(),
            place: "at the command line",
        }
    }

    /// One cycle, by an owner of its own. `memory` lasts as long as the command.
    pub(crate) async fn cycle(&self, memory: &mut LeaseMemory, overrides: &[Override]) -> CycleReport {
        Box::pin(self.operator().cycle(memory, overrides)).await
    }

    /// Reads everything.
    pub(crate) async fn read(&self) -> Result<KnownState, Failure> {
        let (observation, ledger) = read_world(self.ports()).await;
        Ok(KnownState {
            platform: observation.platform?,
            fleet: observation.fleet?,
            ledger: ledger?,
            now: self.now(),
        })
    }

    /// Writes into the history that this was asked, by whom and why.
    pub(crate) async fn asked(&self, what: &str, about: Option<&FoundNode>) -> Result<(), Fault> {
        self.operator().asked(what, about.map(FoundNode::about).as_ref()).await
    }

    /// Stores a request. The id is the request's own, so that asking twice is asking once.
    pub(crate) async fn put_request(&self, id: String, what: OperatorCommand) -> Result<(), Fault> {
        self.clients.ledger.put_request(&self.operator().request(id, what, self.now())).await
    }

    /// Who has the lease, or had it a moment ago.
    pub(crate) async fn lease_owner(&self) -> String {
        self.operator().lease_holder().await
    }

    /// Refuses where a pause or the policy keeps every cycle from acting.
    pub(crate) fn may_act(&self, known: &KnownState) -> Result<(), Failure> {
        Ok(may_act(self.policy(), &known.ledger, known.now)?)
    }
}
