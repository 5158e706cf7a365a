//! What a policy may say: each refusal names the key, the value and what is allowed.

use super::regions::{RegionText, partition_of, region_text};
use super::{NatNodes, Policy, PolicyError};
use jiff::SignedDuration;

impl Policy {
    pub(super) fn validate(&self) -> Result<(), PolicyError> {
        let refuse = |key: &str, value: String, range: &str| {
            Err(PolicyError::Range { key: key.to_owned(), value, range: range.to_owned() })
        };
        let tag = self.tag_value.trim();
        if tag.is_empty() || tag.len() > 256 || tag != self.tag_value {
            return refuse(
                "tag_value",
                format!("{:?}", self.tag_value),
                "the tag value shown under Platform > Global Settings > Cloud Bursting (1 to 256 characters)",
            );
        }
        if tag == "unknown" && self.vpcs.is_empty() {
            return refuse(
                "vpcs",
                "empty".to_owned(),
                "at least one VPC id when `tag_value` is `unknown`: two platforms can share that value",
            );
        }
        if self.nat.nodes == NatNodes::All && self.vpcs.is_empty() {
            return refuse(
                "vpcs",
                "empty".to_owned(),
                "at least one VPC id when `nat.nodes` is `all`: always-on nodes have no tag, and the same private \
                 address in another VPC is another machine",
            );
        }
        for (i, vpc) in self.vpcs.iter().enumerate() {
            if !vpc.starts_with("vpc-") {
                return refuse(&format!("vpcs[{i}]"), format!("{vpc:?}"), "a VPC id, `vpc-…`");
            }
        }
        self.validate_regions()?;
        self.validate_numbers()?;
        self.validate_durations()?;
        self.forecast.validate()?;
        for (from, to) in &self.fallback {
            if from == to {
                return refuse(&format!("fallback.{from}"), format!("{to:?}"), "another location");
            }
        }
        for (kind, price) in &self.price_per_hour {
            if !(price.is_finite() && (0.0..=1_000.0).contains(price)) {
                return refuse(&format!("price_per_hour.{kind}"), price.to_string(), "0 to 1000");
            }
        }
        Ok(())
    }

    fn validate_regions(&self) -> Result<(), PolicyError> {
        for (i, region) in self.regions.iter().enumerate() {
            let range = match region_text(region) {
                _ if region.starts_with("cn-") => {
                    "outside China: the guide says \"We do not support AWS deployments in China\"".to_owned()
                }
                RegionText::Region if self.regions[..i].contains(region) => "named once".to_owned(),
                RegionText::Region => {
                    let (first, own) = (partition_of(&self.regions[0]), partition_of(region));
                    if first == own {
                        continue;
                    }
                    format!(
                        "in the partition {first}, like regions[0]: credentials of one partition are refused in another"
                    )
                }
                RegionText::Zone(inside) => format!("a region: {region} is a zone; write {inside}"),
                RegionText::Other => "an AWS region, such as eu-west-1".to_owned(),
            };
            return Err(PolicyError::Range {
                key: format!("regions[{i}]"),
                value: format!("{region:?}"),
                range,
            });
        }
        Ok(())
    }

    fn validate_numbers(&self) -> Result<(), PolicyError> {
        let mut numbers: Vec<(String, u32, u32, u32)> = vec![
            ("stop_margin".to_owned(), self.stop_margin.0, 0, 1_000),
            ("drains_at_once".to_owned(), self.drains_at_once, 1, 100),
            ("starts_per_cycle".to_owned(), self.starts_per_cycle, 1, 1_000),
            ("history_days".to_owned(), self.history_days, 1, 3_650),
        ];
        numbers.extend(self.threshold.map(|t| ("threshold".to_owned(), t.0, 1, 10_000)));
        numbers.extend(self.thresholds.iter().map(|(l, t)| (format!("thresholds.{l}"), t.0, 1, 10_000)));
        numbers.extend(self.max_nodes.iter().map(|(l, n)| (format!("max_nodes.{l}"), *n, 0, 10_000)));
        numbers.extend(self.hd_calls.iter().map(|(k, n)| (format!("hd_calls.{k}"), n.0, 1, 1_000)));
        for (key, value, least, most) in numbers {
            if !(least..=most).contains(&value) {
                let range = format!("{least} to {most}");
                return Err(PolicyError::Range { key, value: value.to_string(), range });
            }
        }
        Ok(())
    }

    fn validate_durations(&self) -> Result<(), PolicyError> {
        let second = SignedDuration::from_secs(1);
        let hour = SignedDuration::from_hours(1);
        let day = SignedDuration::from_hours(24);
        let mut durations = vec![
            ("boot_limit", self.boot_limit, second, hour),
            ("staleness", self.staleness, second, hour),
            ("replication", self.replication, second, hour),
            ("back_off.first", self.back_off.first, second, hour),
            ("back_off.longest", self.back_off.longest, self.back_off.first, day),
        ];
        durations.extend(self.min_lifetime.map(|d| ("min_lifetime", d, second, day)));
        for (key, value, least, most) in durations {
            if value < least || value > most {
                return Err(PolicyError::Range {
                    key: key.to_owned(),
                    value: format!("{value:#}"),
                    range: format!("{least:#} to {most:#}"),
                });
            }
        }
        Ok(())
    }
}
