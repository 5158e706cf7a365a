//! One firing of a window per invocation, with the clients of a warm function.

use anyhow::Result;
use spillway_core::cycle::{Cycle, LeaseMemory, Ports};
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::ports::Clock;
use spillway_core::prewarm::{PrewarmEnd, Prewarmed, Tick, run};
use spillway_core::report::Gate;
use spillway_function::{Environment, Function};
use tokio::sync::Mutex;

/// The function, warm.
pub(crate) struct Prewarmer {
    function: Function,
    lease: Mutex<LeaseMemory>,
}

impl Prewarmer {
    pub(crate) async fn start(environment: Environment) -> Result<Self> {
        Ok(Self { function: Function::start(environment).await?, lease: Mutex::default() })
    }

    pub(crate) fn platform(&self) -> &str {
        self.function.platform()
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.function.clock().now()
    }

    /// One firing; a second time with settings read anew where the Management Node refused the credentials: the hold is
    /// the same.
    pub(crate) async fn fire(&self, request: &str, tick: &Tick) -> Result<Prewarmed, Fault> {
        // Lambda never runs two invocations in one process at once; the lock costs nothing.
        let mut lease = self.lease.lock().await;
        let deadline = self.function.deadline();
        let owner = format!("{request}-{}", self.now());
        let fired = self.fire_once(&mut lease, tick, &owner, deadline).await?;
        if !credentials_refused(&fired) {
            return Ok(fired);
        }
        self.function.forget_settings().await;
        self.fire_once(&mut lease, tick, &format!("{owner}-again"), deadline).await
    }

    async fn fire_once(
        &self,
        lease: &mut LeaseMemory,
        tick: &Tick,
        owner: &str,
        deadline: std::time::Duration,
    ) -> Result<Prewarmed, Fault> {
        let clients = self.function.clients().await?;
        let ports = Ports {
            fleet: &clients.fleet,
            management: &clients.management,
            ledger: &clients.ledger,
            clock: self.function.clock().as_ref(),
        };
        let cycle = Cycle { ports, policy: &clients.settings.policy, owner: owner.to_owned(), deadline };
        // The largest future by far: on the heap it is moved once.
        Ok(Box::pin(run(&cycle, tick, lease)).await)
    }
}

fn credentials_refused(fired: &Prewarmed) -> bool {
    let PrewarmEnd::Held(held) = &fired.end else { return false };
    matches!(held.cycle.gate(), Some(Gate::PlatformUnreadable { kind: FaultKind::Unauthorized, .. }))
}
