//! EC2 with an operator's own rights, for the command line: finds instances that do not carry the tag, tags and changes
//! them, gives them Elastic IPs, terminates one. The functions never make one of these, and their roles could not use
//! it. It stops nothing: a node is stopped by a drain, which is the cycle's.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_config::{Region, SdkConfig};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, DomainType, Filter, Instance as Described, LocationType,
    Reservation, ResourceType, Tag, TagSpecification,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use spillway_aws::{Call, code_of, fault_of};
use spillway_core::fault::{Fault, FaultKind, System};
use spillway_core::ids::{AllocationId, InstanceId, InstanceType};
use spillway_core::observation::{ElasticAddress, InstanceDetail};
use spillway_core::observation::{Instance, InstanceState, InterfaceAddress};
use spillway_engine::ports::OperatorFleet;

use crate::addresses::{association, elastic_from};
use crate::instance::instance_from;

/// EC2 for an operator.
#[derive(Debug, Clone)]
pub struct Operator {
    regions: BTreeMap<String, Client>,
    /// Empty: any.
    vpcs: Vec<String>,
}

impl Operator {
    /// In the account of the configuration; the policy's `regions` (empty: the configuration's own) and `vpcs`
    /// (empty: any) are where nodes are looked for. `endpoint` is for an EC2 of one's own.
    ///
    /// # Errors
    /// No region is known.
    pub fn connect(
        config: &SdkConfig,
        regions: &[String],
        vpcs: &[String],
        endpoint: Option<&str>,
    ) -> Result<Self, Fault> {
        let home = config.region().map(|region| region.as_ref().to_owned());
        let regions: Vec<String> =
            if regions.is_empty() { home.into_iter().collect() } else { regions.to_vec() };
        if regions.is_empty() {
            return Err(Fault::new(System::Ec2, FaultKind::Setting, "no AWS region is known")
                .with_remedy("set AWS_REGION, or `regions` in the policy"));
        }
        let clients = regions.into_iter().map(|region| {
            let config = aws_sdk_ec2::config::Builder::from(config)
                .region(Region::new(region.clone()))
                .timeout_config(spillway_aws::patient_timeouts())
                .retry_config(spillway_aws::read_retries());
            let config = match endpoint {
                Some(url) => config.endpoint_url(url),
                None => config,
            };
            (region, Client::from_conf(config.build()))
        });
        Ok(Self { regions: clients.collect(), vpcs: vpcs.to_vec() })
    }

    fn client(&self, region: &str) -> Result<&Client, Fault> {
        self.regions.get(region).ok_or_else(|| {
            Fault::new(System::Ec2, FaultKind::Setting, format!("region {region} is not one of the policy's"))
                .with_remedy("add it to `regions` in the policy")
        })
    }

