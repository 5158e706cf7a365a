//! One cycle per invocation. What is kept between invocations of a warm function, beside its clients: what was seen
//! of the lease.

use anyhow::Result;
use jiff::Timestamp;
use spillway_core::cycle::{Cycle, LeaseMemory, Ports};
use spillway_core::fault::{Fault, FaultKind};
use spillway_core::outcome::CycleReport;
use spillway_core::ports::Clock;
use spillway_core::report::Gate;
use spillway_function::{Environment, Function};
use tokio::sync::Mutex;

/// What became of an invocation.
pub(crate) enum Evaluated {
    /// A cycle ran.
    Ran(Box<CycleReport>),
    /// There are no settings to run it with. Nothing was touched.
    NoSettings {
        /// Why.
        fault: Fault,
        /// When.
        at: Timestamp,
    },
}

/// The function, warm.
pub(crate) struct Evaluator {
    function: Function,
    lease: Mutex<LeaseMemory>,
}

impl Evaluator {
    pub(crate) async fn start(environment: Environment) -> Result<Self> {
        Ok(Self { function: Function::start(environment).await?, lease: Mutex::default() })
    }

    pub(crate) fn platform(&self) -> &str {
        self.function.platform()
    }

    /// One cycle; a second one with settings read anew where the Management Node refused the credentials.
    pub(crate) async fn evaluate(&self, request: &str) -> Evaluated {
        // Lambda never runs two invocations in one process at once; the lock costs nothing.
        let mut lease = self.lease.lock().await;
        let clock = self.function.clock();
        let deadline = self.function.deadline();
        // Lambda gives a repeated event its old request id; an owner of the lease is one invocation.
        let owner = format!("{request}-{}", clock.now());
        let mut ran = self.cycle(&mut lease, &owner, deadline).await;
        if ran.as_ref().is_ok_and(credentials_refused) {
            self.function.forget_settings().await;
            ran = self.cycle(&mut lease, &format!("{owner}-again"), deadline).await;
        }
        match ran {
            Ok(report) => Evaluated::Ran(Box::new(report)),
            Err(fault) => Evaluated::NoSettings { fault, at: clock.now() },
        }
    }

    async fn cycle(
        &self,
        lease: &mut LeaseMemory,
        owner: &str,
        deadline: std::time::Duration,
    ) -> Result<CycleReport, Fault> {
        let clients = self.function.clients().await?;
        let ports = Ports {
            fleet: &clients.fleet,
            management: &clients.management,
            ledger: &clients.ledger,
            clock: self.function.clock().as_ref(),
        };
        let cycle = Cycle { ports, policy: &clients.settings.policy, owner: owner.to_owned(), deadline };
        // The largest future by far: on the heap it is moved once.
        Ok(Box::pin(cycle.run(lease)).await)
    }
}

fn credentials_refused(report: &CycleReport) -> bool {
    matches!(report.gate(), Some(Gate::PlatformUnreadable { kind: FaultKind::Unauthorized, .. }))
}
