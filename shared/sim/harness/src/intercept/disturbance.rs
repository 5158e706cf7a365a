//! What happens to one cycle from outside: a call fails, the process dies or is killed, the Management Node answers slowly or does
//! not say what is so. Beside it is counted what the cycle asks for.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use spillway_core::fault::Fault;
use spillway_core::ids::InstanceId;
use spillway_world::{SharedWorld, later, lock};

use super::{Answer, Call, CallFaults, Death, Interceptor};

/// Changes answers on their way back, and may look at the world for it.
pub type Tamper = Arc<dyn Fn(&mut Answer<'_>, &SharedWorld) + Send + Sync>;

/// A function that runs for longer is killed (design: 45 s).
const KILLED_AFTER: SignedDuration = SignedDuration::from_secs(45);

/// Time passes in steps of this while a reply is waited for.
const STEP: SignedDuration = SignedDuration::from_millis(200);

/// What cycles asked for, and which starts and stops were refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    /// Readings of the whole platform: five requests, or six.
    pub platforms: u32,
    /// Readings of what runs on one node: three requests each.
    pub activities: u32,
    /// Changes of nodes.
    pub changes: u32,
    /// Other requests to the Management Node.
    pub others: u32,
    /// Describes.
    pub describes: u32,
    /// Orders to EC2.
    pub orders: u32,
    /// Readings of the ledger.
    pub ledger_reads: u32,
    /// Writes to the ledger.
    pub ledger_writes: u32,
    /// Instances whose start or stop was refused, as far as the cycle was told.
    pub refused: BTreeSet<InstanceId>,
}

/// What happens to one cycle. Clones share what was counted.
#[derive(Clone)]
pub struct Disturbance {
    world: SharedWorld,
    death: Death,
    faults: CallFaults,
    reply: Duration,
    takes_turns: bool,
    killed_at: Timestamp,
    tamper: Option<Tamper>,
    requests: Arc<Mutex<Requests>>,
}

impl Disturbance {
    /// Nothing happens, beginning now.
    pub fn none(world: &SharedWorld) -> Self {
        Self {
            killed_at: later(lock(world).now(), KILLED_AFTER),
            world: Arc::clone(world),
            death: Death::never(),
            faults: CallFaults::none(),
            reply: Duration::ZERO,
            takes_turns: false,
            tamper: None,
            requests: Arc::default(),
        }
    }

    /// The cycle dies.
    #[must_use]
    pub fn dies(mut self, death: Death) -> Self {
        self.death = death;
        self
    }

    /// Calls fail.
    #[must_use]
    pub fn fails(mut self, faults: CallFaults) -> Self {
        self.faults = faults;
        self
    }

    /// Each request to the Management Node takes this long; two run at a time.
    #[must_use]
    pub fn answers_after(mut self, reply: Duration) -> Self {
        self.reply = reply;
        self
    }

    /// Answers are changed.
    #[must_use]
    pub fn tampered(mut self, tamper: Option<Tamper>) -> Self {
        self.tamper = tamper;
        self
    }

    /// Others may run before and after each call.
    #[must_use]
    pub fn takes_turns(mut self) -> Self {
        self.takes_turns = true;
        self
    }

    /// What was asked for.
    pub fn requests(&self) -> Requests {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a call failed, or the cycle died.
    pub fn struck(&self) -> bool {
        self.death.struck() || self.faults.struck()
    }

    /// Whether the cycle's time is over.
    pub fn killed(&self) -> bool {
        lock(&self.world).now() >= self.killed_at
    }

    /// Drives a cycle to its end; `None` if it died or was killed.
    pub async fn drive<F: Future>(&self, cycle: F) -> Option<F::Output> {
        let mut cycle = pin!(cycle);
        poll_fn(|context| match cycle.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.death.struck() || self.killed() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    fn count(&self, call: &Call<'_>) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = match call {
            Call::ReadPlatform => &mut requests.platforms,
            Call::ReadActivity(_) => &mut requests.activities,
            Call::SetMaintenance | Call::SetStaticNat => &mut requests.changes,
            Call::ReadFleet | Call::ReadInstances | Call::ReadAddresses => &mut requests.describes,
            Call::StartInstances(_) | Call::StopInstances(_) | Call::AssociateAddress { .. } => {
                &mut requests.orders
            }
            Call::ReadLedger | Call::ReadEvents | Call::ReadNat => &mut requests.ledger_reads,
            _ if call.system() == spillway_core::fault::System::Ledger => &mut requests.ledger_writes,
            _ => &mut requests.others,
        };
        *counter += 1;
    }

    /// Waits for the Management Node. Whoever gave the call a limit can give it up meanwhile.
    async fn wait(&self, call: &Call<'_>) {
        let requests = match call {
            Call::ReadPlatform | Call::ReadActivity(_) => 2,
            _ if call.system() == spillway_core::fault::System::ManagementNode => 1,
            _ => 0,
        };
        for _ in 0..(self.reply * requests).as_millis() / STEP.as_millis().unsigned_abs() {
            lock(&self.world).advance_by(STEP);
            turn().await;
        }
        if self.takes_turns {
            turn().await;
        }
    }
}

/// Gives others a turn.
async fn turn() {
    let mut given = false;
    poll_fn(|_| if std::mem::replace(&mut given, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

impl Interceptor for Disturbance {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        self.count(call);
        self.wait(call).await;
        self.death.before(call).await?;
        self.faults.before(call).await
    }

    async fn after(&self, call: &Call<'_>, done: bool) -> Result<(), Fault> {
        if self.takes_turns {
            turn().await;
        }
        self.death.after(call, done).await?;
        self.faults.after(call, done).await
    }

    fn answered(&self, mut answer: Answer<'_>) {
        if let Answer::Starts(results) | Answer::Stops(results) = &answer {
            let refused = results.iter().filter(|(_, result)| result.is_err()).map(|(id, _)| id.clone());
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).refused.extend(refused);
        }
        if let Some(tamper) = &self.tamper {
            tamper(&mut answer, &self.world);
        }
    }
}
