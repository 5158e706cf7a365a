//! What Spillway knows and decides. Everything it does is one loop, and every entry point runs the same one:
//!
//! > observe, plan, check, record intent, apply, record outcome
//!
//! **Observe** ([`observation`]) is what one cycle read of the world: the Management Node, EC2;
//! and the [`ledger`], what is remembered between cycles. What could not be read is part of the observation, with the
//! [`fault`] that kept it away.
//!
//! **Plan** ([`plan()`]) is a pure function of [`policy`], observation, ledger and `now`. [`assess`] makes sense of what
//! was read: which instance is which node, what a location is for, who is ready. The [`planner`] then asks, in this
//! order: is this an outage, or not ours to drive; which drains does a call, a need or a hold cancel; what has to be
//! started; which drains go on; which begin. The result is a value, [`plan::Plan`], with a [`report`] that says why for
//! every location and node, also for those where nothing is done.
//!
//! **Check** ([`safety`]) asks of every action, with code of its own, whether it could drop a call, pay for nothing or
//! touch what is not ours. A plan that fails is not applied.
//!
//! **Record, apply, record** is done by the crate `spillway-engine`: the intent is written under a lease before anything is
//! done, and what became of it afterwards. [`outcome`] is how it ended.
//!
//! [`reconcile`] decides what static NAT addresses should be. It is the same shape in small (observe, plan, apply, record) and
//! needs no lease: what it sets is the same whoever sets it. [`operation`] plans what a node needs beyond starting and stopping, [`prewarm`] is what a window asks for,
//! and [`blocker`] is what keeps an operator from it.
//!
//! Nothing here reads a clock, the environment, a file or the network, or waits; this crate knows neither tokio nor AWS
//! nor HTTP. `now` is an argument.

pub mod assess;
pub mod blocker;
pub mod fault;
pub mod ids;
pub mod json;
pub mod ledger;
pub mod observation;
pub mod operation;
pub mod outcome;
pub mod outlook;
pub mod plan;
pub mod planner;
pub mod policy;
pub mod prewarm;
pub mod reconcile;
pub mod report;
pub mod safety;
pub mod snapshot;

pub use planner::{Given, plan, plan_ahead, plan_given};
