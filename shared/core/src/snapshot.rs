//! What was read of a platform at one moment: the status is made of it, and the checks of `spillway doctor`.

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::observation::{Certificate, Licences, Observation};

/// Everything that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What a cycle reads.
    pub observation: Observation,
    /// What is remembered.
    pub ledger: Result<Ledger, Fault>,
    /// Port licences; `None` where the Management Node does not report them, or does not answer.
    pub licences: Result<Option<Licences>, Fault>,
    /// TLS certificates; none where the Management Node does not report them, or does not answer.
    pub certificates: Result<Vec<Certificate>, Fault>,
}
