//! Tags: which instances are overflow nodes of this platform, and which Elastic IP one asks for.

use crate::ids::AllocationId;
use crate::observation::Instance;
use crate::policy::Policy;

/// The tag that makes an instance an overflow node (guide: *Tag name and Tag value*).
pub const CLOUD_TAG: &str = "pexip-cloud";

/// The tag by which an instance asks for an Elastic IP: the allocation's id, `eipalloc-…`.
pub const ALLOCATION_TAG: &str = "spillway-allocation";

/// Whether an instance is an overflow node of this platform.
pub fn is_ours(policy: &Policy, instance: &Instance) -> bool {
    instance.tags.get(CLOUD_TAG) == Some(&policy.tag_value)
}

/// The allocation an instance asks for. Only an overflow node can: nobody else's network interface has our tag.
///
/// # Errors
/// The tag's value is no allocation's id.
pub fn allocation_of(policy: &Policy, instance: &Instance) -> Result<Option<AllocationId>, String> {
    match instance.tags.get(ALLOCATION_TAG) {
        Some(text) if is_ours(policy, instance) && !text.trim().is_empty() => {
            let number = text.trim().strip_prefix("eipalloc-").unwrap_or_default();
            let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if plain { Ok(Some(AllocationId::new(text.trim()))) } else { Err(text.clone()) }
        }
        _ => Ok(None),
    }
}
