//! What was wanted, from what was carried: callers who were refused are in no count of calls.

/// HD calls free up to which a minute counts as cut off.
const CUT_OFF: f64 = 4.0;

/// What was wanted in a minute that was cut off, over what was carried.
const UNSEEN: f64 = 1.3;

/// Demand of a minute in which `used` HD calls were carried and `free` more could have been. Where next to nothing was free
/// callers may have been refused, and what was carried is not what was wanted.
pub fn demand(used: f64, free: f64) -> f64 {
    if is_cut_off(free) { used * UNSEEN } else { used }
}

/// Whether so few HD calls are free that callers may have been refused.
pub fn is_cut_off(free: f64) -> bool {
    free <= CUT_OFF
}
