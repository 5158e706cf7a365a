//! A process that dies: the n-th await point of a cycle never returns. A test counts the points of a clean cycle, then
//! sweeps n over them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spillway_core::fault::Fault;

use super::{Call, Interceptor};

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

impl Interceptor for Death {
    async fn before(&self, _: &Call<'_>) -> Result<(), Fault> {
        self.pass().await;
        Ok(())
    }

    async fn after(&self, _: &Call<'_>, _: bool) -> Result<(), Fault> {
        self.pass().await;
        Ok(())
    }
}

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
