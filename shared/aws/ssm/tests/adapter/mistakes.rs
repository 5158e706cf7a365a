//! What an operator got wrong is named, with what to type; and no secret is ever shown.

use std::sync::Arc;

use spillway_core::fault::{Fault, FaultKind};
use spillway_ssm::{SettingsError, SettingsSource, SsmSettings};

use crate::store::{PASSWORD, SECRET_KEY, SetClock, config, source, world};

#[tokio::test]
async fn a_missing_parameter_is_named_with_the_command_that_makes_it() {
    for (parameter, command) in [
        (
            "policy",
            "aws ssm put-parameter --region eu-west-1 --name /spillway/prod/policy --type String --value file://policy.json",
        ),
        (
            "management",
            "aws ssm put-parameter --region eu-west-1 --name /spillway/prod/management --type String --value '{\"addresses\":[\"https://mgr.example.com\"],\"authentication\":\"basic\"}'",
        ),
        (
            "credentials",
            "aws ssm put-parameter --region eu-west-1 --name /spillway/prod/credentials --type SecureString --value file://credentials.json",
        ),
    ] {
        let world = world().await;
        world.remove(parameter);
        let fault = Fault::from(world.settings.read().await.unwrap_err());
        assert_eq!(fault.kind, FaultKind::Setting);
        assert_eq!(fault.detail, format!("parameter /spillway/prod/{parameter} does not exist in eu-west-1"));
        assert!(fault.remedy.starts_with(command), "{}", fault.remedy);
    }
}

#[tokio::test]
async fn nothing_there_at_all_begins_with_the_policy() {
    let world = world().await;
    world.state.lock().unwrap().parameters.clear();
    let error = world.settings.read().await.unwrap_err();
    assert!(error.to_string().contains("/spillway/prod/policy"), "{error}");
}

#[tokio::test]
async fn a_wrong_policy_names_the_key() {
    for (policy, key) in [
        (r#"{"tag_value":"x","treshold":7}"#, "treshold"),
        (r#"{"tag_value":"x","threshold":"seven"}"#, "threshold"),
        ("{}", "tag_value"),
        ("not json", "policy"),
    ] {
        let world = world().await;
        world.put("policy", "String", policy);
        let error = world.settings.read().await.unwrap_err();
        assert!(error.is_mistake());
        assert!(error.to_string().contains(key), "{error}");
        assert!(error.remedy().contains("--name /spillway/prod/policy"), "{}", error.remedy());
    }
}

#[tokio::test]
async fn credentials_that_are_not_encrypted_are_refused() {
    let world = world().await;
    world.put("credentials", "String", &format!(r#"{{"username":"spillway","password":"{PASSWORD}"}}"#));
    let error = world.settings.read().await.unwrap_err();
    assert_eq!(error.to_string(), "parameter /spillway/prod/credentials is not a SecureString");
    assert!(error.remedy().contains("aws ssm delete-parameter"), "{}", error.remedy());
    assert!(!format!("{error:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_missing_right_is_named_with_its_key() {
    let world = world().await;
    world.fail(Some((400, "AccessDeniedException")));
    let fault = Fault::from(world.settings.read().await.unwrap_err());
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert_eq!(
        fault.remedy,
        "allow ssm:GetParameters on parameters /spillway/prod/* in the role that runs this; \
         and kms:Decrypt, where `credentials` has a key of its own"
    );
}

#[tokio::test]
async fn a_dead_endpoint_is_unreachable() {
    let settings =
        SsmSettings::connect(&config(), source("http://127.0.0.1:1"), Arc::new(SetClock::default())).unwrap();
    let fault = Fault::from(settings.read().await.unwrap_err());
    assert_eq!(fault.kind, FaultKind::Unreachable, "{fault}");
}

#[test]
fn a_platforms_name_is_a_part_of_a_path() {
    for name in ["", "a/b", "a b", "$(id)", "ü", &"x".repeat(65)] {
        let source = SettingsSource { platform: name.to_owned(), endpoint: None };
        let error = SsmSettings::connect(&config(), source, Arc::new(SetClock::default())).unwrap_err();
        assert_eq!(error, SettingsError::Platform(name.to_owned()));
        assert!(error.remedy().contains("SPILLWAY_PLATFORM"));
    }
}

#[tokio::test]
async fn no_secret_is_shown_whatever_is_wrong() {
    let credentials = [
        format!(r#"{{"username":"spillway","password":"{PASSWORD}""#),
        format!(r#"{{"username":"spillway","password":["{PASSWORD}"]}}"#),
        format!(r#"{{"user":"spillway","password":"{PASSWORD}"}}"#),
        format!(r#"{{"client_id":"x","private_key":"{PASSWORD}"}}"#),
        PASSWORD.to_owned(),
        format!(r#"{{"username":"spillway","password":"{PASSWORD}"}}"#),
    ];
    for value in &credentials {
        let world = world().await;
        world.put("credentials", "SecureString", value);
        let read = world.settings.read().await;
        let mut shown = vec![format!("{read:?} {:?}", world.settings)];
        if let Err(error) = read {
            shown.push(format!("{error} {} {:?}", error.remedy(), Fault::from(error.clone())));
        }
        for secret in [PASSWORD, SECRET_KEY] {
            assert!(!shown.iter().any(|text| text.contains(secret)), "{shown:?}");
        }
    }
}
