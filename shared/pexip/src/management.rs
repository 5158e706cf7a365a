//! The client: reads the platform and one node's activity, sets maintenance mode and static NAT addresses. It decides
//! nothing. One operation is one Management Node: readings of two are never mixed.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::json;
use spillway_core::fault::Fault;
use spillway_core::ids::NodeId;
use spillway_core::ledger::KnownPlatform;
use spillway_core::observation::PlatformScope;
use spillway_core::observation::{NodeActivity, Platform};
use spillway_engine::ports::{Clock, ManagementRead, ManagementWrite, PlatformRefresh};
use tokio::time::Instant;

use crate::activity::count_activity;
use crate::clock::SystemClock;
use crate::error::{ManagementError, Problem};
use crate::pace::Pace;
use crate::paging::{ListOf, Listing, Row, Unsortable, read_json};
use crate::path::{ApiPath, Family};
use crate::platform::{NodeRows, PlatformRows};
use crate::primary::{Learned, PrimaryCheck, PrimaryNode, Whereabouts, judge};
use crate::resources;
use crate::rows::{Backplane, ConferenceShard, GlobalSettings, ManagementVmStatus, Participant};
use crate::settings::{ManagementSettings, SettingError};
use crate::transport::{Call, Target, Transport};
use crate::wire::Verb;

/// The longest `maintenance_mode_reason` that the API takes, characters.
const LONGEST_REASON: usize = 250;

/// A platform's Management Node, over HTTP. Clones share connections, tokens and the limit of requests in flight.
#[derive(Clone)]
pub struct HttpManagement {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Transport,
    unsortable: Unsortable,
    learned: Learned,
    pace: Pace,
}

impl std::fmt::Debug for HttpManagement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses: Vec<String> = self.transport().addresses().iter().map(ToString::to_string).collect();
        f.debug_struct("HttpManagement").field("addresses", &addresses).finish_non_exhaustive()
    }
}

impl HttpManagement {
    /// A client that has not connected yet.
    pub fn new(settings: ManagementSettings) -> Result<Self, SettingError> {
        Self::with_clock(settings, Arc::new(SystemClock::new()))
    }

