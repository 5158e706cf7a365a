//! Whether the platform is being upgraded: the one rule for drains, stops and an operator's commands. A node whose version is
//! behind is not being upgraded: an upgrade ends after a day, whatever it leaves behind.

use jiff::Timestamp;

use super::node::UPGRADE_LASTS;
use super::status::shows_upgrade;
use crate::ledger::Ledger;
use crate::observation::Platform;
use crate::policy::Policy;

/// Whether anything that reports says that it is being upgraded, and not for longer than an upgrade can last.
pub fn is_upgrading(policy: &Policy, platform: &Platform, ledger: Option<&Ledger>, now: Timestamp) -> bool {
    shows_upgrade(policy, platform) && overdue_upgrade(policy, platform, ledger, now).is_none()
}

/// Since when an upgrade is shown that has lasted longer than one can.
pub(super) fn overdue_upgrade(
    policy: &Policy,
    platform: &Platform,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Option<Timestamp> {
    let since = ledger?.cycle.digest.as_ref()?.upgrade_since?;
    (shows_upgrade(policy, platform) && now.duration_since(since) >= UPGRADE_LASTS).then_some(since)
}
