//! The adapter: the windows in the stack's schedule group.

use aws_config::SdkConfig;
use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::operation::update_schedule::UpdateScheduleInput;
use aws_sdk_scheduler::operation::update_schedule::builders::UpdateScheduleInputBuilder;
use aws_sdk_scheduler::primitives::DateTime;
use aws_sdk_scheduler::types::{
    ActionAfterCompletion, DeadLetterConfig, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy,
    ScheduleState, Target as AwsTarget,
};
use jiff::Timestamp;
use serde_json::Value;
use spillway_aws::{Call, fault_of};
use spillway_core::fault::{Fault, FaultKind, System};

use crate::window::{Target, Window, WindowError, read_window};

/// Where the windows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerSettings {
    /// The stack's schedule group. Nothing outside it is read or changed.
    pub group: String,
    /// Another address than the region's own: a Scheduler of one's own. `None` leaves it to the SDK, which takes
    /// `AWS_ENDPOINT_URL_SCHEDULER` from the environment.
    pub endpoint: Option<String>,
}

/// A schedule of the group that is meant to be a window and cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadWindow {
    /// The schedule's name.
    pub name: String,
    /// Why.
    pub error: WindowError,
}

/// What is in the group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// The windows, by name.
    pub windows: Vec<Window>,
    /// What an operator has to put right.
    pub bad: Vec<BadWindow>,
}

/// The windows in EventBridge Scheduler.
#[derive(Debug, Clone)]
pub struct AwsScheduler {
    client: Client,
    group: String,
}

impl AwsScheduler {
    /// The group in the account and region of the configuration. Connects at the first call.
    pub fn connect(config: &SdkConfig, settings: SchedulerSettings) -> Self {
        let SchedulerSettings { group, endpoint } = settings;
        // Creating carries a client token, updating and deleting may be repeated: retries are safe.
        let config = aws_sdk_scheduler::config::Builder::from(config)
            .timeout_config(spillway_aws::timeouts())
            .retry_config(spillway_aws::read_retries());
        let config = match endpoint {
            Some(url) => config.endpoint_url(url),
            None => config,
        };
        Self { client: Client::from_conf(config.build()), group }
    }

