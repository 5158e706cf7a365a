//! One pass per invocation, over the clients of a warm function.

use std::time::Duration;

use anyhow::Result;
use spillway_core::cycle::Ports;
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::InstanceId;
use spillway_core::outcome::Outcome;
use spillway_core::reconcile::{Reconcile, ReconcileReport};
use spillway_function::{Environment, Function};

/// The function, warm.
pub(crate) struct Reconciler {
    function: Function,
}

impl Reconciler {
    pub(crate) async fn start(environment: Environment) -> Result<Self> {
        // The queue runs two of these at once, and two requests at once are all that the Management Node should be given.
        Ok(Self { function: Function::start(environment).await?.with_requests_in_flight(1) })
    }

    pub(crate) fn function(&self) -> &Function {
        &self.function
    }

    /// One pass, over some instances or over everything; a second one with settings read anew where the Management Node
    /// refused the credentials.
    ///
    /// # Errors
    /// There are no settings to run it with. Nothing was touched.
    pub(crate) async fn reconcile(&self, instances: Option<&[InstanceId]>) -> Result<ReconcileReport, Fault> {
        let deadline = self.function.deadline();
        let report = self.pass(instances, deadline).await?;
        if !credentials_refused(&report) {
            return Ok(report);
        }
        self.function.forget_settings().await;
        self.pass(instances, deadline).await
    }

    /// One pass. The deadline is the invocation's, also of its second one.
    async fn pass(
        &self,
        instances: Option<&[InstanceId]>,
        deadline: Duration,
    ) -> Result<ReconcileReport, Fault> {
        let clients = self.function.clients().await?;
        let ports = Ports {
            fleet: &clients.fleet,
            management: &clients.management,
            ledger: &clients.ledger,
            clock: self.function.clock().as_ref(),
        };
        let pass = Reconcile { ports, policy: &clients.settings.policy, deadline };
        // The largest future by far: on the heap it is moved once.
        Ok(match instances {
            None => Box::pin(pass.sweep()).await,
            Some(ids) => Box::pin(pass.instances(ids)).await,
        })
    }
}

fn credentials_refused(report: &ReconcileReport) -> bool {
    report.outcome == Outcome::Outage
        && report
            .faults
            .iter()
            .any(|fault| (fault.system, fault.kind) == (System::ManagementNode, FaultKind::Unauthorized))
}
