//! `StartInstances` and `StopInstances` on the wire: one request, no retries.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use spillway_aws::{Call, code_of, fault_of, message_of};
use spillway_core::fault::System;
use spillway_core::ids::InstanceId;

use crate::batch::{Power, PowerTransport};
use crate::refusal::CallError;

/// One region's EC2.
#[derive(Debug, Clone)]
pub(crate) struct RegionTransport {
    pub(crate) client: Client,
    pub(crate) region: String,
}

impl PowerTransport for RegionTransport {
    async fn request(&self, power: Power, instances: Vec<InstanceId>) -> Result<(), CallError> {
        let ids = Some(instances.iter().map(|id| id.as_str().to_owned()).collect());
        // A lack of capacity is an HTTP 500, which the SDK takes for a passing failure; and a start that is sent
        // again after a timeout spends the request rate of the next.
        let once = aws_sdk_ec2::Config::builder().retry_config(RetryConfig::disabled());
        match power {
            Power::Start => {
                let request = self.client.start_instances().set_instance_ids(ids).customize();
                let result = request.config_override(once).send().await;
                result.map(|_| ()).map_err(|error| self.error("ec2:StartInstances", &error))
            }
            Power::Stop => {
                let request = self.client.stop_instances().set_instance_ids(ids).customize();
                let result = request.config_override(once).send().await;
                result.map(|_| ()).map_err(|error| self.error("ec2:StopInstances", &error))
            }
        }
    }
}

impl RegionTransport {
    pub(crate) fn error<E>(&self, action: &str, error: &SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if let (Some(code), Some(response)) = (code_of(error), error.raw_response()) {
            return CallError {
                code: code.to_owned(),
                message: message_of(error),
                status: response.status().as_u16(),
            };
        }
        // EC2 itself said nothing: a dead network, no credentials, a proxy's page.
        let resource = format!("region {}", self.region);
        let fault = fault_of(Call { system: System::Ec2, action, resource: &resource }, error);
        CallError { code: format!("{:?}", fault.kind), message: fault.detail, status: 0 }
    }
}
