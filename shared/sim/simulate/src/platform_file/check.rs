//! What a platform file may not say, found before anything is built: names of locations that are not there, ranges
//! that run backwards, statuses that are none. Each mistake is named as it stands in the file.

use anyhow::{bail, ensure};

use super::keys::{PlatformFile, TimingSpec};

/// The locations of the built-in platform.
const BUILT_IN: [&str; 2] = ["London", "AWS burst"];

impl PlatformFile {
    /// Finds the first mistake.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.check_names()?;
        for location in &self.locations {
            if let Some(share) = location.share {
                let name = &location.name;
                ensure!(
                    share.is_finite() && share >= 0.0,
                    "the share of {name:?} is {share}; give a number from 0 up"
                );
            }
        }
        self.timing.check()?;
        let api = &self.api;
        let status = |name: &str, code: Option<u16>, wanted: std::ops::RangeInclusive<u16>| match code {
            Some(code) if !wanted.contains(&code) => {
                bail!("{name} is {code}; give a status from {} to {}", wanted.start(), wanted.end())
            }
            _ => Ok(()),
        };
        status("command_status", api.command_status, 200..=299)?;
        status("forbidden_status", api.forbidden_status, 400..=499)?;
        ensure!(
            api.max_limit != Some(0),
            "max_limit is 0; give the most rows that a list may have, 1 or more"
        );
        ensure!(
            api.token_lifetime_s != Some(0),
            "token_lifetime_s is 0; give a number of seconds, 1 or more"
        );
        let kind = api.document_type.as_deref().unwrap_or("text/xml");
        ensure!(
            kind.contains('/') && kind.chars().all(|c| c.is_ascii_graphic() || c == ' '),
            "document_type is {kind:?}; give a content type such as text/xml"
        );
        Ok(())
    }

    fn check_names(&self) -> anyhow::Result<()> {
        ensure!(
            self.nodes.is_empty() || !self.locations.is_empty(),
            "the platform file has nodes but no locations: add them under \"locations\""
        );
        let known: Vec<&str> = if self.locations.is_empty() {
            BUILT_IN.to_vec()
        } else {
            self.locations.iter().map(|location| location.name.as_str()).collect()
        };
        let overflows = self.locations.iter().flat_map(|location| {
            [&location.overflow, &location.secondary_overflow, &location.transcoding].into_iter().flatten()
        });
        let of_nodes = self.nodes.iter().map(|group| &group.location);
        let of_calls = self.calls.iter().map(|calls| &calls.location);
        for name in overflows.chain(of_nodes).chain(of_calls) {
            ensure!(
                known.contains(&name.as_str()),
                "there is no location {name:?}: add it under \"locations\" (there are {})",
                known.join(", ")
            );
        }
        Ok(())
    }
}

impl TimingSpec {
    fn check(&self) -> anyhow::Result<()> {
        let Self { pending_s, ready_s, stopping_s, never_ready, report_s, replication_s, upgrade_s } = self;
        for (name, range) in [
            ("pending_s", pending_s),
            ("ready_s", ready_s),
            ("stopping_s", stopping_s),
            ("report_s", report_s),
        ] {
            if let Some((from, to)) = *range {
                ensure!(
                    0.0 <= from && from <= to,
                    "{name} is [{from}, {to}]; give seconds from 0 up, the shorter time first"
                );
            }
        }
        if let Some(delay) = *replication_s {
            ensure!(delay >= 0.0, "replication_s is {delay}; give seconds from 0 up");
        }
        if let Some((management, node)) = *upgrade_s {
            ensure!(
                management >= 0.0 && node >= 0.0,
                "upgrade_s is [{management}, {node}]; give seconds from 0 up"
            );
        }
        if let Some(share) = *never_ready {
            ensure!((0.0..=1.0).contains(&share), "never_ready is {share}; give a share from 0 to 1");
        }
        Ok(())
    }
}
