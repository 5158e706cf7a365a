//! A server that records requests and answers them as told, in EC2's XML.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use spillway_core::ids::InstanceId;
use spillway_ec2::{AwsFleet, FleetSettings};
use spillway_engine::ports::InstanceOrder;

pub(crate) const SECRET: &str = "wJalrXUtnFEMI-secret";
pub(crate) const SESSION: &str = "session-token-secret";

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `Action=StartInstances&…`.
    pub(crate) body: String,
    /// The region it was signed for.
    pub(crate) region: String,
}

impl Seen {
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<_> = self
            .body
            .split('&')
            .filter_map(|field| {
                field.strip_prefix("InstanceId.")?.split_once('=').map(|(_, id)| id.to_owned())
            })
            .collect();
        ids.sort();
        ids
    }
}

pub(crate) struct FakeEc2 {
    pub(crate) endpoint: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl FakeEc2 {
    /// Serves; the answer may depend on the request and on how many came before it.
    pub(crate) async fn serve(
        answer: impl Fn(&Seen, usize) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let app = Router::new().fallback(move |headers: HeaderMap, body: String| {
            let region = headers["authorization"].to_str().unwrap().split('/').nth(2).unwrap().to_owned();
            let request = Seen { body, region };
            let mut log = log.lock().unwrap();
            let (status, text) = answer(&request, log.len());
            log.push(request);
            async move { (StatusCode::from_u16(status).unwrap(), text) }
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn fleet(&self) -> AwsFleet {
        AwsFleet::connect(&config(), settings(&self.endpoint)).unwrap()
    }
}

pub(crate) fn config() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIDEXAMPLE",
            SECRET,
            Some(SESSION.to_owned()),
            None,
            "test",
        )))
        .build()
}

pub(crate) fn settings(endpoint: &str) -> FleetSettings {
    FleetSettings {
        tag_value: "mgr.example.com".to_owned(),
        regions: Vec::new(),
        vpcs: Vec::new(),
        endpoint: Some(endpoint.to_owned()),
        time_for_orders: FleetSettings::TIME_FOR_ORDERS,
    }
}

pub(crate) fn orders(count: usize) -> Vec<InstanceOrder> {
    (0..count)
        .map(|n| InstanceOrder {
            instance: InstanceId::new(format!("i-{n:017x}")),
            region: "eu-west-1".to_owned(),
            zone: "eu-west-1a".to_owned(),
            instance_type: "c5.2xlarge".into(),
        })
        .collect()
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> (u16, String) {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{code}</Code>\
         <Message>{message}</Message></Error></Errors><RequestID>req-1</RequestID></Response>"
    );
    (status, text)
}

/// `StartInstances` or `StopInstances` went well.
pub(crate) fn accepted(request: &Seen) -> (u16, String) {
    let action = if request.body.contains("Action=StartInstances") { "Start" } else { "Stop" };
    let item = |id: &String| {
        format!("<item><instanceId>{id}</instanceId><currentState><name>pending</name></currentState></item>")
    };
    let items = request.ids().iter().map(item).collect::<Vec<_>>().concat();
    (
        200,
        format!(
            "<{action}InstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>\
             <instancesSet>{items}</instancesSet></{action}InstancesResponse>"
        ),
    )
}
