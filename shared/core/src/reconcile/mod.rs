//! The reconciler: keeps the static NAT address of each node what it has to be, and tells the history who started and
//! stopped what.
//!
//! A node tells callers from outside to send their media to its static NAT address. On AWS that is the Elastic IP of its
//! instance, or the dynamic public address, which is another one after each start (guide: *IP addressing*); whoever
//! does not correct it has a node that takes calls and carries no media. So the address is set as soon as the
//! instance runs, minutes before the node is ready.
//!
//! The rule, for a running instance: its Elastic IP, where it carries an allocation tag and can have it without taking it
//! from another; else its dynamic address; nothing, where the policy says that the location is private. A stored address
//! that is not the instance's any more is wrong for every call and is set at once. Any other change, and taking an
//! Elastic IP, waits until nothing runs on the node, since what it does to a call is not documented.
//!
//! [`plan_addresses`] decides; `spillway_engine::reconcile` runs one pass, over the whole platform or over some instances.
//! Unlike a cycle it needs no lease and goes on while a cycle may not act: when the policy's mode contradicts the platform's, in
//! `assist` mode, in an outage of most nodes. A pause is obeyed: an operator who says "nothing" means it.

mod elastic;
mod join;
mod observation;
mod plan;
mod planner;
mod reason;
mod record;
mod report;
mod runs;

pub use observation::{AddressObservation, NodeHistoryLine};
pub use plan::{AddressAction, AddressPlan, HistoryWindow, NodeAddress, PlannedRecord};
pub use planner::{TOO_YOUNG_FOR_CALLS, plan_addresses};
pub use reason::AddressReason;
pub use record::{NatRecord, NatState, NatWrite, SeenRun};
pub use report::{AddressResult, ReconcileReport};
