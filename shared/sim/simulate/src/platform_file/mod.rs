//! The file that says which platform a stand-alone simulated Management Node serves: locations, nodes, callers,
//! clock, accounts, faults. JSON, every key optional, unknown keys refused by name. It only describes; the world's
//! rules are the world's.

mod build;
mod check;
mod keys;

use std::path::Path;

use anyhow::Context as _;

pub use self::keys::{
    ApiSpec, BurstingSpec, CallsSpec, ClientSpec, LoadSpec, LocationSpec, NodeGroup, NodeKind, PlatformFile,
    TimingSpec,
};

impl PlatformFile {
    /// Reads a file; what is wrong is said with line and column.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the platform file {}", path.display()))?;
        spillway_core::json::read(&text)
            .with_context(|| format!("the platform file {} is not usable", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use spillway_world::lock;

    use super::*;

    const START: &str = "2026-05-04T08:30:00Z";

    #[test]
    fn a_platform_file_becomes_a_world_with_its_calls() {
        let text = r#"{
            "start": "2026-05-04T08:30:00Z", "speed": 60,
            "locations": [{"name": "Oslo", "overflow": "Burst"}, {"name": "Burst"}],
            "nodes": [{"location": "Oslo", "kind": "always_on", "count": 2},
                      {"location": "Burst", "kind": "overflow", "count": 3, "public": true}],
            "bursting": {"enabled": true, "threshold": 4},
            "load": {"weekday": {"peak": 30}},
            "calls": [{"location": "Oslo", "count": 20}],
            "faults": [{"kind": "unavailable", "from_s": 60, "until_s": 90}]
        }"#;
        let file: PlatformFile = serde_json::from_str(text).unwrap();
        let world = file.world(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(lock(&world).now(), START.parse().unwrap());
        assert!(lock(&world).callers().list.iter().all(|caller| caller.at >= START.parse().unwrap()));
        assert_eq!(file.faults.len(), 1);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            (r#"{"speeed": 1}"#, "speeed"),
            (r#"{"nodes": [{"location": "Oslo", "kind": "always_on"}]}"#, "no locations"),
            (r#"{"locations": [{"name": "Oslo", "overflow": "Bergen"}]}"#, "Bergen"),
            (r#"{"calls": [{"location": "London", "count": 5000}]}"#, "calls fit"),
            (r#"{"calls": [{"location": "Paris", "count": 1}]}"#, "no location \"Paris\""),
            (
                r#"{"locations": [{"name": "A"}], "nodes": [{"location": "B", "kind": "overflow"}]}"#,
                "\"locations\"",
            ),
            (r#"{"locations": [{"name": "A", "share": -1}]}"#, "share"),
            (r#"{"load": {"weekday": {"peak": 3, "dayz": 3}}}"#, "dayz"),
            (r#"{"load": {"trace": {"file": "x.csv", "scales": 3}}}"#, "scales"),
            (r#"{"timing": {"ready_s": [300, 180]}}"#, "ready_s"),
            (r#"{"timing": {"replication_s": -1}}"#, "replication_s"),
            (r#"{"timing": {"never_ready": 3}}"#, "never_ready"),
            (r#"{"faults": [{"kind": "slow", "delay_ms": 5, "untill_s": 5}]}"#, "untill_s"),
            (r#"{"api": {"command_status": 700}}"#, "command_status"),
            (r#"{"api": {"forbidden_status": 200}}"#, "forbidden_status"),
            (r#"{"api": {"max_limit": 0}}"#, "max_limit"),
            (r#"{"api": {"token_lifetime_s": 0}}"#, "token_lifetime_s"),
            (r#"{"api": {"document_type": "text/xml\n"}}"#, "document_type"),
        ] {
            let message = match serde_json::from_str::<PlatformFile>(text) {
                Ok(file) => format!("{:#}", file.world(Timestamp::UNIX_EPOCH).unwrap_err()),
                Err(error) => error.to_string(),
            };
            assert!(message.contains(word), "{text}: {message}");
        }
    }
}
