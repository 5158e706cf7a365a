//! Faults by wrapper: the n-th call of a cycle fails, or the n-th await point never returns. A test counts a clean
//! cycle's calls, then sweeps n over them. One counter may be shared by all ports of a cycle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spillway_core::fault::{Fault, FaultKind, System};

use super::gate::{Gate, Gated};

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

    fn fault(&self, system: System) -> Fault {
        Fault::new(system, self.kind, format!("injected fault at call {}", self.nth))
    }

    fn counts(&self, system: System) -> bool {
        self.only.is_none_or(|only| only == system)
    }
}

impl Gate for CallFaults {
    async fn enter(&self, system: System) -> Result<(), Fault> {
        if !self.counts(system) {
            return Ok(());
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call == self.nth && self.strike == Strike::Before { Err(self.fault(system)) } else { Ok(()) }
    }

    async fn leave(&self, system: System) -> Result<(), Fault> {
        let strikes = self.counts(system) && self.strike == Strike::After && self.calls() == self.nth;
        if strikes { Err(self.fault(system)) } else { Ok(()) }
    }
}

/// A port whose n-th call fails.
pub type Faulty<P> = Gated<P, CallFaults>;

/// Counts await points (two for each call) and never returns from one of them.
#[derive(Debug, Clone)]
pub struct Death {
    points: Arc<AtomicU64>,
    /// The point that never returns, from 1; 0 for none.
    at: u64,
}

impl Death {
    /// Nobody dies; points are counted.
    pub fn never() -> Self {
        Self::at(0)
    }

    /// The n-th await point never returns, from 1.
    pub fn at(point: u64) -> Self {
        Self { points: Arc::default(), at: point }
    }

    /// Await points reached so far.
    pub fn points(&self) -> u64 {
        self.points.load(Ordering::SeqCst)
    }

    /// Whether the fatal point was reached: whoever drives the future should drop it now.
    pub fn struck(&self) -> bool {
        self.at > 0 && self.points() >= self.at
    }

    async fn pass(&self) {
        let point = self.points.fetch_add(1, Ordering::SeqCst) + 1;
        if point == self.at {
            std::future::pending::<()>().await;
        }
    }
}

impl Gate for Death {
    async fn enter(&self, _: System) -> Result<(), Fault> {
        self.pass().await;
        Ok(())
    }

    async fn leave(&self, _: System) -> Result<(), Fault> {
        self.pass().await;
        Ok(())
    }
}

/// A port whose n-th await point never returns.
pub type Dying<P> = Gated<P, Death>;

/// Drives a future until it is done or the fatal point is reached, and drops it there: `None` then.
pub async fn until_death<F: Future>(death: &Death, cycle: F) -> Option<F::Output> {
    let mut cycle = Box::pin(cycle);
    std::future::poll_fn(|context| match cycle.as_mut().poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending if death.struck() => std::task::Poll::Ready(None),
        std::task::Poll::Pending => std::task::Poll::Pending,
    })
    .await
}
