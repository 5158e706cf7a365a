//! What is known of instance types. AWS adds families all the time: what is not listed here is taken for a current one.

use crate::ids::InstanceType;

/// Families from before ENA, whose instances run without it (AWS: *Enhanced networking on Linux*).
const OLD_FAMILIES: [&str; 14] =
    ["c1", "c3", "c4", "cc2", "d2", "g2", "i2", "m1", "m2", "m3", "m4", "r3", "t1", "t2"];

/// Whether an instance of this type starts only with ENA support.
pub fn needs_ena(kind: &InstanceType) -> bool {
    let family = kind.as_str().split('.').next().unwrap_or_default();
    !OLD_FAMILIES.contains(&family)
}

/// The guide (*Recommended instance types*): "we recommend that you do not use c5 or c4 instances with 36 vCPU or higher".
pub fn is_advised_against(kind: &InstanceType) -> bool {
    let Some((family, size)) = kind.as_str().split_once('.') else { return false };
    let large = match family {
        "c4" => &["8xlarge"][..],
        "c5" | "c5d" | "c5n" | "c5a" | "c5ad" => {
            &["9xlarge", "12xlarge", "16xlarge", "18xlarge", "24xlarge", "metal"]
        }
        _ => &[],
    };
    large.contains(&size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guides_advice_and_the_need_for_ena_by_type() {
        for (kind, ena, advised_against) in [
            ("c4.2xlarge", false, false),
            ("c4.8xlarge", false, true),
            ("c5.2xlarge", true, false),
            ("c5.9xlarge", true, true),
            ("c5.18xlarge", true, true),
            ("c5.4xlarge", true, false),
            ("m5.xlarge", true, false),
            ("c7i.48xlarge", true, false),
            ("nonsense", true, false),
        ] {
            let kind = InstanceType::new(kind);
            assert_eq!((needs_ena(&kind), is_advised_against(&kind)), (ena, advised_against), "{kind}");
        }
    }
}
