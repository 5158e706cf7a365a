//! Windows in a Scheduler that nobody here wrote: moto's server, at `SPILLWAY_MOTO_ENDPOINT`. Says so and passes where
//! there is none.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, Target as AwsTarget};
use jiff::civil::date;
use spillway_core::fault::FaultKind;
use spillway_core::ledger::HoldAmount;
use spillway_scheduler::{AwsScheduler, SchedulerSettings};

use crate::common::{at, fires, window};

fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build()
}

async fn put(client: &Client, group: &str, name: &str, zone: &str, input: &str) {
    let off = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().unwrap();
    let target = AwsTarget::builder()
        .arn("arn:aws:lambda:eu-west-1:123456789012:function:f")
        .role_arn("arn:aws:iam::123456789012:role/r")
        .input(input)
        .build()
        .unwrap();
    client
        .create_schedule()
        .group_name(group)
        .name(name)
        .schedule_expression("cron(50 8 ? * MON-FRI *)")
        .schedule_expression_timezone(zone)
        .flexible_time_window(off)
        .target(target)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn windows_are_made_listed_changed_and_deleted_and_nothing_else_is_touched() {
    let Some(endpoint) = std::env::var("SPILLWAY_MOTO_ENDPOINT").ok().filter(|url| !url.is_empty()) else {
        println!("skipped: SPILLWAY_MOTO_ENDPOINT is not set");
        return;
    };
    let config = config(&endpoint);
    let client = Client::new(&config);
    let group = format!("spillway-{}", std::process::id());
    client.create_schedule_group().name(&group).send().await.unwrap();
    // The evaluator's schedule, one that is meant to be a window and is not, and one of two minds.
    put(&client, &group, "evaluator", "UTC", "{}").await;
    put(&client, &group, "wrong", "UTC", r#"{"window":"wrong","time_zone":"UTC","hold_minuts":5}"#).await;
    put(&client, &group, "torn", "UTC", r#"{"window":"torn","time_zone":"Europe/Oslo"}"#).await;
    let settings = SchedulerSettings { group: group.clone(), endpoint: Some(endpoint.clone()) };
    let scheduler = AwsScheduler::connect(&config, settings);

    let mut morning = window("Europe/Oslo", "cron(50 8 ? * MON-FRI *)");
    morning.description = "guide's example".to_owned();
    morning.ends_at = Some(at("2099-01-01T00:00:00Z"));
    scheduler.create(&morning).await.unwrap();
    let twice = scheduler.create(&morning).await.unwrap_err();
    assert!(twice.to_string().contains("scheduler:CreateSchedule"), "{twice}");
    for extra in morning.on_extra_date(date(2098, 12, 6)).unwrap() {
        scheduler.create(&extra).await.unwrap();
    }

    let found = scheduler.windows().await.unwrap();
    let names: Vec<_> = found.windows.iter().map(|window| window.name.as_str()).collect();
    assert_eq!(names, ["w", "w-extra-20981206-0850"]);
    let bad: Vec<_> = found.bad.iter().map(|bad| (bad.name.as_str(), bad.error.to_string())).collect();
    assert_eq!(bad.len(), 2, "the evaluator's schedule is no window");
    assert!(bad[0].0 == "torn" && bad[0].1.contains("must be the same"), "{bad:?}");
    assert!(bad[1].0 == "wrong" && bad[1].1.contains("unknown field `hold_minuts`"), "{bad:?}");
    let read = &found.windows[0];
    assert!(read.created_at.is_some());
    morning.created_at = read.created_at;
    assert_eq!(*read, morning, "as it was written");
    assert_eq!(fires(&found.windows[1], "2098-12-01T00:00Z", "2099-01-01T00:00Z"), ["2098-12-06T07:50Z"]);

    let mut changed = read.clone();
    changed.enabled = false;
    changed.spec.amount = HoldAmount::Nodes(3);
    changed.spec.skip = vec![date(2026, 12, 25)];
    changed.flexible_minutes = Some(5);
    scheduler.update(&changed).await.unwrap();
    let read = scheduler.get("w").await.unwrap().unwrap().unwrap();
    assert_eq!(read, changed);

    assert_eq!(scheduler.get("nobody").await.unwrap(), None);
    assert_eq!(scheduler.get("evaluator").await.unwrap(), None, "not a window");
    assert!(scheduler.delete("w").await.unwrap());
    assert!(!scheduler.delete("w").await.unwrap(), "it is gone");
    let gone = scheduler.update(&changed).await.unwrap_err();
    assert_eq!(gone.kind, FaultKind::NotFound, "{gone}");
    client.delete_schedule_group().name(&group).send().await.unwrap();
}
