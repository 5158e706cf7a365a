//! One operation on one node: its plan is shown, confirmed, and carried out step by step. Where it is interrupted, what was
//! done stays, and the same command goes on from there.

use serde::Serialize;
use spillway_core::ids::InstanceId;
use spillway_core::operation::{Operation, Seen, Step, Subject, warnings};
use spillway_ec2::Operator;
use spillway_engine::operation::{Memory, Stopped, Turn, Worker};
use spillway_runtime::AwsSystems;
use spillway_view::clean;

use super::options::Common;
use crate::acting::confirm;
use crate::exit::Failure;
use crate::output::{self, Output};
use crate::progress::{self, Progress};
use crate::session::CliSession;

/// An operation on one node after another.
pub(super) struct Work<'a> {
    pub(super) session: &'a CliSession<'a>,
    pub(super) ec2: &'a Operator,
    pub(super) operation: &'a Operation,
    pub(super) common: &'a Common,
}

/// What an operation did, for `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Worked {
    node: String,
    instance: Option<InstanceId>,
    done: Vec<Step>,
}

impl Work<'_> {
    /// One node: the plan is shown and confirmed, then its steps are done to the end.
    pub(super) async fn one(&self, subject: Subject, output: &Output) -> Result<Worked, Failure> {
        let session = self.session;
        let (name, instance) = (subject.name.clone(), subject.instance.clone());
        let worker = Worker {
            ports: session.ports(),
            operator: self.ec2,
            policy: session.policy(),
            operation: self.operation,
            subject,
            by: session.by.clone(),
            why: session.reason.clone(),
            ignore_lifetime: self.common.ignore_lifetime,
        };
        let mut memory = Memory::default();
        let seen: Seen = worker.look(&memory).await?;
        let steps = worker.steps(&seen).map_err(|obstacle| stopped(Stopped::Blocked(obstacle)))?;
        let mut done = Vec::new();
        if steps.is_empty() {
            if !output.json {
                output::text(&format!("{}: nothing to do\n", clean(name.as_str())));
            }
            return Ok(Worked { node: name.to_string(), instance, done });
        }
        if !output.json {
            let id = instance.as_ref().map_or_else(|| "no instance".to_owned(), ToString::to_string);
            output::note(&format!("{name} ({id}):"));
            for (number, step) in steps.iter().enumerate() {
                output::note(&format!("  {}. {step}", number + 1));
            }
            for warning in warnings(session.policy(), self.operation, &worker.subject, &seen) {
                output::note(&format!("  note: {warning}"));
            }
        }
        confirm(&self.common.acting, &session.place, &format!("Carry this out on {name}?"))?;
        let mut progress = Progress::new(output);
        let at = std::sync::Mutex::new("nothing was done yet".to_owned());
        // Wherever it is interrupted: what was done stays, and the rest is planned anew.
        let ended = tokio::select! {
            ended = Box::pin(self.drive(&worker, &mut memory, &mut done, &mut progress, &at)) => ended,
            _ = tokio::signal::ctrl_c() => {
                let at = at.lock().map(|at| at.clone()).unwrap_or_default();
                Err(Failure::failed(format!("interrupted; {name}: {at}")).remedy("run the same command again: it goes on from there"))
            }
        };
        progress.end();
        ended?;
        if !output.json {
            output::text(&format!("{}: done\n", clean(name.as_str())));
        }
        Ok(Worked { node: name.to_string(), instance, done })
    }

    /// Turn after turn, to the end.
    async fn drive(
        &self,
        worker: &CliWorker<'_>,
        memory: &mut Memory,
        done: &mut Vec<Step>,
        progress: &mut Progress,
        at: &std::sync::Mutex<String>,
    ) -> Result<(), Failure> {
        let name = &worker.subject.name;
        let is_at = |text: String| {
            if let Ok(mut at) = at.lock() {
                *at = text;
            }
        };
        loop {
            match Box::pin(worker.turn(memory)).await.map_err(stopped)? {
                Turn::Finished => return Ok(()),
                Turn::Did(step) => {
                    is_at(format!("the last step done is: {step}"));
                    progress.says(&format!("{name}: done: {step}"));
                    done.push(step);
                }
                Turn::Waits { step, why } => {
                    is_at(format!("it was waiting in the step: {step} ({why})"));
                    progress.waits(&format!("{name}: {}: {why}", step.word()));
                    tokio::time::sleep(progress::every()).await;
                }
            }
        }
    }
}

/// An operation at work, over the clients of the command line.
type CliWorker<'a> = Worker<'a, AwsSystems, Operator>;

fn stopped(why: Stopped) -> Failure {
    match why {
        Stopped::Blocked(obstacle) => Failure::refused(obstacle.to_string()).remedy(obstacle.remedy()),
        Stopped::Fault(fault) => fault.into(),
    }
}
