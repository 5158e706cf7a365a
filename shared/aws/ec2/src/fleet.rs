//! The adapter: one EC2 client and one bucket per region of the policy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_ec2::Client;
use spillway_core::fault::{Fault, FaultKind, Refusal, System};
use spillway_core::ids::{AllocationId, InstanceId};
use spillway_core::observation::ElasticAddress;
use spillway_core::observation::{Fleet, Instance, InterfaceAddress, UnreadableRegion};
use spillway_engine::ports::{
    AddressRead, AddressWrite, FleetRead, FleetWrite, InstanceOrder, InstanceScope, OrderResults,
};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::addresses::{associate, describe_addresses};
use crate::batch::{Power, carry_out};
use crate::bucket::TokenBucket;
use crate::describe::{BY_ID, BY_PRIVATE_ADDRESS, Ownership, Wanted, describe};
use crate::power::RegionTransport;
use crate::refusal::not_attempted;

/// Which instances are the platform's, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetSettings {
    /// Value of the tag `pexip-cloud` (policy key `tag_value`).
    pub tag_value: String,
    /// Regions (policy key `regions`); empty: the configuration's own.
    pub regions: Vec<String>,
    /// VPC ids (policy key `vpcs`); empty: any.
    pub vpcs: Vec<String>,
    /// Another address than the regions' own: an EC2 of one's own. `None` leaves it to the SDK, which takes
    /// `AWS_ENDPOINT_URL_EC2` from the environment.
    pub endpoint: Option<String>,
    /// How long one round of starts or stops may take; what does not fit is left to the next cycle.
    pub time_for_orders: Duration,
}

impl FleetSettings {
    /// Of the 45 s of a function: enough for a thousand instances (20 requests, 7.5 s) and a search.
    pub const TIME_FOR_ORDERS: Duration = Duration::from_secs(12);
}

/// The platform's instances on EC2.
#[derive(Debug, Clone)]
pub struct AwsFleet {
    owned: Ownership,
    regions: BTreeMap<String, AwsRegion>,
    time_for_orders: Duration,
}

#[derive(Debug, Clone)]
struct AwsRegion {
    transport: RegionTransport,
    bucket: Arc<TokenBucket>,
}

impl AwsFleet {
    /// A fleet in the account of the configuration. Connects at the first call.
    ///
    /// # Errors
    /// A setting that no call could make good: no region, or one in China.
    pub fn connect(config: &SdkConfig, settings: FleetSettings) -> Result<Self, Fault> {
        let FleetSettings { tag_value, regions, vpcs, endpoint, time_for_orders } = settings;
        let home = config.region().map(|region| region.as_ref().to_owned());
        let regions = if regions.is_empty() { Vec::from_iter(home) } else { regions };
        if regions.is_empty() {
            return Err(setting("no AWS region is known", "set AWS_REGION, or `regions` in the policy"));
        }
        if let Some(region) = regions.iter().find(|region| region.starts_with("cn-")) {
            return Err(setting(
                &format!(
                    "region {region} is in China, and the guide says: We do not support AWS deployments in China"
                ),
                "remove it from `regions` in the policy",
            ));
        }
        let regions = regions.into_iter().map(|region| {
            let config = aws_sdk_ec2::config::Builder::from(config)
                .region(Region::new(region.clone()))
                .timeout_config(spillway_aws::patient_timeouts())
                .retry_config(spillway_aws::read_retries());
            let config = match &endpoint {
                Some(url) => config.endpoint_url(url),
                None => config,
            };
            let transport =
                RegionTransport { client: Client::from_conf(config.build()), region: region.clone() };
            (region, AwsRegion { transport, bucket: Arc::new(TokenBucket::full()) })
        });
        Ok(Self { owned: Ownership { tag_value, vpcs }, regions: regions.collect(), time_for_orders })
    }

    async fn order(&self, power: Power, orders: &[InstanceOrder]) -> OrderResults {
        let until = Instant::now() + self.time_for_orders;
        let mut by_region: BTreeMap<&str, Vec<InstanceOrder>> = BTreeMap::new();
        for order in orders {
            by_region.entry(&order.region).or_default().push(order.clone());
        }
        let mut results = OrderResults::new();
        // Each region has a rate of its own. Tasks of a dropped set are stopped with it.
        let mut rounds = JoinSet::new();
        let mut sent = Vec::new();
        for (name, orders) in by_region {
            let Some(AwsRegion { transport, bucket }) = self.regions.get(name).cloned() else {
                let refusal = not_attempted("UnknownRegion", format!("region {name} is not in the policy"));
                results.extend(orders.into_iter().map(|order| (order.instance, Err(refusal.clone()))));
                continue;
            };
            sent.extend(orders.iter().map(|order| order.instance.clone()));
            rounds.spawn(async move { carry_out(&transport, power, orders, &bucket, until).await });
        }
        while let Some(round) = rounds.join_next().await {
            results.extend(round.unwrap_or_default());
        }
        // A round that broke off has no answers: its instances were perhaps asked for, and the next cycle sees.
        let broken = not_attempted("Broken", "the round of requests broke off");
        for instance in sent {
            if !results.iter().any(|(id, _)| *id == instance) {
                results.push((instance, Err(broken.clone())));
            }
        }
        results
    }
}