    /// The group's name.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// All windows of the group. Its other schedules (the evaluator's, the sweep's) are those whose input has no
    /// `window`; they are left alone.
    ///
    /// # Errors
    /// A call that failed.
    pub async fn windows(&self) -> Result<Windows, Fault> {
        let mut found = Windows::default();
        let mut pages =
            self.client.list_schedules().group_name(&self.group).into_paginator().page_size(100).send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.fault("scheduler:ListSchedules", None, &error))?;
            names.extend(page.schedules.into_iter().filter_map(|schedule| schedule.name));
        }
        names.sort();
        for name in names {
            match self.get(&name).await? {
                Some(Ok(window)) => found.windows.push(window),
                Some(Err(error)) => found.bad.push(BadWindow { name, error }),
                None => {}
            }
        }
        Ok(found)
    }

    /// One window by its schedule's name; none where there is no such schedule or it is not a window.
    ///
    /// # Errors
    /// A call that failed. A window that cannot be read is in the inner result.
    pub async fn get(&self, name: &str) -> Result<Option<Result<Window, WindowError>>, Fault> {
        match self.client.get_schedule().group_name(&self.group).name(name).send().await {
            Ok(schedule) => Ok(window_of(schedule)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.fault("scheduler:GetSchedule", Some(name), &error)),
        }
    }

    /// Makes the window's schedule.
    ///
    /// # Errors
    /// A call that failed; one of that name is there already.
    pub async fn create(&self, window: &Window) -> Result<(), Fault> {
        let request = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .name(&window.name)
            .schedule_expression(window.expression.as_str())
            .schedule_expression_timezone(&window.spec.time_zone)
            .set_description(description(window))
            .set_start_date(window.starts_at.map(to_aws))
            .set_end_date(window.ends_at.map(to_aws))
            .state(state(window))
            .action_after_completion(after(window))
            .flexible_time_window(self.flexible(window)?)
            .target(self.target(window)?);
        request.send().await.map(|_| ()).map_err(|error| {
            let fault = self.fault("scheduler:CreateSchedule", Some(&window.name), &error);
            match error.as_service_error() {
                Some(e) if e.is_conflict_exception() => fault.with_remedy("change it, or take another name"),
                _ => fault,
            }
        })
    }

    /// Changes the window's schedule. `UpdateSchedule` takes a whole schedule and sets what is left out to its default
    /// (its API reference), so the schedule is read first, and what a window does not know (a key, what a target has besides)
    /// is sent back as it was.
    ///
    /// # Errors
    /// A call that failed; there is none of that name.
    pub async fn update(&self, window: &Window) -> Result<(), Fault> {
        let read = self.client.get_schedule().group_name(&self.group).name(&window.name).send().await;
        let stored = read.map_err(|error| self.fault("scheduler:GetSchedule", Some(&window.name), &error))?;
        self.changed(stored, window)?
            .send_with(&self.client)
            .await
            .map(|_| ())
            .map_err(|error| self.fault("scheduler:UpdateSchedule", Some(&window.name), &error))
    }

    /// The stored schedule with what a window knows of it changed.
    fn changed(
        &self,
        stored: GetScheduleOutput,
        window: &Window,
    ) -> Result<UpdateScheduleInputBuilder, Fault> {
        let known = self.target(window)?;
        let mut target = stored.target.unwrap_or_else(|| known.clone());
        (target.arn, target.role_arn, target.input) = (known.arn, known.role_arn, known.input);
        (target.dead_letter_config, target.retry_policy) = (known.dead_letter_config, known.retry_policy);
        Ok(UpdateScheduleInput::builder()
            .group_name(&self.group)
            .name(&window.name)
            .schedule_expression(window.expression.as_str())
            .schedule_expression_timezone(&window.spec.time_zone)
            .set_description(description(window))
            .set_start_date(window.starts_at.map(to_aws))
            .set_end_date(window.ends_at.map(to_aws))
            .state(state(window))
            .action_after_completion(after(window))
            .flexible_time_window(self.flexible(window)?)
            .set_kms_key_arn(stored.kms_key_arn)
            .target(target))
    }

    /// Deletes a schedule; whether it was there.
    ///
    /// # Errors
    /// A call that failed.
    pub async fn delete(&self, name: &str) -> Result<bool, Fault> {
        match self.client.delete_schedule().group_name(&self.group).name(name).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(self.fault("scheduler:DeleteSchedule", Some(name), &error)),
        }
    }

    fn flexible(&self, window: &Window) -> Result<FlexibleTimeWindow, Fault> {
        let minutes = window.flexible_minutes.map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX));
        let mode =
            if minutes.is_some() { FlexibleTimeWindowMode::Flexible } else { FlexibleTimeWindowMode::Off };
        FlexibleTimeWindow::builder()
            .mode(mode)
            .set_maximum_window_in_minutes(minutes)
            .build()
            .map_err(|error| self.setting(window, &error))
    }

    fn target(&self, window: &Window) -> Result<AwsTarget, Fault> {
        let Target { function_arn, role_arn, dead_letter_arn, retry_attempts, retry_age_seconds } =
            &window.target;
        let queue = dead_letter_arn.as_ref().map(|arn| DeadLetterConfig::builder().arn(arn).build());
        let retry = RetryPolicy::builder()
            .set_maximum_retry_attempts(*retry_attempts)
            .set_maximum_event_age_in_seconds(*retry_age_seconds)
            .build();
        AwsTarget::builder()
            .arn(function_arn)
            .role_arn(role_arn)
            .input(window.spec.input())
            .set_dead_letter_config(queue)
            .set_retry_policy((retry_attempts.is_some() || retry_age_seconds.is_some()).then_some(retry))
            .build()
            .map_err(|error| self.setting(window, &error))
    }

    fn setting(&self, window: &Window, error: &dyn std::error::Error) -> Fault {
        let detail = format!("schedule {}/{}: {error}", self.group, window.name);
        Fault::new(System::Scheduler, FaultKind::Setting, detail)
    }

    fn fault<E>(
        &self,
        action: &str,
        name: Option<&str>,
        error: &SdkError<E, aws_sdk_scheduler::config::http::HttpResponse>,
    ) -> Fault
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let resource = match name {
            Some(name) => format!("schedule {}/{name}", self.group),
            None => format!("schedule group {}", self.group),
        };
        fault_of(Call { system: System::Scheduler, action, resource: &resource }, error)
    }
}

/// None where the schedule is not a window.
fn window_of(schedule: GetScheduleOutput) -> Option<Result<Window, WindowError>> {
    let target = schedule.target?;
    let input = target.input?;
    let is_window = serde_json::from_str::<Value>(&input).is_ok_and(|value| value.get("window").is_some());
    if !is_window {
        return None;
    }
    let retry = target.retry_policy;
    let invoked = Target {
        function_arn: target.arn,
        role_arn: target.role_arn,
        dead_letter_arn: target.dead_letter_config.and_then(|queue| queue.arn),
        retry_attempts: retry.as_ref().and_then(|retry| retry.maximum_retry_attempts),
        retry_age_seconds: retry.as_ref().and_then(|retry| retry.maximum_event_age_in_seconds),
    };
    let expression = schedule.schedule_expression.unwrap_or_default();
    let zone = schedule.schedule_expression_timezone.unwrap_or_else(|| "UTC".to_owned());
    let window = read_window(schedule.name.unwrap_or_default(), &expression, &zone, &input, invoked);
    Some(window.map(|window| {
        Window {
            description: schedule.description.unwrap_or_default(),
            enabled: schedule.state != Some(ScheduleState::Disabled),
            flexible_minutes: schedule
                .flexible_time_window
                .filter(|flexible| flexible.mode == FlexibleTimeWindowMode::Flexible)
                .and_then(|flexible| flexible.maximum_window_in_minutes)
                .and_then(|minutes| u32::try_from(minutes).ok()),
            starts_at: schedule.start_date.and_then(from_aws),
            ends_at: schedule.end_date.and_then(from_aws),
            created_at: schedule.creation_date.and_then(from_aws),
            delete_after: schedule.action_after_completion == Some(ActionAfterCompletion::Delete),
            ..window
        }
    }))
}

