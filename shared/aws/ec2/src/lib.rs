//! The fleet on EC2: the instances that carry the platform's tag, found, started and stopped, and their Elastic IPs.
//!
//! `StartInstances` and `StopInstances` are all or nothing: one instance that cannot start keeps the other 49 of
//! its request from starting. So a refused request is taken apart (`batch`) until every instance has its own
//! answer, within EC2's request rate (`bucket`) and within the time a cycle has. The SDK's own retries are off for
//! these two calls: EC2 reports a lack of capacity as a server error (HTTP 500), which the SDK would ask for again.
//!
//! What the fleet refuses to do: create, terminate or tag an instance, force a stop, touch anything that it was not
//! ordered to, and work in China (guide: *Deploying Pexip Infinity on Amazon Web Services*). What of it an
//! operator may do with rights of their own is apart, in [`Operator`], which no function makes.

mod addresses;
mod batch;
mod bucket;
mod describe;
mod exhaustion;
mod fleet;
mod instance;
mod operator;
mod power;
mod refusal;

pub use fleet::{AwsFleet, FleetSettings};
pub use operator::Operator;