    /// The same with a clock of one's own, which dates assertions and the age of tokens.
    pub fn with_clock(settings: ManagementSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingError> {
        let pace = Pace::new(settings.timing.between_changes);
        let transport = Transport::new(settings, clock)?;
        let shared =
            Shared { transport, unsortable: Unsortable::default(), learned: Learned::default(), pace };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.shared.transport
    }

    pub(crate) async fn list<T: Row>(
        &self,
        target: Target,
        list: ListOf,
    ) -> Result<Listing<T>, ManagementError> {
        self.transport().list(target, &list, &self.shared.unsortable).await
    }

    /// A list that older releases do not have: none, then. A token endpoint that is not there is another matter.
    pub(crate) async fn list_if_any<T: Row>(
        &self,
        target: Target,
        list: ListOf,
    ) -> Result<Vec<T>, ManagementError> {
        let request = self.transport().line(target, Verb::Get, &list.path);
        match self.list(target, list).await {
            Ok(listing) => Ok(listing.rows),
            Err(ManagementError { problem: Problem::NotFound(_), request: failed, .. })
                if failed == request =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// Where an operation that is not about the whole platform goes: to the Management Node that last answered as
    /// the primary one. Where there was none yet, the addresses are asked.
    pub(crate) async fn target(&self) -> Result<Target, ManagementError> {
        let deadline = self.transport().deadline();
        let address = match self.shared.learned.settled() {
            Some(address) => address,
            None if self.transport().addresses().len() == 1 => 0,
            None => self.find_primary(deadline, None).await?.0,
        };
        Ok(Target { address, deadline, others: false })
    }

    /// Forgets the address of an operation that got no answer, so that the next one looks for the primary again.
    pub(crate) fn observe<T>(&self, result: Result<T, ManagementError>) -> Result<T, ManagementError> {
        if result.as_ref().is_err_and(ManagementError::is_the_addresses) {
            self.shared.learned.settle(None);
        }
        result
    }

    /// Asks the addresses in turn, the last good one first, until one answers as the primary Management Node; with a
    /// scope, reads the platform there.
    async fn find_primary(
        &self,
        deadline: Instant,
        scope: Option<PlatformScope>,
    ) -> Result<(usize, Option<Platform>), ManagementError> {
        let learned = &self.shared.learned;
        let mut waiting: VecDeque<usize> = (0..self.transport().addresses().len()).collect();
        if let Some(settled) = learned.settled() {
            bring_forward(&mut waiting, settled);
        }
        let mut failures: Vec<ManagementError> = Vec::new();
        while let Some(address) = waiting.pop_front() {
            let target = Target { address, deadline, others: !waiting.is_empty() };
            match self.read_at(target, scope).await {
                Ok((platform, PrimaryCheck::Primary | PrimaryCheck::Ask { .. })) => {
                    learned.settle(Some(address));
                    return Ok((address, platform));
                }
                Ok((_, PrimaryCheck::Standby { primary, at })) => {
                    let shown = self.transport().addresses().get(address).map(ToString::to_string);
                    let problem = Problem::NotPrimary(primary);
                    failures.push(ManagementError::new(shown.unwrap_or_default(), problem));
                    if let Some(at) = at {
                        bring_forward(&mut waiting, at);
                    }
                }
                Err(error) if error.is_the_addresses() => {
                    if target.others {
                        tracing::warn!(problem = %error, "a Management Node does not answer, the next address is asked");
                    }
                    failures.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        learned.settle(None);
        let mut failures = failures.into_iter();
        let mut first = failures.next().unwrap_or_else(|| {
            ManagementError::new("GET", Problem::Unreachable("there is no address to ask".to_owned()))
        });
        first.elsewhere = failures.map(|failure| failure.to_string()).collect();
        Err(first)
    }

    /// Reads one Management Node and judges what it is.
    async fn read_at(
        &self,
        target: Target,
        scope: Option<PlatformScope>,
    ) -> Result<(Option<Platform>, PrimaryCheck), ManagementError> {
        let (platform, rows) = match scope {
            Some(scope) => {
                let rows = self.read_rows(target, scope).await?;
                let management = rows.management.clone();
                let platform = rows.join().map_err(|what| self.malformed(target, &what))?;
                (Some(platform), management)
            }
            None => (None, self.management_rows(target).await?),
        };
        let check = match judge(&rows, self.transport().addresses().len()) {
            PrimaryCheck::Ask { primary } => self.ask(target, &primary).await?,
            clear => clear,
        };
        Ok((platform, check))
    }

    /// Reads the addresses of the Management Nodes, once for each primary one that turns up. An account that may not
    /// see them, or a release without them, leaves the question open.
    async fn ask(&self, target: Target, primary: &PrimaryNode) -> Result<PrimaryCheck, ManagementError> {
        let learned = &self.shared.learned;
        if let Some(check) = learned.judge(primary, target.address) {
            return Ok(check);
        }
        let rows = match self.list(target, resources::management_vm_configuration()).await {
            Ok(listing) => listing.rows,
            Err(ManagementError {
                problem: Problem::NotFound(_) | Problem::Forbidden(_) | Problem::Unauthorized { .. },
                ..
            }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let whereabouts = Whereabouts::read(&rows, self.transport().addresses());
        let check = whereabouts.judge(primary, target.address);
        learned.learn(primary, whereabouts);
        Ok(check)
    }

    async fn management_rows(&self, target: Target) -> Result<Vec<ManagementVmStatus>, ManagementError> {
        self.list_if_any(target, resources::management_vm_status()).await
    }

    /// Five lists, one more with shards; the first to fail ends the reading.
    async fn read_rows(&self, target: Target, scope: PlatformScope) -> Result<PlatformRows, ManagementError> {
        let global_path = ApiPath::detail(Family::Configuration, "global", 1);
        let global = self.transport().send(target, Call::get(&global_path, ""), read_json::<GlobalSettings>);
        let (management, nodes, global, locations) = tokio::try_join!(
            self.management_rows(target),
            self.read_node_rows(target, scope),
            global,
            self.list(target, resources::system_location()),
        )?;
        let address = self.transport().addresses().get(target.address).map(ToString::to_string);
        Ok(PlatformRows {
            address: address.unwrap_or_default(),
            global,
            management,
            locations: locations.rows,
            nodes,
        })
    }

    /// Two lists, one more with shards.
    async fn read_node_rows(
        &self,
        target: Target,
        scope: PlatformScope,
    ) -> Result<NodeRows, ManagementError> {
        let shards = async {
            if !scope.shards {
                return Ok(None);
            }
            self.list(target, resources::conference_shard()).await.map(|listing| Some(listing.rows))
        };
        let (status, configuration, shards) = tokio::try_join!(
            self.list(target, resources::worker_vm_status()),
            self.list(target, resources::worker_vm_configuration()),
            shards,
        )?;
        let server_time = status.server_time.ok_or_else(|| {
            self.malformed(
                target,
                "an answer without a Date header: how old the nodes' reports are cannot be told",
            )
        })?;
        Ok(NodeRows { server_time, configuration: configuration.rows, status: status.rows, shards })
    }

    fn malformed(&self, target: Target, what: &str) -> ManagementError {
        let address = self.transport().addresses().get(target.address).map(ToString::to_string);
        ManagementError::new(address.unwrap_or_default(), Problem::Malformed(what.to_owned()))
    }

    async fn activity(&self, node: Ipv4Addr) -> Result<NodeActivity, ManagementError> {
        let target = self.target().await?;
        let (shards, participants, backplanes) = tokio::try_join!(
            self.list::<ConferenceShard>(target, resources::conference_shard()),
            self.list::<Participant>(target, resources::participant()),
            self.list::<Backplane>(target, resources::backplane()),
        )?;
        Ok(count_activity(node, &shards.rows, &participants.rows, &backplanes.rows))
    }

    /// Sets fields of one node. Any success will do: 202 is usual, 200 and 204 occur, and the body means nothing.
    pub(crate) async fn patch_node(
        &self,
        node: NodeId,
        fields: serde_json::Value,
    ) -> Result<(), ManagementError> {
        let target = self.target().await?;
        let path = ApiPath::detail(Family::Configuration, "worker_vm", node.0);
        let body = fields.to_string();
        let call = Call { verb: Verb::Patch, path: &path, query: "", body: Some(&body) };
        self.transport().send(target, call, |_| Ok(())).await
    }
}

fn bring_forward(waiting: &mut VecDeque<usize>, address: usize) {
    if let Some(position) = waiting.iter().position(|waiting| *waiting == address)
        && let Some(address) = waiting.remove(position)
    {
        waiting.push_front(address);
    }
}

impl ManagementRead for HttpManagement {
    async fn read_platform(&self, scope: PlatformScope) -> Result<Platform, Fault> {
        let deadline = self.transport().deadline();
        match self.find_primary(deadline, Some(scope)).await? {
            (_, Some(platform)) => Ok(platform),
            (address, None) => {
                let target = Target { address, deadline, others: false };
                Err(self.malformed(target, "the platform was not read").into())
            }
        }
    }

    async fn read_activity(&self, node: Ipv4Addr) -> Result<NodeActivity, Fault> {
        Ok(self.observe(self.activity(node).await)?)
    }
}

impl PlatformRefresh for HttpManagement {
    async fn refresh_platform(&self, known: &KnownPlatform, scope: PlatformScope) -> Result<Platform, Fault> {
        let transport = self.transport();
        let at = transport.addresses().iter().position(|address| address.to_string() == known.address);
        let Some(address) = at else {
            return self.read_platform(scope).await;
        };
        let target = Target { address, deadline: transport.deadline(), others: false };
        match self.read_node_rows(target, scope).await {
            Ok(rows) => {
                self.shared.learned.settle(Some(address));
                Ok(rows.join(known.clone()))
            }
            Err(error) if error.is_the_addresses() && transport.addresses().len() > 1 => {
                self.read_platform(scope).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl ManagementWrite for HttpManagement {
    /// The reason goes with the mode and is cut at 250 characters. Clearing the mode clears the reason too, whatever
    /// is given: a reason of ours left behind would make the next maintenance, a person's, look like ours.
    async fn set_maintenance(&self, node: NodeId, on: bool, reason: &str) -> Result<(), Fault> {
        let reason: String = if on { reason.chars().take(LONGEST_REASON).collect() } else { String::new() };
        let fields = json!({"maintenance_mode": on, "maintenance_mode_reason": reason});
        Ok(self.observe(self.patch_node(node, fields).await)?)
    }

    async fn set_static_nat(&self, node: NodeId, address: Option<Ipv4Addr>) -> Result<(), Fault> {
        self.shared.pace.wait().await;
        let fields = json!({"static_nat_address": address.map(|address| address.to_string())});
        Ok(self.observe(self.patch_node(node, fields).await)?)
    }
}