fn setting(detail: &str, remedy: &str) -> Fault {
    Fault::new(System::Ec2, FaultKind::Setting, detail).with_remedy(remedy)
}

impl AwsFleet {
    /// The instances of all regions; one region that fails makes the reading fail.
    async fn describe_all(&self, wanted: &Wanted) -> Result<Vec<Instance>, Fault> {
        let (instances, unreadable) = self.describe_each(wanted).await;
        match unreadable.into_iter().next() {
            Some(UnreadableRegion { fault, .. }) => Err(fault),
            None => Ok(instances),
        }
    }

    /// The instances of the regions that can be read, and the others.
    async fn describe_each(&self, wanted: &Wanted) -> (Vec<Instance>, Vec<UnreadableRegion>) {
        let mut readings = JoinSet::new();
        for (name, region) in &self.regions {
            let (client, owned) = (region.transport.client.clone(), self.owned.clone());
            let (region, wanted) = (name.clone(), wanted.clone());
            readings.spawn(async move {
                let reading = describe(client, region.clone(), owned, wanted).await;
                (region, reading)
            });
        }
        let (mut instances, mut unreadable) = (Vec::new(), Vec::new());
        let mut missing: BTreeSet<String> = self.regions.keys().cloned().collect();
        while let Some(reading) = readings.join_next().await {
            let Ok((region, reading)) = reading else { continue };
            missing.remove(&region);
            match reading {
                Ok(found) => instances.extend(found),
                Err(fault) => unreadable.push(UnreadableRegion { region, fault }),
            }
        }
        let broken = || Fault::new(System::Ec2, FaultKind::Malformed, "the reading broke off");
        unreadable.extend(missing.into_iter().map(|region| UnreadableRegion { region, fault: broken() }));
        instances.sort_by(|a, b| a.id.cmp(&b.id));
        unreadable.sort_by(|a, b| a.region.cmp(&b.region));
        (instances, unreadable)
    }
}

impl FleetRead for AwsFleet {
    async fn read_fleet(&self) -> Result<Fleet, Fault> {
        let (instances, mut unreadable) = self.describe_each(&Wanted::FLEET).await;
        if unreadable.len() == self.regions.len() && !unreadable.is_empty() {
            return Err(unreadable.swap_remove(0).fault);
        }
        Ok(Fleet { instances, unreadable })
    }
}

impl FleetWrite for AwsFleet {
    async fn start_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        self.order(Power::Start, orders).await
    }

    async fn stop_instances(&self, orders: &[InstanceOrder]) -> OrderResults {
        self.order(Power::Stop, orders).await
    }
}

impl AddressRead for AwsFleet {
    async fn read_instances(
        &self,
        scope: InstanceScope<'_>,
        always_on: bool,
    ) -> Result<Vec<Instance>, Fault> {
        let texts = |values: Vec<String>, name| (!values.is_empty()).then_some((name, values));
        let only = match scope {
            InstanceScope::All => None,
            InstanceScope::Ids(ids) => texts(ids.iter().map(ToString::to_string).collect(), BY_ID),
            InstanceScope::PrivateAddresses(addresses) => {
                texts(addresses.iter().map(ToString::to_string).collect(), BY_PRIVATE_ADDRESS)
            }
        };
        if only.is_none() && scope != InstanceScope::All {
            return Ok(Vec::new());
        }
        self.describe_all(&Wanted { only, always_on }).await
    }

    async fn read_addresses(
        &self,
        region: &str,
        allocations: &[AllocationId],
    ) -> Result<Vec<ElasticAddress>, Fault> {
        match self.regions.get(region) {
            Some(AwsRegion { transport, .. }) => {
                describe_addresses(&transport.client, region, allocations).await
            }
            None => Ok(Vec::new()),
        }
    }
}

impl AddressWrite for AwsFleet {
    async fn associate_address(
        &self,
        region: &str,
        instance: &InstanceId,
        at: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> Result<(), Refusal> {
        match self.regions.get(region) {
            Some(AwsRegion { transport, .. }) => associate(transport, instance, at, allocation).await,
            None => Err(not_attempted("UnknownRegion", format!("region {region} is not in the policy"))),
        }
    }
}
