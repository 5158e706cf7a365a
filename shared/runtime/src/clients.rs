//! The clients of one platform, as the settings describe it.

use std::sync::Arc;

use spillway_dynamodb::DynamoLedger;
use spillway_ec2::AwsFleet;
use spillway_engine::ports::Ports;
use spillway_pexip::{HttpManagement, SystemClock};
use spillway_ssm::PlatformSettings;

/// The systems as they are on AWS.
pub type AwsSystems = (AwsFleet, HttpManagement, DynamoLedger, SystemClock);

/// Ports over them.
pub type ClientPorts<'a> = Ports<'a, AwsSystems>;

/// The clients of one platform.
#[derive(Debug)]
pub struct Clients {
    /// The settings that they were made from.
    pub settings: Arc<PlatformSettings>,
    /// EC2.
    pub fleet: AwsFleet,
    /// The Management Node.
    pub management: HttpManagement,
    /// The ledger.
    pub ledger: DynamoLedger,
    /// The clock.
    pub clock: Arc<SystemClock>,
}

impl Clients {
    /// The clients as a cycle takes them.
    pub fn ports(&self) -> ClientPorts<'_> {
        Ports::of(&self.fleet, &self.management, &self.ledger, self.clock.as_ref())
    }
}
