//! Whether a run met a Management Node that refused the credentials. Somebody may have changed them since the settings
//! were read, so the function reads them again and runs once more.

use spillway_core::fault::{FaultKind, System};
use spillway_core::outcome::{CycleReport, Outcome};
use spillway_core::prewarm::{PrewarmEnd, Prewarmed};
use spillway_core::reconcile::ReconcileReport;
use spillway_core::report::Suspension;

/// What a run gives back, as far as the credentials are concerned.
pub trait CredentialsCheck {
    /// Whether nothing was done because the Management Node refused the credentials.
    fn credentials_refused(&self) -> bool;
}

impl CredentialsCheck for CycleReport {
    fn credentials_refused(&self) -> bool {
        matches!(
            self.suspension(),
            Some(Suspension::PlatformUnreadable { kind: FaultKind::Unauthorized, .. })
        )
    }
}

impl CredentialsCheck for Prewarmed {
    fn credentials_refused(&self) -> bool {
        matches!(&self.end, PrewarmEnd::Held(held) if held.cycle.credentials_refused())
    }
}

impl CredentialsCheck for ReconcileReport {
    fn credentials_refused(&self) -> bool {
        let refused = (System::ManagementNode, FaultKind::Unauthorized);
        self.outcome == Outcome::Outage
            && self.faults.iter().any(|fault| (fault.system, fault.kind) == refused)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use spillway_core::fault::Fault;
    use spillway_core::plan::Plan;
    use spillway_core::reconcile::AddressPlan;

    use super::*;

    #[test]
    fn only_refused_credentials_are_worth_a_second_run() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let cycle = |kind| {
            let mut plan = Plan::empty(at);
            let (detail, remedy) = ("said no".to_owned(), String::new());
            plan.report.suspension = Some(Suspension::PlatformUnreadable { kind, detail, remedy });
            let (results, violations, faults) = (Vec::new(), Vec::new(), Vec::new());
            let (outcome, took) = (Outcome::Outage, jiff::SignedDuration::ZERO);
            CycleReport { outcome, began_at: at, took, last_good: None, plan, results, violations, faults }
        };
        assert!(cycle(FaultKind::Unauthorized).credentials_refused());
        assert!(!cycle(FaultKind::Timeout).credentials_refused());
        let pass = |system, outcome| ReconcileReport {
            outcome,
            sweep: true,
            began_at: at,
            took: jiff::SignedDuration::ZERO,
            plan: AddressPlan::empty(at),
            results: Vec::new(),
            faults: vec![Fault::new(system, FaultKind::Unauthorized, "401")],
            again: BTreeSet::new(),
            early: BTreeSet::new(),
        };
        assert!(pass(System::ManagementNode, Outcome::Outage).credentials_refused());
        assert!(!pass(System::Ec2, Outcome::Outage).credentials_refused(), "not what the settings hold");
        assert!(!pass(System::ManagementNode, Outcome::Acted).credentials_refused(), "it was reached");
    }
}
