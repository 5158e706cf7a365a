//! What an AWS region looks like: a misspelt one, or a zone in its place, would be found out by an evaluator that cannot read
//! EC2. Shapes and partitions: *AWS Regions*, *Availability Zones*, *Local Zones* in the EC2 user guide, *Partitions* in the
//! AWS general reference.

/// What a text in place of a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegionText<'a> {
    /// A region, by its shape.
    Region,
    /// An Availability, Local or Wavelength Zone; the region that it is in.
    Zone(&'a str),
    /// Neither.
    Other,
}

/// Tells a region from a zone: a region is words and a number (`eu-west-1`), a zone goes on behind the number.
pub(super) fn region_text(text: &str) -> RegionText<'_> {
    let mut end = 0;
    for (n, part) in text.split('-').enumerate() {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let start = if n == 0 { 0 } else { end + 1 };
        if n >= 2 && digits > 0 {
            let region = start + digits;
            return match text.get(..region) {
                Some(_) if region == text.len() => RegionText::Region,
                Some(region) => RegionText::Zone(region),
                None => RegionText::Other,
            };
        }
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return RegionText::Other;
        }
        end = start + part.len();
    }
    RegionText::Other
}

/// The partition of a region, as its ARNs begin.
pub(super) fn partition_of(region: &str) -> &'static str {
    let partitions = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    partitions.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_told_from_a_region() {
        use RegionText::{Other, Region, Zone};
        for (text, expected) in [
            ("eu-west-1", Region),
            ("us-gov-west-1", Region),
            ("ap-southeast-3", Region),
            ("eusc-de-east-1", Region),
            ("us-isob-east-1", Region),
            ("eu-west-1a", Zone("eu-west-1")),
            ("us-west-2-lax-1a", Zone("us-west-2")),
            ("us-east-1-wl1-bos-wlz-1", Zone("us-east-1")),
            ("use1-az1", Other),
            ("eu-west", Other),
            ("EU-WEST-1", Other),
            ("eu--west-1", Other),
            ("Ireland", Other),
            ("eu-west-1 ", Zone("eu-west-1")),
            ("eu-wést-1", Other),
            ("", Other),
        ] {
            assert_eq!(region_text(text), expected, "{text}");
        }
    }

    #[test]
    fn regions_of_one_partition_begin_alike() {
        for (region, partition) in [
            ("eu-west-1", "aws"),
            ("us-gov-east-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-east-1", "aws"),
        ] {
            assert_eq!(partition_of(region), partition, "{region}");
        }
    }
}
