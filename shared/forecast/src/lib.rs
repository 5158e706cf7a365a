//! How many HD calls are to be expected in the next minutes, learned from the platform's own days. Pure: no clock, no
//! input or output; whoever calls says what minute it is.
//!
//! A [`Day`] is what was recorded of one principal location and its overflow location, minute by minute. [`fit()`] makes a
//! [`Profile`] of the last days: for each minute the largest demand of the coming window, how far the days differ, and a
//! safety factor that a replay of the same days shows to be enough. [`forecast()`] scales it by today's level and adds the
//! rate of rise, which acts where the load is above the profile or where there is none.
//!
//! Demand is in HD calls. All times of day are local ones, in the time zone of the policy.

mod cost;
mod curve;
mod day;
mod demand;
mod fit;
mod forecast;
mod kind;
mod profile;
mod recent;
mod stored;

pub use cost::CostLimit;
pub use day::{Day, Disturbance, LeftOut, LocalMinute, MINUTES};
pub use demand::{demand, is_cut_off};
pub use fit::{FitOptions, fit};
pub use forecast::{Expected, Forecast, PROFILE_LASTS_DAYS, forecast};
pub use kind::DayKind;
pub use profile::{Curves, Profile, Target};
pub use recent::{Recent, Sample};
pub use stored::StoredError;
