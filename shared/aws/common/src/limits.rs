//! How long a call may take. A function has 45 seconds for a cycle of half a dozen calls, and no action begins
//! with less than 5 left: one dead endpoint must be known as dead while there is time to act on it.

use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// Reaching a regional endpoint from inside AWS takes milliseconds; two seconds without a connection means that
/// there is no route (a VPC without NAT or endpoint is the usual cause).
const CONNECT: Duration = Duration::from_secs(2);

/// The time limits of calls that answer with little: one attempt whole (connecting, sending, the complete answer),
/// and all attempts of one call together.
pub fn timeouts() -> TimeoutConfig {
    limits(Duration::from_secs(3), Duration::from_secs(8))
}

/// The time limits of calls that EC2 thinks about for seconds: a page of a thousand instances, fifty starts.
pub fn patient_timeouts() -> TimeoutConfig {
    limits(Duration::from_secs(8), Duration::from_secs(12))
}

fn limits(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// The transport's own retries, for reads and for writes that are conditional or carry an idempotency token.
/// Calls that are neither go without.
pub fn read_retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(200))
}
