//! Settings and secrets in SSM Parameter Store, under `/spillway/<platform>/`:
//!
//! | parameter | type | what |
//! |---|---|---|
//! | `policy` | String | [`Policy`](spillway_core::policy::Policy) as JSON |
//! | `management` | String | the Management Node's addresses, the kind of authentication |
//! | `credentials` | `SecureString` | user name and password, or OAuth2 client and key |
//! | `ca` | String, optional | the Management Node's certificate authority, PEM |
//! | `stack` | String | [`Stack`]: what the deployment wrote down of itself, for the command line |
//!
//! One call reads all of them. A warm function keeps them for five minutes; a refused sign-in
//! ([`SsmSettings::invalidate`]) has them read again at once.
//!
//! What it refuses to do: take credentials from a parameter that is not encrypted, guess a default for a parameter
//! that is not there, and show a value.

mod error;
mod parameters;
mod settings;
mod stack;
mod write;

pub use error::SettingsError;
pub use settings::{PlatformSettings, SettingsSource, SsmSettings};
pub use stack::Stack;
