//! A warm function. What it keeps between invocations: connections, tokens, and settings for five minutes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use aws_config::BehaviorVersion;
use jiff::Timestamp;
use spillway_core::fault::Fault;
use spillway_core::outlook::Profiles;
use spillway_core::policy::Policy;
use spillway_engine::cycle::Cycle;
use spillway_engine::ports::Clock;

use crate::clients::{AwsSystems, ClientPorts, Clients};
use crate::connector::Connector;
use crate::credentials::CredentialsCheck;
use crate::environment::Environment;

/// A function, warm.
#[derive(Debug)]
pub struct Function {
    connector: Connector,
    timeout: Duration,
}

/// One run: an invocation, or its second try with fresh settings.
#[derive(Debug)]
pub struct Run {
    clients: Arc<Clients>,
    owner: String,
    deadline: Duration,
}

impl Function {
    /// Reads the AWS configuration. Nothing is connected yet, so that a function with wrong settings starts and
    /// says what is wrong with them.
    ///
    /// # Errors
    /// A region that Spillway does not work in.
    pub async fn start(environment: Environment) -> Result<Self> {
        let Environment { platform, table, timeout } = environment;
        let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let connector = Connector::new(config, &platform)
            // Not as a fault: where the function cannot start, its log is all there is, so it has the remedy too.
            .map_err(|error| anyhow!("{error}: {}", error.remedy()))?;
        Ok(Self { connector: connector.with_table(Some(table)), timeout })
    }

    /// The same with so many requests to the Management Node at once: for a function of which several run at a time.
    #[must_use]
    pub fn with_requests_in_flight(self, in_flight: usize) -> Self {
        Self { connector: self.connector.with_requests_in_flight(in_flight), ..self }
    }

    /// The platform's name.
    pub fn platform(&self) -> &str {
        self.connector.platform()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.connector.now()
    }

    /// Runs an invocation; a second time with settings read again where the Management Node refused the credentials.
    /// The deadline is the invocation's, also of its second run.
    ///
    /// # Errors
    /// There are no settings to run it with. Nothing was touched.
    pub async fn run<T, R>(&self, request: &str, mut run: R) -> Result<T, Fault>
    where
        T: CredentialsCheck,
        R: AsyncFnMut(&Run) -> T,
    {
        let deadline = self.connector.clock().monotonic() + self.timeout;
        // Lambda gives a repeated event its old request id; an owner of the lease is one invocation.
        let owner = format!("{request}-{}", self.now());
        let again = format!("{owner}-again");
        let ended = run(&Run { clients: self.connector.clients().await?, owner, deadline }).await;
        if !ended.credentials_refused() {
            return Ok(ended);
        }
        self.connector.forget_settings().await;
        Ok(run(&Run { clients: self.connector.clients().await?, owner: again, deadline }).await)
    }
}

impl Run {
    /// The outside world.
    pub fn ports(&self) -> ClientPorts<'_> {
        self.clients.ports()
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.clients.settings.policy
    }

    /// On the monotonic clock: when the function is killed.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// One cycle, by an owner of its own, that expects what the last evaluation did.
    pub fn cycle(&self) -> Cycle<'_, AwsSystems> {
        let (owner, deadline) = (self.owner.clone(), self.deadline);
        Cycle { ports: self.ports(), policy: self.policy(), owner, deadline, profiles: None }
    }

    /// One evaluation, with what was learned of the platform's days.
    pub fn evaluation<'a>(&'a self, profiles: &'a Profiles) -> Cycle<'a, AwsSystems> {
        Cycle { profiles: Some(profiles), ..self.cycle() }
    }

    /// What is left until the function is killed.
    pub fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.ports().clock.monotonic())
    }
}
