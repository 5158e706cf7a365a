//! The two buttons. A start is a hold of the node and a stop is a request, under the same ids and with the same lines of
//! history as the command line's, so that whoever asks twice asks once; then one cycle of the functions' own kind
//! runs, and if another one is faster, that one or the next carries out what was asked. Nothing here reaches EC2.

mod carry_out;
mod preview;

use jiff::{SignedDuration, Timestamp};
use spillway_core::ledger::Actor;
use spillway_core::policy::Policy;
use spillway_engine::operator::Operator;
use spillway_engine::ports::{Ports, Systems};

use crate::action::PageAction;

/// An operator at work.
#[derive(Debug)]
pub struct PageActions<'a, S: Systems> {
    /// The outside world.
    pub ports: Ports<'a, S>,
    /// The policy.
    pub policy: &'a Policy,
    /// Who acts.
    pub by: Actor,
}

impl<'a, S: Systems> PageActions<'a, S> {
    /// What the page and the command line do in the same way.
    fn work(&self, asked: &PageAction) -> Operator<'a, S> {
        let (ports, policy, by) = (self.ports, self.policy, self.by.clone());
        Operator { ports, policy, by, reason: given(asked.reason()), place: "at the status page" }
    }
}

fn end(now: Timestamp, hold_minutes: u32) -> Timestamp {
    now + SignedDuration::from_mins(i64::from(hold_minutes))
}

fn given(reason: &str) -> String {
    let reason = reason.trim();
    if reason.is_empty() { "no reason given".to_owned() } else { reason.to_owned() }
}
