//! Pre-warm windows in EventBridge Scheduler, and when they fire.
