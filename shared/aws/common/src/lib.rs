//! What the three AWS adapters share, so that it is said once: how long a call may take inside a function of
//! 45 seconds, and what a failed call is called. Error codes mean the same in every service of AWS; the
//! sentence for an operator names the call, the thing it was about and the right that is missing.
//!
//! It calls nothing itself, and knows no service.

mod fault;
mod limits;

pub use fault::{Call, clip, code_of, fault_of, message_of};
pub use limits::{patient_timeouts, read_retries, timeouts};