fn description(window: &Window) -> Option<String> {
    (!window.description.is_empty()).then(|| window.description.clone())
}

fn state(window: &Window) -> ScheduleState {
    if window.enabled { ScheduleState::Enabled } else { ScheduleState::Disabled }
}

fn after(window: &Window) -> ActionAfterCompletion {
    if window.delete_after { ActionAfterCompletion::Delete } else { ActionAfterCompletion::None }
}

fn to_aws(at: Timestamp) -> DateTime {
    DateTime::from_secs(at.as_second())
}

fn from_aws(at: DateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.secs()).ok()
}

/// The windows of a group, by an AWS configuration: what a command needs in one call.
///
/// # Errors
/// A call that failed.
pub async fn windows(config: &SdkConfig, group: &str) -> Result<Windows, Fault> {
    let settings = SchedulerSettings { group: group.to_owned(), endpoint: None };
    AwsScheduler::connect(config, settings).windows().await
}

fn is_missing<E: ProvideErrorMetadata>(
    error: &SdkError<E, aws_sdk_scheduler::config::http::HttpResponse>,
) -> bool {
    spillway_aws::code_of(error) == Some("ResourceNotFoundException")
}

#[cfg(test)]
mod tests {
    use aws_sdk_scheduler::types::EventBridgeParameters;
    use spillway_core::prewarm::WindowSpec;

    use super::*;

    #[test]
    fn what_a_window_does_not_know_of_its_schedule_survives_a_change() {
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-west-1"))
            .build();
        let settings = SchedulerSettings { group: "g".to_owned(), endpoint: None };
        let scheduler = AwsScheduler::connect(&config, settings);
        let spec = WindowSpec::with_defaults("w".to_owned(), "Europe/Oslo".to_owned());
        let bridge = EventBridgeParameters::builder().detail_type("t").source("s").build().unwrap();
        let retry =
            RetryPolicy::builder().maximum_retry_attempts(3).maximum_event_age_in_seconds(600).build();
        let target = AwsTarget::builder()
            .arn("arn:aws:lambda:eu-west-1:123456789012:function:prewarm")
            .role_arn("arn:aws:iam::123456789012:role/scheduler")
            .input(spec.input())
            .dead_letter_config(DeadLetterConfig::builder().arn("arn:aws:sqs:eu-west-1:1:q").build())
            .retry_policy(retry)
            .event_bridge_parameters(bridge)
            .build()
            .unwrap();
        let stored = GetScheduleOutput::builder()
            .name("w")
            .group_name("g")
            .schedule_expression("cron(50 8 ? * MON-FRI *)")
            .schedule_expression_timezone("Europe/Oslo")
            .description("mine")
            .state(ScheduleState::Disabled)
            .kms_key_arn("arn:aws:kms:eu-west-1:123456789012:key/k")
            .action_after_completion(ActionAfterCompletion::None)
            .flexible_time_window(
                FlexibleTimeWindow::builder()
                    .mode(FlexibleTimeWindowMode::Flexible)
                    .maximum_window_in_minutes(7)
                    .build()
                    .unwrap(),
            )
            .target(target.clone())
            .start_date(DateTime::from_secs(1_800_000_000))
            .end_date(DateTime::from_secs(1_900_000_000))
            .build();
        let mut window = window_of(stored.clone()).unwrap().unwrap();
        window.spec.skip = vec![jiff::civil::date(2026, 12, 25)];
        let sent = scheduler.changed(stored.clone(), &window).unwrap().build().unwrap();
        let mut skipping = target;
        skipping.input = Some(window.spec.input());
        let wanted = UpdateScheduleInput::builder()
            .name("w")
            .group_name("g")
            .set_schedule_expression(stored.schedule_expression)
            .set_schedule_expression_timezone(stored.schedule_expression_timezone)
            .set_description(stored.description)
            .set_state(stored.state)
            .set_kms_key_arn(stored.kms_key_arn)
            .set_action_after_completion(stored.action_after_completion)
            .set_flexible_time_window(stored.flexible_time_window)
            .set_start_date(stored.start_date)
            .set_end_date(stored.end_date)
            .target(skipping)
            .build()
            .unwrap();
        assert_eq!(sent, wanted, "everything but the dates to skip is as it was stored");
    }
}
