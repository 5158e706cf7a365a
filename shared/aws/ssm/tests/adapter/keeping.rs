//! One call reads everything, five minutes long; a failing Parameter Store does not stop a platform that ran.

use spillway_core::fault::FaultKind;
use spillway_core::ids::HdCalls;
use spillway_ssm::SettingsError;

use crate::store::world;

#[tokio::test]
async fn one_call_reads_everything_decrypted() {
    let world = world().await;
    let settings = world.settings.read().await.unwrap();
    assert_eq!(settings.policy.tag_value, "mgr.example.com");
    assert_eq!(settings.policy.threshold, Some(HdCalls(7)));
    assert_eq!(settings.management.addresses().len(), 1);
    assert!(settings.stale.is_none());
    let requests = world.state.lock().unwrap().requests.clone();
    let names: Vec<_> =
        ["policy", "management", "credentials", "ca"].map(|name| format!("/spillway/prod/{name}")).into();
    assert_eq!(requests, [serde_json::json!({ "Names": names, "WithDecryption": true })]);
}

#[tokio::test]
async fn a_warm_function_keeps_them_for_five_minutes() {
    let world = world().await;
    world.settings.read().await.unwrap();
    world.put("policy", "String", r#"{"tag_value":"mgr.example.com","threshold":9}"#);
    world.pass(4);
    assert_eq!(world.settings.read().await.unwrap().policy.threshold, Some(HdCalls(7)));
    assert_eq!(world.requests(), 1);
    world.pass(1);
    assert_eq!(world.settings.read().await.unwrap().policy.threshold, Some(HdCalls(9)));
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn a_refused_sign_in_has_them_read_again_at_once() {
    let world = world().await;
    world.settings.read().await.unwrap();
    world.settings.invalidate().await;
    world.settings.read().await.unwrap();
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_call() {
    let world = world().await;
    let (a, b, c) = tokio::join!(world.settings.read(), world.settings.read(), world.settings.read());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn a_failing_parameter_store_is_bridged_for_an_hour_and_said() {
    let world = world().await;
    world.settings.read().await.unwrap();
    world.fail(Some((400, "ThrottlingException")));
    world.pass(59);
    let stale = world.settings.read().await.unwrap();
    assert_eq!(stale.policy.threshold, Some(HdCalls(7)));
    assert_eq!(stale.stale.as_ref().unwrap().kind, FaultKind::Throttled);
    world.pass(1);
    let error = world.settings.read().await.unwrap_err();
    assert!(!error.is_mistake(), "{error}");
    world.fail(None);
    assert!(world.settings.read().await.unwrap().stale.is_none());
}

#[tokio::test]
async fn after_a_refused_sign_in_old_settings_are_not_used() {
    let world = world().await;
    world.settings.read().await.unwrap();
    world.settings.invalidate().await;
    world.fail(Some((500, "InternalServerError")));
    assert!(
        matches!(world.settings.read().await, Err(SettingsError::Fault(fault)) if fault.kind == FaultKind::Server)
    );
}

#[tokio::test]
async fn a_mistake_is_not_covered_up_by_what_was_read_before() {
    let world = world().await;
    world.settings.read().await.unwrap();
    world.put("policy", "String", "{}");
    world.pass(5);
    assert!(world.settings.read().await.unwrap_err().is_mistake());
    world.fail(Some((500, "InternalServerError")));
    assert!(world.settings.read().await.is_err(), "nor afterwards");
}
