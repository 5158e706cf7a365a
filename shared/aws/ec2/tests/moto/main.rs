//! The adapter against an EC2 that nobody here wrote: moto's server, at `SPILLWAY_MOTO_ENDPOINT`. One binary for all of it,
//! because each one links the EC2 SDK. Where there is no server, every test says so and passes.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on says where"
)]

mod addresses;
mod fleet;
mod operator;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};

/// One of those that every moto comes with.
const IMAGE: &str = "ami-12c6146b";
const REGION: &str = "eu-west-1";

fn moto() -> Option<String> {
    let endpoint = std::env::var("SPILLWAY_MOTO_ENDPOINT").ok().filter(|url| !url.is_empty());
    if endpoint.is_none() {
        println!("skipped: SPILLWAY_MOTO_ENDPOINT is not set");
    }
    endpoint
}

fn config() -> SdkConfig {
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn client(endpoint: &str) -> Client {
    Client::from_conf(aws_sdk_ec2::config::Builder::from(&config()).endpoint_url(endpoint).build())
}
