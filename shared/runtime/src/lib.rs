//! What every process of Spillway needs to reach one platform, and what a function needs beside it.
//!
//! * [`Connector`] reads the settings and makes the [`Clients`] from them. The functions and the command line use the
//!   same one; each brings its own AWS configuration, so that what only an operator needs (single sign-on, for one) is
//!   not in a function's binary.
//! * [`Function`] is a warm function: its [`Environment`], its connector, and the second run with fresh settings where
//!   the Management Node refuses the credentials.
//! * [`log`] and [`metrics`] write what a cycle reports.
//!
//! It decides nothing: what a function does is in its own handler, and why is in the core. Begin with [`connector`].

mod clients;
pub mod connector;
mod credentials;
mod environment;
mod function;
pub mod log;
pub mod metrics;

pub use clients::{AwsSystems, ClientPorts, Clients};
pub use connector::{ConnectError, Connector};
pub use credentials::CredentialsCheck;
pub use environment::Environment;
pub use function::{Function, Run};