    /// Every instance that a request finds in any region.
    async fn describe(
        &self,
        filters: Vec<Filter>,
        id: Option<&InstanceId>,
    ) -> Result<Vec<InstanceDetail>, Fault> {
        let mut found = Vec::new();
        for (region, client) in &self.regions {
            let mut next = None;
            loop {
                let mut request = client.describe_instances().set_next_token(next.take());
                if !filters.is_empty() {
                    request = request.set_filters(Some(filters.clone()));
                }
                if let Some(id) = id {
                    request = request.instance_ids(id.as_str());
                }
                let page = match request.send().await {
                    Ok(page) => page,
                    Err(error)
                        if code_of(&error).is_some_and(|code| code.starts_with("InvalidInstanceID")) =>
                    {
                        break;
                    }
                    Err(error) => {
                        return Err(fault("ec2:DescribeInstances", &format!("region {region}"), &error));
                    }
                };
                let rows = page.reservations().iter().flat_map(Reservation::instances);
                found.extend(rows.filter_map(|row| detail_from(region, row)));
                next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }
}

fn detail_from(region: &str, row: &Described) -> Option<InstanceDetail> {
    Some(InstanceDetail {
        instance: instance_from(region, row)?,
        ena: row.ena_support().unwrap_or(false),
        tenancy: row
            .placement()
            .and_then(|placement| placement.tenancy())
            .map_or_else(|| "default".to_owned(), |tenancy| tenancy.as_str().to_owned()),
    })
}

fn fault<E>(action: &str, resource: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let fault = fault_of(Call { system: System::Ec2, action, resource }, error);
    if fault.kind == FaultKind::Forbidden {
        // Not a role of the stack's: it is the person's own.
        return fault.with_remedy(format!("allow {action} on {resource} in the identity you run this with"));
    }
    fault
}

fn filter(name: &str, value: &str) -> Filter {
    Filter::builder().name(name).values(value).build()
}

impl OperatorFleet for Operator {
    async fn find_instances(&self, address: Ipv4Addr) -> Result<Vec<InstanceDetail>, Fault> {
        let mut filters = vec![filter("private-ip-address", &address.to_string())];
        if !self.vpcs.is_empty() {
            filters.push(Filter::builder().name("vpc-id").set_values(Some(self.vpcs.clone())).build());
        }
        let mut found = self.describe(filters, None).await?;
        // The filters are EC2's; what comes back is looked at again.
        found.retain(|each| {
            each.instance.has_private(address)
                && (self.vpcs.is_empty() || self.vpcs.contains(&each.instance.vpc))
                && !matches!(each.instance.state, InstanceState::Terminated | InstanceState::ShuttingDown)
        });
        Ok(found)
    }

    async fn read_instance(&self, id: &InstanceId) -> Result<Option<InstanceDetail>, Fault> {
        let found = self.describe(Vec::new(), Some(id)).await?;
        Ok(found.into_iter().find(|each| each.instance.id == *id))
    }

    async fn start_instance(&self, instance: &Instance) -> Result<(), Fault> {
        let request = self.client(&instance.region)?.start_instances().instance_ids(instance.id.as_str());
        let ended = request.send().await;
        ended.map(|_| ()).map_err(|error| fault("ec2:StartInstances", instance.id.as_str(), &error))
    }

    async fn set_tag(&self, instance: &Instance, key: &str, value: Option<&str>) -> Result<(), Fault> {
        let client = self.client(&instance.region)?;
        let id = instance.id.as_str();
        if let Some(value) = value {
            let tag = Tag::builder().key(key).value(value).build();
            let ended = client.create_tags().resources(id).tags(tag).send().await;
            ended.map(|_| ()).map_err(|error| fault("ec2:CreateTags", id, &error))
        } else {
            let tag = Tag::builder().key(key).build();
            let ended = client.delete_tags().resources(id).tags(tag).send().await;
            ended.map(|_| ()).map_err(|error| fault("ec2:DeleteTags", id, &error))
        }
    }

    async fn set_instance_type(&self, instance: &Instance, kind: &InstanceType) -> Result<(), Fault> {
        let value = AttributeValue::builder().value(kind.as_str()).build();
        let request = self.client(&instance.region)?.modify_instance_attribute();
        let ended = request.instance_id(instance.id.as_str()).instance_type(value).send().await;
        ended.map(|_| ()).map_err(|error| fault("ec2:ModifyInstanceAttribute", instance.id.as_str(), &error))
    }

    async fn is_offered(&self, instance: &Instance, kind: &InstanceType) -> Result<bool, Fault> {
        let zone = &instance.zone;
        let request = self.client(&instance.region)?.describe_instance_type_offerings();
        let answer = request
            .location_type(LocationType::AvailabilityZone)
            .filters(filter("location", zone))
            .filters(filter("instance-type", kind.as_str()))
            .send()
            .await
            .map_err(|error| {
                fault("ec2:DescribeInstanceTypeOfferings", &format!("{kind} in zone {zone}"), &error)
            })?;
        // The filter takes wildcards, and what comes back is looked at again.
        Ok(answer.instance_type_offerings().iter().any(|offering| {
            offering.instance_type().is_some_and(|offered| offered.as_str() == kind.as_str())
        }))
    }

    async fn enable_ena(&self, instance: &Instance) -> Result<(), Fault> {
        let value = AttributeBooleanValue::builder().value(true).build();
        let request = self.client(&instance.region)?.modify_instance_attribute();
        let ended = request.instance_id(instance.id.as_str()).ena_support(value).send().await;
        ended.map(|_| ()).map_err(|error| fault("ec2:ModifyInstanceAttribute", instance.id.as_str(), &error))
    }

    async fn terminate_instance(&self, instance: &Instance) -> Result<(), Fault> {
        let request = self.client(&instance.region)?.terminate_instances().instance_ids(instance.id.as_str());
        let ended = request.send().await;
        ended.map(|_| ()).map_err(|error| fault("ec2:TerminateInstances", instance.id.as_str(), &error))
    }

    async fn read_addresses(&self, instance: &Instance) -> Result<Vec<ElasticAddress>, Fault> {
        let region = &instance.region;
        let answer = self.client(region)?.describe_addresses().send().await;
        let answer =
            answer.map_err(|error| fault("ec2:DescribeAddresses", &format!("region {region}"), &error))?;
        Ok(answer.addresses().iter().filter_map(elastic_from).collect())
    }

    async fn allocate_address(
        &self,
        instance: &Instance,
        tags: &BTreeMap<String, String>,
    ) -> Result<AllocationId, Fault> {
        let region = &instance.region;
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let tags =
            TagSpecification::builder().resource_type(ResourceType::ElasticIp).set_tags(Some(tags)).build();
        // Sent once: each further try would be a further address, and each costs money.
        let once =
            aws_sdk_ec2::Config::builder().retry_config(aws_sdk_ec2::config::retry::RetryConfig::disabled());
        let request =
            self.client(region)?.allocate_address().domain(DomainType::Vpc).tag_specifications(tags);
        let answer = request.customize().config_override(once).send().await;
        let resource = format!("region {region}");
        let answer = answer.map_err(|error| fault("ec2:AllocateAddress", &resource, &error))?;
        answer.allocation_id().map(AllocationId::new).ok_or_else(|| {
            Fault::new(
                System::Ec2,
                FaultKind::Malformed,
                "ec2:AllocateAddress: an answer without an allocation id",
            )
        })
    }

    async fn tag_address(
        &self,
        instance: &Instance,
        allocation: &AllocationId,
        key: &str,
        value: &str,
    ) -> Result<(), Fault> {
        let tag = Tag::builder().key(key).value(value).build();
        let request = self.client(&instance.region)?.create_tags().resources(allocation.as_str());
        let ended = request.tags(tag).send().await;
        ended.map(|_| ()).map_err(|error| fault("ec2:CreateTags", allocation.as_str(), &error))
    }

    async fn associate_address(
        &self,
        instance: &Instance,
        at: Option<&InterfaceAddress>,
        allocation: &AllocationId,
    ) -> Result<(), Fault> {
        let request = association(self.client(&instance.region)?, &instance.id, at, allocation);
        let ended = request.send().await;
        ended.map(|_| ()).map_err(|error| fault("ec2:AssociateAddress", allocation.as_str(), &error))
    }
}
