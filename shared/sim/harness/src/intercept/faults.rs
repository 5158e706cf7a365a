//! The n-th call of a cycle fails. A test counts a clean cycle's calls, then sweeps n over them. One counter may be shared
//! by all ports of a cycle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spillway_core::fault::{Fault, FaultKind, System};

use super::{Call, Interceptor};

/// Where a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// Before the effect: it does not happen.
    Before,
    /// After the effect: it happened, and the caller is told it failed.
    After,
}

/// Counts calls, and fails one of them or all.
#[derive(Debug, Clone)]
pub struct CallFaults {
    calls: Arc<AtomicU64>,
    /// The call that fails, from 1; 0 for none.
    nth: u64,
    /// Only calls to this system are counted; `None` for all.
    only: Option<System>,
    strike: Strike,
    kind: FaultKind,
}

impl CallFaults {
    /// Counts, and fails nothing.
    pub fn none() -> Self {
        Self::nth(0, Strike::Before)
    }

    /// The n-th call fails, from 1.
    pub fn nth(nth: u64, strike: Strike) -> Self {
        Self { calls: Arc::default(), nth, only: None, strike, kind: FaultKind::Timeout }
    }

    /// Another kind of fault than a timeout.
    #[must_use]
    pub fn of(mut self, kind: FaultKind) -> Self {
        self.kind = kind;
        self
    }

    /// Only calls to one system count.
    #[must_use]
    pub fn only(mut self, system: System) -> Self {
        self.only = Some(system);
        self
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Whether a call has failed.
    pub fn struck(&self) -> bool {
        self.nth > 0 && self.calls() >= self.nth
    }

    fn fault(&self, system: System) -> Fault {
        Fault::new(system, self.kind, format!("injected fault at call {}", self.nth))
    }

    fn counts(&self, system: System) -> bool {
        self.only.is_none_or(|only| only == system)
    }
}

impl Interceptor for CallFaults {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        let system = call.system();
        if !self.counts(system) {
            return Ok(());
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call == self.nth && self.strike == Strike::Before { Err(self.fault(system)) } else { Ok(()) }
    }

    async fn after(&self, call: &Call<'_>, _: bool) -> Result<(), Fault> {
        let system = call.system();
        let strikes = self.counts(system) && self.strike == Strike::After && self.calls() == self.nth;
        if strikes { Err(self.fault(system)) } else { Ok(()) }
    }
}
