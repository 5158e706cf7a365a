//! Calls to outside systems take time, and the world goes on meanwhile: a caller can come in between the reading of
//! an idle node and the order to stop it. Without this every cycle would be instantaneous and the comparison too
//! kind to us. The times are guesses at what such calls take inside one region.

use jiff::SignedDuration;
use spillway_core::fault::{Fault, System};

use spillway_harness::intercept::{Call, Interceptor};
use spillway_world::{SharedWorld, lock};

/// Lets half of a call's time pass on its way out and half on its way back.
#[derive(Clone)]
pub(super) struct TravelTime {
    world: SharedWorld,
}

impl TravelTime {
    pub(super) fn new(world: SharedWorld) -> Self {
        Self { world }
    }

    fn pass(&self, system: System) {
        // The whole of a port's call: reading the platform is five lists, two at a time.
        let milliseconds = match system {
            System::ManagementNode => 600,
            System::Ec2 => 300,
            System::Ledger | System::Settings | System::Scheduler => 20,
        };
        lock(&self.world).advance_by(SignedDuration::from_millis(milliseconds / 2));
    }
}

impl Interceptor for TravelTime {
    async fn before(&self, call: &Call<'_>) -> Result<(), Fault> {
        self.pass(call.system());
        Ok(())
    }

    async fn after(&self, call: &Call<'_>, _: bool) -> Result<(), Fault> {
        self.pass(call.system());
        Ok(())
    }
}
