//! What a script lets happen at the very moment when Spillway reads a node's activity. This is how a call arrives between
//! two steps of one cycle.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use spillway_core::fault::Fault;
use spillway_world::{SharedWorld, World, lock};

use super::{Call, Interceptor};

type Surprise = Box<dyn FnOnce(&mut World) + Send>;

struct Waiting {
    node: Ipv4Addr,
    /// Readings still to come before it happens.
    left: u32,
    /// After the reading instead of before it.
    after: bool,
    surprise: Surprise,
}

/// The surprises still to come. Clones share them.
#[derive(Clone)]
pub struct Surprises {
    world: SharedWorld,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

impl Surprises {
    /// None yet.
    pub(crate) fn new(world: SharedWorld) -> Self {
        Self { world, waiting: Arc::default() }
    }

    /// Lets something happen right before (or right after) the n-th reading of a node's activity from now.
    pub fn at_reading(
        &self,
        node: Ipv4Addr,
        nth: u32,
        after: bool,
        surprise: impl FnOnce(&mut World) + Send + 'static,
    ) {
        self.waiting().push(Waiting { node, left: nth, after, surprise: Box::new(surprise) });
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn happen(&self, node: Ipv4Addr, after: bool) {
        let mut waiting = self.waiting();
        for each in waiting.iter_mut().filter(|each| each.node == node && each.after == after) {
            each.left = each.left.saturating_sub(1);
        }
        let due: Vec<Waiting> = waiting
            .extract_if(.., |each| each.node == node && each.after == after && each.left == 0)
            .collect();
        drop(waiting);
        for each in due {
            (each.surprise)(&mut lock(&self.world));
        }
    }
}

impl Interceptor for Surprises {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        if let Call::ReadActivity(node) = call {
            self.happen(*node, false);
        }
        Ok(())
    }

    async fn after(&self, call: &Call<'_>, _: bool) -> Result<(), Fault> {
        if let Call::ReadActivity(node) = call {
            self.happen(*node, true);
        }
        Ok(())
    }
}
