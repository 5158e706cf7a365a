//! The Pexip Infinity Management API, as far as Spillway needs it: [`HttpManagement`] implements
//! [`ManagementRead`](spillway_engine::ports::ManagementRead) and
//! [`ManagementWrite`](spillway_engine::ports::ManagementWrite), and [`NodeRead`](spillway_engine::ports::NodeRead).
//!
//! A request goes down through five layers, each with one concern:
//!
//! | module | concern |
//! |---|---|
//! | `management`, `cloud`, `configure` | operations: what is read for what; which Management Node is followed (`primary`) |
//! | `nodes`, `pace` | single nodes for the reconciler; how fast addresses are set |
//! | `platform`, `activity` | rows put together; what a missing value means |
//! | `paging` | whole lists: pages, order, duplicates, lists that move |
//! | `transport` | credentials (`token`), two requests in flight, repeats of what is idempotent, the deadline |
//! | `wire` | one request, one bounded answer, four verbs, no redirects; certificates (`tls`) |
//!
//! What the API says is read tolerantly (`tolerant`, `rows`, `answer`); what is said about it is strict: an error
//! names the request and the remedy, and passes through `redact`, so that no secret is ever shown.
//!
//! ```
//! use spillway_pexip::{Auth, HttpManagement, ManagementSettings, Tls};
//!
//! let auth = Auth::Basic { username: "spillway".into(), password: "secret".into() };
//! let settings = ManagementSettings::new(&["https://mgr.example.com"], auth, Tls::PublicCas)?;
//! let management = HttpManagement::new(settings)?;
//! # Ok::<(), spillway_pexip::SettingError>(())
//! ```

mod activity;
mod address;
mod answer;
mod clock;
mod cloud;
mod configure;
mod error;
mod key;
mod management;
mod nodes;
mod pace;
mod paging;
pub mod parameters;
mod path;
mod platform;
mod primary;
mod redact;
mod refusal;
mod resources;
mod retry;
mod rows;
mod settings;
mod tls;
mod token;
mod tolerant;
mod transport;
mod wire;

pub use clock::SystemClock;
pub use cloud::{CloudNode, CloudView, Licensing, MonitoredLocation, NodeStatusEvent, OverflowLocation};
pub use error::{Credentials, ManagementError, Problem};
pub use key::{ClientKey, KeyError};
pub use management::HttpManagement;
pub use parameters::parse_parameters;
pub use retry::RetryPolicy;
pub use settings::{Auth, ManagementSettings, Pin, SettingError, Timing, Tls};
