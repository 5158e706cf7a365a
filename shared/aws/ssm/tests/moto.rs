//! Settings from a Parameter Store that nobody here wrote: moto's server, at `SPILLWAY_MOTO_ENDPOINT`. Says so and
//! passes where there is none.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_ssm::types::ParameterType;
use spillway_engine::ports::Clock;
use spillway_ssm::{SettingsError, SettingsSource, SsmSettings};

struct Still;

impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn config() -> SdkConfig {
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

#[tokio::test]
async fn parameters_are_read_and_the_missing_one_is_named() {
    let Some(endpoint) = std::env::var("SPILLWAY_MOTO_ENDPOINT").ok().filter(|url| !url.is_empty()) else {
        println!("skipped: SPILLWAY_MOTO_ENDPOINT is not set");
        return;
    };
    let client =
        Client::from_conf(aws_sdk_ssm::config::Builder::from(&config()).endpoint_url(&endpoint).build());
    let platform = format!("moto-{}", std::process::id());
    let put = async |parameter: &str, kind: ParameterType, value: &str| {
        let name = format!("/spillway/{platform}/{parameter}");
        client.put_parameter().name(name).r#type(kind).value(value).overwrite(true).send().await.unwrap();
    };
    let source = SettingsSource { platform: platform.clone(), endpoint: Some(endpoint.clone()) };
    let settings = SsmSettings::connect(&config(), source, Arc::new(Still)).unwrap();

    put("policy", ParameterType::String, r#"{"tag_value":"mgr.example.com"}"#).await;
    put(
        "management",
        ParameterType::String,
        r#"{"addresses":["https://mgr.example.com"],"authentication":"basic"}"#,
    )
    .await;
    let missing = settings.read().await.unwrap_err();
    let expected = format!("/spillway/{platform}/credentials");
    assert!(matches!(&missing, SettingsError::Missing { name, .. } if *name == expected), "{missing}");

    put("credentials", ParameterType::SecureString, r#"{"username":"spillway","password":"s3cret"}"#).await;
    let read = settings.read().await.unwrap();
    assert_eq!(read.policy.tag_value, "mgr.example.com");
    assert_eq!(read.management.addresses().len(), 1);
    assert!(!format!("{read:?}").contains("s3cret"));
}
