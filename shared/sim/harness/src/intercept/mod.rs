//! One wrapper for all ports. It names each call before its effect and again after it, and whoever listens can let it fail,
//! keep it from ever returning, let something happen at that moment, or hold it against a rule. The wrapped port never
//! knows, and wrappers can be put around wrappers.

mod answer;
mod call;
mod death;
mod disturbance;
mod faults;
mod invariants;
mod ports;
mod surprises;

#[cfg(test)]
mod tests;

use std::future::{Future, ready};

use spillway_core::fault::Fault;

pub use self::answer::Answer;
pub use self::call::Call;
pub use self::death::{Death, until_death};
pub use self::disturbance::{Disturbance, Requests, Tamper};
pub use self::faults::{CallFaults, Strike};
pub use self::invariants::Invariants;
pub use self::surprises::Surprises;

/// What a port's call meets on its way in and out.
pub trait Interceptor: Send + Sync {
    /// Before the effect; a fault keeps the effect from happening.
    fn before(&self, call: &Call<'_>) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = call;
        ready(Ok(()))
    }

    /// After the effect, whether it was `done` or not; a fault hides what became of it. Of a call for several
    /// instances it is done if it was for one of them.
    fn after(&self, call: &Call<'_>, done: bool) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = (call, done);
        ready(Ok(()))
    }

    /// What was answered may be changed before the caller sees it.
    fn answered(&self, answer: Answer<'_>) {
        let _ = answer;
    }
}

/// Nothing happens.
impl Interceptor for () {}

/// A port behind an interceptor.
#[derive(Debug, Clone)]
pub struct Intercepted<P, I> {
    port: P,
    interceptor: I,
}

impl<P, I> Intercepted<P, I> {
    /// Puts a port behind an interceptor.
    pub fn new(port: P, interceptor: I) -> Self {
        Self { port, interceptor }
    }

    /// The port itself.
    pub fn inner(&self) -> &P {
        &self.port
    }

    /// What its calls meet.
    pub fn interceptor(&self) -> &I {
        &self.interceptor
    }
}
