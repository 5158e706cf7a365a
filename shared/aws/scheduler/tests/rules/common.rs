//! Windows written down by hand.

use jiff::Timestamp;
use spillway_core::prewarm::WindowSpec;
use spillway_scheduler::{Target, Window};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub(crate) fn target() -> Target {
    Target {
        function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:prewarm".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/schedules".to_owned(),
        dead_letter_arn: Some("arn:aws:sqs:eu-west-1:123456789012:prewarm-dead".to_owned()),
        retry_attempts: Some(5),
        retry_age_seconds: Some(1_800),
    }
}

pub(crate) fn window(zone: &str, expression: &str) -> Window {
    Window::new(WindowSpec::with_defaults("w", zone), expression, target()).expect("a window")
}

/// The instants, as `03-29T06:50Z`, with a trailing `skip` where the window does nothing.
pub(crate) fn fires(window: &Window, from: &str, until: &str) -> Vec<String> {
    let firings = window.firings(at(from), at(until));
    let show = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%MZ").to_string();
    firings
        .iter()
        .map(|firing| show(firing.scheduled.timestamp()) + if firing.skipped { " skip" } else { "" })
        .collect()
}
