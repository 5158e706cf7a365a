//! Pre-warm windows in EventBridge Scheduler, and when they fire.
//!
//! A window is one schedule in the stack's schedule group: its expression, its time zone, and an `Input` that is a
//! [`WindowSpec`](spillway_core::prewarm::WindowSpec) with Scheduler's context attributes beside it. Schedules of the
//! group whose input has no key `window` are not windows.
//!
//! # The template's window
//!
//! The guide's example: all overflow nodes at 08:50 on weekdays, for a spike at 09:00 (*Manually starting an overflow
//! node*).
//!
//! * `ScheduleExpression`: `cron(50 8 ? * MON-FRI *)`
//! * `ScheduleExpressionTimezone`: the stack's parameter, such as `Europe/Oslo`; the same as `time_zone` below
//! * `FlexibleTimeWindow`: `Mode: OFF`
//! * `Input`, exactly (keys in any order; the order here is alphabetical):
//!
//! ```json
//! {
//!   "amount": "all_nodes",
//!   "attempt": "<aws.scheduler.attempt-number>",
//!   "execution_id": "<aws.scheduler.execution-id>",
//!   "hold_minutes": 70,
//!   "ignore_licences": false,
//!   "lead_minutes": 10,
//!   "location": null,
//!   "reason": "",
//!   "schedule_arn": "<aws.scheduler.schedule-arn>",
//!   "scheduled_time": "<aws.scheduler.scheduled-time>",
//!   "skip": [],
//!   "time_zone": "Europe/Oslo",
//!   "window": "weekday-morning"
//! }
//! ```
//!
//! | key | what | default |
//! |---|---|---|
//! | `window` | its name: 1 to 64 of `A-Z a-z 0-9 - _ .` | required |
//! | `time_zone` | the schedule's, an IANA name | required |
//! | `location` | an overflow location's name; `null`: all | `null` |
//! | `amount` | `"all_nodes"`, `{"nodes": 3}`, `{"hd_calls": 50}` | `"all_nodes"` |
//! | `lead_minutes` | from the scheduled time to the spike, 0 to 240 | 10 |
//! | `hold_minutes` | from the scheduled time to the end of the hold, 1 to 1440, more than the lead | 70 |
//! | `skip` | local dates on which the window does nothing: `["2026-12-25"]` | `[]` |
//! | `ignore_licences` | start what was asked even where licences leave no room | `false` |
//! | `reason` | one sentence, at most 200 characters; in the history of each start | `""` |
//! | `schedule_arn`, `scheduled_time`, `execution_id`, `attempt` | Scheduler's, as above | none |
//!
//! Any other key is refused. An extra date is no key: a cron expression that names weekdays never fires on a Saturday,
//! so an extra date is a one-time schedule beside the window ([`Window::on_extra_date`]) that Scheduler deletes once it
//! has fired.
//!
//! # Rights
//!
//! Reading: `scheduler:ListSchedules` (on `*`: the API knows no narrower resource), `scheduler:GetSchedule` on
//! `arn:aws:scheduler:<region>:<account>:schedule/<group>/*`. Changing, beside these: `scheduler:CreateSchedule`,
//! `scheduler:UpdateSchedule`, `scheduler:DeleteSchedule` on the same, and `iam:PassRole` on the role that the
//! schedules take.

mod days;
mod error;
mod expression;
mod field;
mod firing;
mod scheduler;
mod window;

pub use error::ExpressionError;
pub use expression::Expression;
pub use firing::Firing;
pub use scheduler::{AwsScheduler, BadWindow, SchedulerSettings, Windows, windows};
pub use window::{Target, Window, WindowError};
