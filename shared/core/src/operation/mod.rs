//! What an operator does to one node beyond starting and stopping it: converting, retiring, reinstating, removing,
//! changing its type, adding ENA support, giving it an Elastic IP (guide: *Converting between overflow and "always on"*,
//! *Managing AWS instances*, *Assigning a persistent public IP address*).
//!
//! An operation is a list of [`Step`]s, each of which is true or not of the world as it is: [`plan_operation`] looks at the
//! world and gives those that are left. So there is no state to keep: an operation that was interrupted anywhere goes on
//! where it was when the same command is given again, and one that is over has no steps.
//!
//! The order of the steps is the guide's where that drops no call, and ours where it does (`shared/DESIGN.md`, *Is the order of
//! the steps the guide's?*): a change of location disconnects
//! every call on the node and restarts it, so it comes after a drain. Every *stop* is a cycle's: an operation asks for it
//! ([`OperatorCommand::Retire`](crate::ledger::OperatorCommand)) and waits. While a node is worked on it is in maintenance mode with a reason that
//! names the operation and the operator: no rule starts it, and a second operator is told who was first.

mod instance_type;
mod plan;
mod step;
mod upgrade;
mod warnings;

pub use instance_type::{is_advised_against, needs_ena};
pub use plan::{INSTANCE_TAG, plan_operation};
pub use step::{Operation, Seen, Step, Subject};
pub use upgrade::{BATCH, Behind, Upgrade, UpgradeState, behind, hold_of, may_upgrade, state_of};
pub use warnings::warnings;
